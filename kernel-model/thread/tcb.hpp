// The thread control block: everything about a thread that must outlive a crash, in 1 KB at a fixed virtual
// address.
//
// TCBs form a virtual array indexed by task and lthread; for persistent tasks its pages belong to the TCB
// pager. So a TCB holds no pointer but links to other TCBs, and no value that only this boot understands.
// What the scheduler needs at any moment (ready and wakeup queues, priorities in use) lies outside, in
// SchedulerEntry: choosing a thread touches no TCB page (I6). All-zero bytes are a thread that has never
// existed.
//
// The kernel stack of a thread is its entry frame and nothing else (arch/entries.S): `state`, `kind`,
// `partner` and the user's registers in `frame` say completely what a blocked thread waits for.
//
//   unused  --task_new, lthread_ex_regs-->  running
//   running --ipc, fault-->                 polling --partner receives--> waiting | running
//   running --ipc, fault-->                 waiting --message, timeout, cancel--> running
//   polling, waiting --message in memory--> locked until it is transferred (ipc/transfer_pair.hpp)
//   any     --exception without handler-->  halted  --lthread_ex_regs--> running
//   any     --task_new(nil)-->              unused
#pragma once

#include "kernel-model/abi/system_layout.hpp"
#include "kernel-model/abi/types.hpp"
#include "kernel-model/thread/transfer_state.hpp"

#include <cstddef>
#include <cstdint>

namespace kernel {

// What the processor and entries.S push, lowest address first.
struct Frame {
    uint32_t edi, esi, ebp, kernel_esp, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags, esp, ss;
};
static_assert(offsetof(Frame, vector) == 32 && offsetof(Frame, cs) == 44 && sizeof(Frame) == 60);

enum class ThreadState : uint8_t { unused, running, polling, waiting, halted, locked };

// On whose account a polling or waiting thread communicates.
enum class IpcKind : uint8_t {
    user,       // its own system call: registers in the frame
    page_fault, // the kernel asks its pager; the frame is that of the faulting instruction
    tcb_fault,  // the kernel asks the TCB pager; the frame repeats the system call
};

inline constexpr uint32_t any_partner = 0xFFFFFFFFu; // Tcb::partner of an open wait
inline constexpr uint32_t tcb_magic = 0x42435446u;   // "FTCB"

// State of a task, kept in the TCB of its lthread 0.
struct TaskState {
    uint8_t recorded; // 0: never used, the fields below mean nothing
    uint8_t active;
    uint8_t chief; // inactive: the owner of the right to create it
    uint8_t mcp;   // highest priority that its threads may give
    uint16_t version;
    uint8_t chief_in_id; // of its threads' ids: who creates the task may write there what he likes
    uint8_t reserved;
};

// The first cache line holds nothing that an IPC touches. A page directory and a page table have there, too, what belongs
// to programs that are linked at a multiple of 4 MB, as Hazelnut's are: for two tasks that talk to each other these four
// lines fill a set of the P6's L1 cache, and the first TCBs of the two tasks begin in the same set.
struct Tcb {
    uint32_t magic;
    uint32_t slice_us;           // 0: infinite
    uint64_t consumed_us;        // processor time, by clock ticks
    uint64_t send_order;         // polling: a queue of senders is sorted by it when it is rebuilt at recovery
    uint32_t fault_w0, fault_w1; // kind other than user: the message to the pager

    uint32_t id;
    ThreadState state;
    IpcKind kind;
    uint8_t priority;
    bool has_floating_point;
    uint32_t partner; // polling: whom it sends to; waiting: whom it receives from (0: nobody, it sleeps)
    Tcb* senders;     // the oldest of the threads that poll on this one, a ring
    Tcb *next_sender, *previous_sender;
    uint32_t last_sender; // whose message it has received last: in whose name it may propagate one
    uint32_t pager;

    Frame frame;

    uint64_t wakeup_us; // clock at which a wait is given up; no_wakeup: never, or it does not wait
    uint32_t internal_preempter, external_preempter;
    uint16_t interrupt_lines; // lines whose interrupts come to this thread; drivers only
    uint16_t touched;         // always 0: what touch_write() stores
    TaskState task;           // lthread 0 only
    uint32_t gate_table;      // the thread's own exception handlers; 0: none (exceptions.hpp)
    uint16_t gate_table_limit;
    uint8_t pending_trap; // at trap_repeat_address: the vector; else without meaning
    uint8_t reserved;
    uint32_t trap_eip;
    TransferState transfer;                  // of a message through memory
    alignas(16) uint8_t floating_point[108]; // FNSAVE image, valid if has_floating_point and not the owner
    uint8_t unused[688];                     // always zero: a copy of a TCB may leave it out

    l4::ThreadId thread_id() const { return {id}; }
};
static_assert(offsetof(Tcb, id) == 32 && offsetof(Tcb, frame) == 64, "TCB_ID and TCB_FRAME of entries.S");
static_assert(sizeof(Tcb) == l4::tcb_size);

inline constexpr uint64_t no_wakeup = ~uint64_t{0};
inline constexpr unsigned tcbs_per_page = l4::page_size / l4::tcb_size;
inline constexpr unsigned tcb_page_count = l4::tcb_array_size / l4::page_size;

// A thread's number in every resident array: task * 64 + lthread.
using ThreadIndex = uint16_t;
inline constexpr unsigned thread_index_count = l4::task_count * l4::threads_per_task;
inline constexpr ThreadIndex no_thread = 0xFFFF;

inline Tcb& tcb_at(unsigned index) {
    return reinterpret_cast<Tcb*>(l4::tcb_array_base)[index];
}
inline Tcb& tcb_of(l4::ThreadId id) {
    return *reinterpret_cast<Tcb*>(l4::tcb_address(id));
}
inline Tcb& tcb_in_page(unsigned page, unsigned slot) {
    return tcb_at(page * tcbs_per_page + slot);
}
inline ThreadIndex index_of(const Tcb& tcb) {
    return static_cast<ThreadIndex>((reinterpret_cast<uint32_t>(&tcb) - l4::tcb_array_base) / l4::tcb_size);
}
inline unsigned task_of(const Tcb& tcb) {
    return index_of(tcb) / l4::threads_per_task;
}
inline unsigned lthread_of(const Tcb& tcb) {
    return index_of(tcb) % l4::threads_per_task;
}

} // namespace kernel

extern "C" kernel::Tcb* current_thread; // null: idle
