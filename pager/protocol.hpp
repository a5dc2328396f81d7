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
    // Take a checkpoint now; the reply comes when it is durable: w0 = its epoch, w1 = session number, w2 as below.
    // A caller that is rolled back to this call by a recovery gets an IPC error (aborted) and finds a new
    // session number.
    checkpoint = 7,
    // The reply comes when epoch w1 is durable (0: at once): w0 = the newest durable epoch, w1 = session number,
    // w2 = epoch of the newest stop. What has happened before the reply is covered by epoch w2 + 1. The request's
    // w2 = 1: take that checkpoint now. For who waits for checkpoints that others cause (the console driver).
    durable = 9,
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
