// Requests to the checkpoint server's pager thread (l4::pager_thread), beside page faults.
//
// w0 bit 0 = 1 marks a request; in a page-fault RPC bit 0 is always 0. Layout of w0:
//   page address va[31:12] | task[11:4] | operation[3:0]
// An unknown or forbidden request is answered with w0 = refused.
#pragma once

#include <cstdint>

namespace pager {

enum class Request : uint32_t {
    // From the root task only, before GO. The message is a map message: w0, w1 are a map item of one page,
    // whose content the server copies to page `va` of task `task`. Reply: w0 = 0.
    load = 1,
    // Reply: w0 = epoch this start was recovered from (0: fresh start), w1 = session number, w2 = Readiness.
    status = 3,
    // From the root task only: the world is set up; intervals start. Reply: w0 = 0.
    go = 5,
    // Gives memory back: the pages of `task` (0: the caller's) in the fpage w1 are gone. Their next touch finds zeros; their
    // frames are free at once, their place on the disk once no checkpoint has them any more. w2 = 0. Reply: w0 = 0, w1 =
    // pages that were given back, w2 = 0, or the w2 with which to ask again: much is done in parts. An fpage of the whole
    // space does not touch TCBs: those are the kernel's, which uses a number's TCB pages again in the task's next life.
    //
    // Memory belongs to the task *number*. It may be there before the task (load), and the kernel's deletion of a task does
    // not touch it: the task that is created next under the number finds it, unless it is discarded between the two. So
    // who deletes a task for good, or gives its number away, discards. That may do
    //   - every thread of the task itself,
    //   - the root task,
    //   - the highest task below the root task that the number's chain of chiefs or owners leads to, as the kernel tells by
    //     id_nearest: it could delete the task anyway.
    // A chief further down, who is none of these, can start a task under the number that discards its own memory.
    //
    // It is a change of the world like a write: a recovery goes back to before it or stays behind it. Who is rolled back to
    // the call gets an IPC error (aborted) and asks again from w2 = 0.
    discard = 9,
    // Take a checkpoint now; the reply comes when it is durable: w0 = its epoch, w1 = session number, w2 as below.
    // A caller that is rolled back to this call by a recovery gets an IPC error (aborted) and finds a new
    // session number.
    checkpoint = 7,
    // The reply comes when epoch w1 is durable (0: at once): w0 = the newest durable epoch, w1 = session number,
    // w2 = epoch of the newest stop. What has happened before the reply is covered by epoch w2 + 1. The request's
    // w2 = 1: take that checkpoint now. For who waits for checkpoints that others cause (the console driver).
    durable = 11,
    // From the root task only, after GO: the machine is about to be switched off. Takes a last checkpoint and marks it
    // clean; from its stop on nothing persistent runs any more. The reply comes when it is durable, as for CHECKPOINT.
    shutdown = 15,
};

enum class Readiness : uint32_t {
    not_yet = 0, // still reading the last checkpoint
    ready = 1,
    failed = 2, // no disk, or no recovery possible: the reason is on the console
};

inline constexpr uint32_t request_bit = 1, refused = 0xFFFFFFFFu;

constexpr uint32_t request_word(Request operation, uint32_t task = 0, uint32_t va = 0) {
    return (va & ~0xFFFu) | (task & 0xFFu) << 4 | static_cast<uint32_t>(operation);
}
constexpr Request request_operation(uint32_t w0) {
    return static_cast<Request>(w0 & 0xFu);
}
constexpr uint32_t request_task(uint32_t w0) {
    return w0 >> 4 & 0xFFu;
}
constexpr uint32_t request_address(uint32_t w0) {
    return w0 & ~0xFFFu;
}

static_assert(request_word(Request::load, 0x12, 0x00400123) == 0x00400121);

} // namespace pager
