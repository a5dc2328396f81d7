#include "kernel-model/thread/exceptions.hpp"

#include "kernel-model/abi/exceptions.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/memory/user_memory.hpp"
#include "kernel-model/thread/scheduler.hpp"

namespace kernel {

namespace {

constexpr const char* name_of(unsigned vector) {
    constexpr const char* names[] = {
        "divide error", "debug",          "NMI",         "breakpoint",         "overflow",
        "bound",        "invalid opcode", "no x87",      "double fault",       "coprocessor overrun",
        "invalid TSS",  "no segment",     "stack fault", "general protection", "page fault",
        "reserved",     "x87 error",      "alignment",   "machine check",      "SIMD error"};
    return vector < sizeof names / sizeof *names ? names[vector] : "unknown exception";
}

constexpr bool in_set(uint32_t set, unsigned vector) {
    return vector < 32 && (set >> vector & 1) != 0;
}
constexpr uint32_t bit(unsigned vector) {
    return 1u << vector;
}

// Divide error, debug, breakpoint, overflow, bound, opcode, x87, TSS, segment, stack, protection, x87 error, alignment,
// SIMD error.
constexpr uint32_t user_vectors = bit(0) | bit(1) | bit(3) | bit(4) | bit(5) | bit(6) | bit(7) | bit(9) |
                                  bit(10) | bit(11) | bit(12) | bit(13) | bit(16) | bit(17) | bit(19);
constexpr uint32_t vectors_with_error_code = bit(8) | bit(10) | bit(11) | bit(12) | bit(13) | bit(17);
constexpr uint32_t traps = bit(1) | bit(3);

constexpr uint32_t cleared_in_handler = cpu::eflags_trap | cpu::eflags_nested | cpu::eflags_resume;

// What became of an attempt to enter the handler. refused: `reason` and `address` say why.
struct Delivery {
    enum class Outcome : uint8_t { entered, faulted, refused };
    Outcome outcome;
    const char* reason = nullptr;
    uint32_t address = 0;
};
constexpr Delivery refused(const char* reason, uint32_t address = 0) {
    return {Delivery::Outcome::refused, reason, address};
}
constexpr Delivery faulted{Delivery::Outcome::faulted};

// The thread faults where its table or its stack is absent.
Delivery fault_in_delivery(Tcb& thread, UserFault fault) {
    Frame& frame = thread.frame;
    if (in_set(traps, frame.vector)) {
        thread.trap_eip = frame.eip;
        thread.pending_trap = static_cast<uint8_t>(frame.vector);
        frame.eip = trap_repeat_address;
        frame.vector = vector_page_fault;
    }
    page_fault_at(fault.address, fault.error);
    return faulted;
}

Delivery enter_handler(Tcb& thread, l4::Gate gate) {
    Frame& frame = thread.frame;
    const bool has_error = in_set(vectors_with_error_code, frame.vector);
    const uint32_t bytes = has_error ? 16 : 12;
    if (frame.esp < bytes || frame.esp > l4::user_space_end)
        return refused("exception with a stack outside user space", frame.esp);
    const uint32_t esp = frame.esp - bytes;
    if (const UserFault fault = user_fault(esp, bytes, UserAccess::write); fault.faults)
        return fault_in_delivery(thread, fault);
    uint32_t at = esp;
    if (has_error) {
        store_to_user(at, frame.error);
        at += 4;
    }
    store_to_user(at, frame.eip);
    store_to_user(at + 4, frame.cs);
    store_to_user(at + 8, frame.eflags);
    frame.esp = esp;
    frame.eip = gate.handler();
    frame.eflags &= ~cleared_in_handler;
    return {Delivery::Outcome::entered};
}

Delivery deliver(Tcb& thread) {
    const unsigned vector = thread.frame.vector;
    if (!in_set(user_vectors, vector) || thread.gate_table == 0)
        return refused(name_of(vector));
    const uint32_t offset = vector * sizeof(l4::Gate), address = thread.gate_table + offset;
    if (offset + sizeof(l4::Gate) - 1 > thread.gate_table_limit)
        return refused("exception beyond the limit of its table", address);
    if (const UserFault fault = user_fault(address, sizeof(l4::Gate), UserAccess::read); fault.faults)
        return fault_in_delivery(thread, fault);
    const auto gate = load_from_user<l4::Gate>(address);
    if (!gate.present())
        return refused("exception without a gate", address);
    if (gate.handler() >= l4::user_space_end)
        return refused("exception with a handler outside user space", gate.handler());
    return enter_handler(thread, gate);
}

void set_trap(unsigned vector) {
    current_thread->frame.vector = vector;
    current_thread->frame.error = 0;
}

} // namespace

void stop_thread(Tcb& thread, const char* reason, uint32_t address) {
    console.print("kernel: ", thread.thread_id(), " stopped: ", reason, ", vector ",
                  Decimal{thread.frame.vector}, ", eip ", Hex{thread.frame.eip}, ", error ",
                  Hex{thread.frame.error}, ", address ", Hex{address}, "\n");
    thread.state = ThreadState::halted;
    scheduler.not_ready(thread);
    scheduler.reschedule();
}

void raise_exception() {
    Tcb& thread = *current_thread;
    const Delivery delivery = deliver(thread);
    if (delivery.outcome == Delivery::Outcome::refused)
        stop_thread(thread, delivery.reason, delivery.address);
}

void raise_trap(unsigned vector) {
    set_trap(vector);
    raise_exception();
}

void offer_trap(unsigned vector) {
    set_trap(vector);
    deliver(*current_thread);
}

bool repeat_trap(uint32_t address) {
    Tcb& thread = *current_thread;
    if (address != trap_repeat_address || thread.frame.eip != address || thread.pending_trap == 0)
        return false;
    const unsigned vector = thread.pending_trap;
    thread.frame.eip = thread.trap_eip;
    thread.pending_trap = 0;
    if (vector == vector_breakpoint)
        offer_trap(vector);
    else
        raise_trap(vector);
    return true;
}

bool has_sound_exception_state(const Tcb& thread) {
    return may_be_gate_table(thread.gate_table) &&
           (thread.pending_trap == 0 || in_set(traps, thread.pending_trap));
}

void handle_exception() {
    raise_exception();
}

} // namespace kernel
