// A TCB pager that does everything wrong, in the manner that the test chooses, and threads that only it knows.
//
// "Stored" threads are made by writing their TCBs into a frame, as a recovery would have them: their page is absent until
// the kernel touches it.
#pragma once

#include "kernel-model/thread/tcb.hpp"
#include "tests/kernel/guest/checks.hpp"

namespace tcb_pager {

using namespace kernel_test;

inline constexpr unsigned fault_server = 1, actor = 2, driver = 3, victim = 4,
                          blocker = 5; // lthreads of the root task
inline constexpr unsigned stored_priority = 61, actor_priority = 60;
inline constexpr uint32_t tcb_frames = 0x01A00000, tcb_frames_log2 = 21, tcb_frames_max = 512;
inline constexpr uint32_t stacks = 0x01C00000, stack_bytes = 0x1000;
inline constexpr uint32_t nowhere = 0x70000000, outside_user_space = 0xF1000000, device_page = 0x000B8000;
inline constexpr uint32_t keep = 0xFFFFFFFFu;

inline uint32_t stack_of(unsigned task, unsigned slot = 0) {
    return stacks + (2 * task + slot + 1) * stack_bytes - 16;
}
inline l4::ThreadId thread_in(unsigned task, unsigned lthread = 0) {
    return l4::ThreadId::make(task, lthread, 1, l4::root_task);
}
inline uint32_t code(void (*function)()) {
    return reinterpret_cast<uint32_t>(function);
}
[[noreturn]] inline void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

enum class Manner : uint32_t {
    serves,
    later,       // when it is told to
    read_only,   // refused by the kernel, from here on
    taken_frame, // one in which another TCB page lies
    device,      // no memory
    absent,      // a page that the pager does not have
    outside,     // of user space
    no_fpage,    // of less than a page
    refused_end, // ...to here
    grants = refused_end,
    larger_fpage,   // indexed by the send base
    unmaps_at_once, // the frame, after its reply
    count
};
inline constexpr const char* manner_names[] = {
    "at once",          "late",     "read-only", "a frame twice",     "device memory",   "an absent page",
    "kernel addresses", "no fpage", "granted",   "in a larger fpage", "unmapped at once"};
static_assert(sizeof manner_names / sizeof *manner_names == static_cast<unsigned>(Manner::count));

// What root asks of the TCB pager, by w0; page faults have other addresses.
enum Request : uint32_t {
    answer_now = 4,
    block = 8,
    send_to = 12,
    revoke_write = 16,
    unmap_all = 20,
    touch_frame = 24
};

extern volatile Manner manner;
extern volatile unsigned misdeeds_left, offers_refused, tcb_faults;
extern volatile unsigned faults_spared; // that are answered as usual, before the first misdeed
extern volatile uint32_t frame_of_page[kernel::tcb_page_count]; // 0: never used
extern volatile bool another_frame_each;                        // late answers name different frames
extern volatile unsigned waiting_count;                         // clients that are answered late

bool is_refused(Manner manner);
uint32_t page_of_tcbs(uint32_t address);

void start_pager_task();
uint32_t ask_pager(Request request, uint32_t argument = 0);
uint32_t adopt(l4::ThreadId id); // the TCB page of this thread, by the pager's other thread
l4::WrittenTcbs take_written(uint32_t first_tcb_page); // by the same

kernel::Tcb& store(l4::ThreadId id, void (*entry)(), unsigned chief = l4::root_task);

} // namespace tcb_pager
