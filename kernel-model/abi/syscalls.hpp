// The seven system calls of L4 X.0 (INT 0x30-0x36), the recovery call (INT 0x37) and the console calls (INT 3), as
// thin wrappers. Guest only. Every call clobbers all registers that it does not return, as the ABI says.
#pragma once

#include "kernel-model/abi/sysenter.hpp"
#include "kernel-model/abi/types.hpp"

namespace l4 {

struct Message {
    uint32_t w0 = 0, w1 = 0, w2 = 0;
};

// EBP carries the receive descriptor; the compiler may be using it as frame pointer, so it is swapped by hand.
#define L4_IPC(entry)                                                                                        \
    uint32_t result = send_descriptor, timeouts_raw = timeouts.raw;                                          \
    asm volatile("pushl %[receive]\n\t"                                                                      \
                 "pushl %%ebp\n\t"                                                                           \
                 "movl 4(%%esp), %%ebp\n\t" entry "popl %%ebp\n\t"                                           \
                 "leal 4(%%esp), %%esp"                                                                      \
                 : "+a"(result), "+c"(timeouts_raw), "+d"(message.w0), "+b"(message.w1), "+D"(message.w2),   \
                   "+S"(dest.raw)                                                                            \
                 : [receive] "m"(receive_descriptor)                                                         \
                 : "memory", "cc");                                                                          \
    return {                                                                                                 \
        result                                                                                               \
    }

// INT 0x30. Sends `message` to `dest` unless send_descriptor is no_send, then receives into it unless
// receive_descriptor is no_receive. On return `dest` holds the sender.
inline MessageResult ipc_int30(ThreadId& dest, uint32_t send_descriptor, uint32_t receive_descriptor,
                               Timeouts timeouts, Message& message) {
    L4_IPC("int $0x30\n\t");
}
// The same by SYSENTER; only if processor_has_sysenter().
inline MessageResult ipc_sysenter(ThreadId& dest, uint32_t send_descriptor, uint32_t receive_descriptor,
                                  Timeouts timeouts, Message& message) {
    L4_IPC(L4_IPC_SYSENTER);
}
// The entry that all wrappers below use is chosen for the whole program.
inline MessageResult ipc(ThreadId& dest, uint32_t send_descriptor, uint32_t receive_descriptor,
                         Timeouts timeouts, Message& message) {
#ifdef L4_IPC_BY_SYSENTER
    return ipc_sysenter(dest, send_descriptor, receive_descriptor, timeouts, message);
#else
    return ipc_int30(dest, send_descriptor, receive_descriptor, timeouts, message);
#endif
}

inline MessageResult send(ThreadId dest, Message message, Timeouts timeouts = Timeouts::infinite()) {
    return ipc(dest, send_registers, no_receive, timeouts, message);
}
inline MessageResult call(ThreadId dest, Message& message, Timeouts timeouts = Timeouts::infinite()) {
    return ipc(dest, send_registers, receive_registers, timeouts, message);
}
inline MessageResult receive(ThreadId from, Message& message, Timeouts timeouts = Timeouts::infinite()) {
    return ipc(from, no_send, receive_registers, timeouts, message);
}
// Open wait; `from` is set to the sender.
inline MessageResult wait(ThreadId& from, Message& message, Timeouts timeouts = Timeouts::infinite()) {
    return ipc(from, no_send, open_wait, timeouts, message);
}
// Replies to `partner` (a client that does not take it at once gets nothing), then waits for anyone. A call that fails in
// its send phase has no receive phase: then the server waits by a second one.
inline MessageResult reply_and_wait(ThreadId& partner, Message& message,
                                    uint32_t send_descriptor = send_registers) {
    constexpr unsigned of_send_phase = 1; // such errors are odd
    const MessageResult result = ipc(partner, send_descriptor, open_wait, Timeouts::reply(), message);
    return result.error() & of_send_phase ? wait(partner, message) : result;
}
inline void sleep_us(uint64_t us) {
    Message message;
    receive(nil_thread, message, Timeouts::make(Timeouts::infinite_us, us));
}

// INT 0x31: whom a message to `dest` reaches first. nil: the caller; invalid: the caller's chief.
struct Nearest {
    ClanRelation relation = {};
    ThreadId id;
};
inline Nearest id_nearest(ThreadId dest) {
    uint32_t type = 0, ecx, edx, ebx, edi;
    asm volatile("pushl %%ebp\n\tint $0x31\n\tpopl %%ebp"
                 : "+a"(type), "+S"(dest.raw), "=c"(ecx), "=d"(edx), "=b"(ebx), "=D"(edi)
                 :
                 : "memory", "cc");
    return {ClanRelation{type}, dest};
}
inline ThreadId my_id() {
    return id_nearest(nil_thread).id;
}

// INT 0x32. Returns the status with unmap_take_status (a bit a page with unmap_status_by_page), else nothing of use.
inline uint32_t fpage_unmap(Fpage fpage, uint32_t mapmask) {
    uint32_t ebx, edx, esi, edi;
    asm volatile("pushl %%ebp\n\tint $0x32\n\tpopl %%ebp"
                 : "+a"(fpage.raw), "+c"(mapmask), "=b"(ebx), "=d"(edx), "=S"(esi), "=D"(edi)
                 :
                 : "memory", "cc");
    return fpage.raw;
}

// INT 0x33. nil yields to any ready thread.
inline void thread_switch(ThreadId dest = nil_thread) {
    uint32_t eax, ebx, ecx, edx, edi;
    asm volatile("pushl %%ebp\n\tint $0x33\n\tpopl %%ebp"
                 : "+S"(dest.raw), "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx), "=D"(edi)
                 :
                 : "memory", "cc");
}

// INT 0x34. param: m_t 8 | e_t 4 | state 4 | small 8 | prio 8. 0xFFFFFFFF keeps param word or preempter.
struct ScheduleResult {
    uint32_t param = 0; // the old word; 0xFFFFFFFF: refused
    ThreadId preempter;
    ThreadId partner;   // while the thread waits or sends
    uint64_t times = 0; // m_w 8 | e_w 4 | e_p 4 | consumed microseconds 48

