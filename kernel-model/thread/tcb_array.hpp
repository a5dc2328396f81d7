// The TCB array and its paging.
//
// A TCB page is touched for the first time only at a *touch point*: touch_read() or touch_write() at the
// start of a system call or fault, before any side effect. A processor page fault there (and only there) is a
// *TCB fault*:
//   - task not paged, or no TCB pager: a read maps the shared zero page, a write a page of the kernel's;
//   - otherwise the current thread asks the TCB pager by an IPC like a page-fault RPC (w0 = page address | write
//     bit, address inside the TCB array); the map item of the reply is entered into the array's page tables,
//     then the system call is repeated from its beginning. A reply without mapping means that the page was
//     never used: a read maps the shared zero page.
//   - the TCB pager thread itself never asks itself: for it an absent TCB is an unused one (I6). touch_read() says
//     so, and nothing is mapped: others find the thread afterwards.
//
// Pages once present stay so, and writable: queues, timeouts and switches reach only threads whose TCB is present,
// and need no touch point. To that end the kernel takes the frame that the TCB pager offers. Its mapping in the array
// is pinned (memory/mapping_database.hpp): no unmap, grant, overwriting or death of those whom the frame came from
// reaches it. A frame is taken only if it is main memory, the offer is writable, and no TCB page lies in it yet:
// everything else would let the kernel fault, or find two threads in one TCB, later and elsewhere.
#pragma once

#include "kernel-model/memory/fpage_operations.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace kernel {

struct TcbPaging {
    uint32_t pager = 0;         // thread id; 0: no pager, the kernel's own memory for all
    unsigned paged_tasks = 256; // tasks from this number on
};
extern TcbPaging tcb_paging;

inline bool is_persistent(unsigned task) {
    return tcb_paging.pager != 0 && task >= tcb_paging.paged_tasks;
}

// One entry of the section .touch_points.
struct TouchPoint {
    uint32_t instruction;
    uint32_t absent; // where to go on if the TCB is absent and nobody can be asked
};

// False: an unused TCB, whose page is absent. Only the TCB pager thread is ever told so.
inline bool touch_read(const Tcb& tcb) {
    asm goto("1:\ttestb $0, (%0)\n\t.pushsection .touch_points, \"a\"\n\t.long 1b, %l[absent]\n\t.popsection"
             :
             : "r"(&tcb)
             : "memory", "cc"
             : absent);
    return true;
absent:
    return false;
}
// A store and nothing else: of a read-modify-write some processors report the read first.
inline void touch_write(Tcb& tcb) {
    asm volatile("1:\tmovw $0, (%0)\n\t.pushsection .touch_points, \"a\"\n\t.long 1b, 0\n\t.popsection"
                 :
                 : "r"(&tcb.touched)
                 : "memory");
}

enum class TcbFaultOutcome { retry, absent, abandoned };
TcbFaultOutcome handle_tcb_fault(uint32_t address, bool write);

// The TCB pager's task offers a page of its own for a TCB page. A page that arrives is looked through at once: threads
// unknown to this boot are mended and become ready (recovery.hpp). False: it is no page for TCBs.
bool receive_tcb_page(unsigned pager_task, uint32_t address, MapItem item);
// The TCB pager has answered `thread` without one.
void tcb_pager_knows_nothing(const Tcb& thread);

void initialise_tcb_array(); // its page tables, the zero page

// Gives a TCB page the kernel's own memory; false: none left.
bool provide_tcb_page(unsigned page);

// Present and not the zero page. Touches page tables only.
bool tcb_page_in_use(unsigned page);

// Does the thread exist, with its TCB in place? Touches no TCB that may be absent.
bool is_thread_present(l4::ThreadId id);

// For the TCB pager: replaces the address of the first of l4::tcb_group_pages TCB pages by a bit for each that has come from
// it: was it written since the last such call? False: no such address.
bool take_written_tcb_pages(uint32_t& first_and_written);

// The next touch of a page that was said never to be used asks again.
void forget_unused_tcb_page(unsigned page);

// The thread that `id` names, or null. A touch point.
inline Tcb* find_thread(l4::ThreadId id) {
    if (id.is_nil() || id == l4::invalid_thread || id.task() == 0)
        return nullptr;
    Tcb& tcb = tcb_of(id);
    return touch_read(tcb) && tcb.id == id.raw && tcb.state != ThreadState::unused ? &tcb : nullptr;
}

} // namespace kernel