    constexpr bool refused() const { return param == 0xFFFFFFFFu; }
    constexpr unsigned priority() const { return param & 0xFF; }
    constexpr ThreadRunState state() const { return ThreadRunState{param >> 16 & 0xF}; }
    constexpr uint64_t slice_us() const { return Timeouts::decode_us(param >> 20 & 0xF, param >> 24); }
    constexpr uint64_t consumed_us() const { return times & 0xFFFF'FFFFFFFFull; }
    constexpr uint64_t remaining_us() const {
        return Timeouts::decode_us(static_cast<unsigned>(times >> 52 & 0xF),
                                   static_cast<unsigned>(times >> 56));
    }
};
inline ScheduleResult schedule_thread(ThreadId dest, uint32_t param, ThreadId preempter = invalid_thread) {
    uint32_t times_low, times_high, edi;
    asm volatile("pushl %%ebp\n\tint $0x34\n\tpopl %%ebp"
                 : "+a"(param), "+b"(preempter.raw), "+S"(dest.raw), "=c"(times_low), "=d"(times_high),
                   "=D"(edi)
                 :
                 : "memory", "cc");
    return {param, preempter, dest, uint64_t{times_high} << 32 | times_low};
}
// Returns the old word.
inline uint32_t thread_schedule(ThreadId dest, uint32_t param) {
    return schedule_thread(dest, param).param;
}
// A time slice of 0 (m = 0, e != 0) or e = 0 (infinite): the thread is never preempted by its equals.
constexpr uint32_t schedule_param(unsigned priority, unsigned slice_exponent = 0,
                                  unsigned slice_mantissa = 0) {
    return slice_mantissa << 24 | slice_exponent << 20 | priority;
}

// INT 0x35: starts or changes a thread of the own task. 0xFFFFFFFF keeps a value.
struct ThreadRegisters {
    uint32_t eip = 0xFFFFFFFFu, esp = 0xFFFFFFFFu;
    ThreadId pager = invalid_thread, preempter = invalid_thread;
    uint32_t eflags = 0; // result only
};
inline ThreadRegisters exchange_registers(unsigned lthread, ThreadRegisters registers) { // the old ones
    uint32_t edi;
    asm volatile("pushl %%ebp\n\tint $0x35\n\tpopl %%ebp"
                 : "+a"(lthread), "+c"(registers.esp), "+d"(registers.eip), "+b"(registers.preempter.raw),
                   "+S"(registers.pager.raw), "=D"(edi)
                 :
                 : "memory", "cc");
    registers.eflags = lthread;
    return registers;
}
inline void lthread_ex_regs(unsigned lthread, uint32_t eip, uint32_t esp, ThreadId pager = invalid_thread) {
    exchange_registers(lthread,
                       {.eip = eip, .esp = esp, .pager = pager, .preempter = invalid_thread, .eflags = 0});
}

// INT 0x36: creates (pager not nil) or deletes (pager nil: makes inactive) the task of `dest`, with all tasks below it.
// `mcp_or_new_chief`: of an active task the highest priority that its threads may give; of an inactive one the task
// (number or thread id, 0: the caller) that may create it from now on. A version in `dest` is that of the new task,
// 0 gives it the next one. nil: refused.
inline ThreadId task_new(ThreadId dest, unsigned mcp_or_new_chief, uint32_t eip, uint32_t esp,
                         ThreadId pager) {
    uint32_t edi;
    asm volatile("pushl %%ebp\n\tint $0x36\n\tpopl %%ebp"
                 : "+a"(mcp_or_new_chief), "+c"(esp), "+d"(eip), "+b"(pager.raw), "+S"(dest.raw), "=D"(edi)
                 :
                 : "memory", "cc");
    return dest;
}

// INT 0x37, ours, for the TCB pager's task only. See kernel-model/thread/recovery.hpp.
enum class RecoveryOperation : uint32_t {
    // clock_us: the snapshot's clock; the kernel's clock moves forward to it, pending timeouts with it.
    begin = 0,
    // tcb_page: the threads of this TCB page are checked, mended and enqueued. Its content is in the caller's page that
    // `offered` names; without one the TCB pager is asked, by a fault.
    adopt = 1,
    // tcb_page: the first of tcb_group_pages. Which of them were written to since the last such call?
    take_written = 2,
};
enum class RecoveryResult : uint32_t { ok = 0, not_permitted = 1, bad_argument = 2, damaged_tcb = 3 };
inline RecoveryResult recovery_call(RecoveryOperation operation, uint32_t& ebx, uint32_t edx, uint32_t ecx) {
    uint32_t eax = static_cast<uint32_t>(operation), esi, edi;
    asm volatile("pushl %%ebp\n\tint $0x37\n\tpopl %%ebp"
                 : "+a"(eax), "+b"(ebx), "+d"(edx), "+c"(ecx), "=S"(esi), "=D"(edi)
                 :
                 : "memory", "cc");
    return static_cast<RecoveryResult>(eax);
}
inline RecoveryResult recovery(RecoveryOperation operation, uint32_t tcb_page, uint64_t clock_us = 0) {
    return recovery_call(operation, tcb_page, static_cast<uint32_t>(clock_us),
                         static_cast<uint32_t>(clock_us >> 32));
}
inline RecoveryResult adopt_tcb_page(uint32_t tcb_page, Fpage offered) {
    return recovery_call(RecoveryOperation::adopt, tcb_page, offered.raw, 0);
}
struct WrittenTcbs {
    RecoveryResult result = {};
    uint32_t pages = 0; // a bit each
};
inline WrittenTcbs take_written_tcbs(uint32_t first_tcb_page) {
    uint32_t pages = first_tcb_page;
    const RecoveryResult result = recovery_call(RecoveryOperation::take_written, pages, 0, 0);
    return {result, pages};
}

// INT 3 followed by cmpb $n, %al: the console calls of Hazelnut's programs.
inline void print_char(char c) {
    asm volatile("int3\n\tcmpb $0, %%al"
                 :
                 : "a"(static_cast<uint32_t>(static_cast<unsigned char>(c)))
                 : "cc");
}
inline void print_string(const char* text) {
    asm volatile("int3\n\tcmpb $2, %%al" : : "a"(text) : "memory", "cc");
}
inline void print_hex(uint32_t value) {
    asm volatile("int3\n\tcmpb $5, %%al" : : "a"(value) : "cc");
}
inline void print_decimal(uint32_t value) {
    asm volatile("int3\n\tcmpb $11, %%al" : : "a"(value) : "cc");
}
// Ours: the most bytes of its stack that the kernel has ever used, for tests.
inline uint32_t kernel_stack_used() {
    uint32_t bytes;
    asm volatile("int3\n\tcmpb $0xF5, %%al" : "=a"(bytes) : : "cc");
    return bytes;
}

} // namespace l4
