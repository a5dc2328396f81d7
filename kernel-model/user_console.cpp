// INT 3: the console calls of Hazelnut's programs, by what follows the instruction.
//
//   3C n      cmpb $n, %al   0 print AL, 2 print the string at EAX, 5-7 the lowest 32, 20 or 16 bits of EAX in
//                            hexadecimal, 11 EAX in decimal, 13 read a character into EAX;
//                            0xF5, ours: kernel_stack_used() into EAX
//   [90] EB n jmp            print the text that is jumped over
// Everything else is the breakpoint exception, for threads that have a handler of it, and ignored without. User memory that is absent is faulted in first; then the call is repeated.
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/arch/kernel_stack.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/memory/user_memory.hpp"
#include "kernel-model/thread/exceptions.hpp"
#include "kernel-model/thread/scheduler.hpp"

namespace kernel {

namespace {

constexpr uint32_t string_length_max = 1024;
constexpr uint8_t opcode_compare_al = 0x3C, opcode_nop = 0x90, opcode_jump_short = 0xEB;
constexpr unsigned call_print_char = 0, call_print_string = 2, call_print_hex = 5, call_print_hex_last = 7,
                   call_print_decimal = 11, call_read_char = 13, call_stack_used = 0xF5;
constexpr unsigned hex_digits[] = {8, 5, 4};

const uint8_t* user_bytes(uint32_t address) {
    return reinterpret_cast<const uint8_t*>(address);
}

// The INT 3 is repeated when the thread runs next.
void repeat_call() {
    constexpr uint8_t opcode_int = 0xCD;
    Frame& frame = current_thread->frame;
    const uint32_t two_bytes_before = frame.eip - 2;
    const bool long_form = !user_fault(two_bytes_before, 2, UserAccess::read).faults &&
                           user_bytes(two_bytes_before)[0] == opcode_int &&
                           user_bytes(two_bytes_before)[1] == vector_breakpoint;
    frame.eip -= long_form ? 2 : 1;
    frame.vector = vector_page_fault; // nobody else shall set EIP back
}

// True: [address, address + bytes) is present. False: the thread has faulted, and will repeat its call.
bool ensure_readable(uint32_t address, uint32_t bytes) {
    const UserFault fault = user_fault(address, bytes, UserAccess::read);
    if (!fault.faults)
        return true;
    repeat_call();
    page_fault_at(fault.address, fault.error);
    return false;
}

void print_text(uint32_t address, uint32_t length) {
    for (uint32_t index = 0; index < length; ++index)
        console.print_char(static_cast<char>(user_bytes(address)[index]));
}

// Zero-terminated. Looked through first: a fault on the way must not print the beginning twice.
void print_string(uint32_t address) {
    uint32_t length = 0;
    while (length < string_length_max) {
        if ((length == 0 || (address + length) % l4::page_size == 0) && !ensure_readable(address + length, 1))
            return;
        if (user_bytes(address + length)[0] == 0)
            break;
        ++length;
    }
    print_text(address, length);
}

// Hazelnut stops the whole machine until there is a character, and programs rely on it (they start threads that must not
// run before). Here the caller keeps the processor from its equals and from those below it; interrupts and threads of
// higher priority go on.
void read_char(Frame& frame) {
    const int c = console.poll_char();
    if (c >= 0) {
        frame.eax = static_cast<uint32_t>(c);
        return;
    }
    repeat_call();
    scheduler.entry(*current_thread).slice_left_us = current_thread->slice_us;
}

void console_call(unsigned number) {
    Frame& frame = current_thread->frame;
    if (number == call_print_char)
        console.print_char(static_cast<char>(frame.eax));
    else if (number == call_print_string)
        print_string(frame.eax);
    else if (number >= call_print_hex && number <= call_print_hex_last)
        console.print(Hex{frame.eax, hex_digits[number - call_print_hex]});
    else if (number == call_print_decimal)
        console.print(Decimal{frame.eax});
    else if (number == call_read_char)
        read_char(frame);
    else if (number == call_stack_used)
        frame.eax = kernel_stack_used();
}

} // namespace

void handle_breakpoint() {
    uint32_t eip = current_thread->frame.eip;
    if (!ensure_readable(eip, 2))
        return;
    if (user_bytes(eip)[0] == opcode_compare_al) {
        console_call(user_bytes(eip)[1]);
        return;
    }
    if (user_bytes(eip)[0] == opcode_nop)
        ++eip;
    if (!ensure_readable(eip, 2))
        return;
    if (user_bytes(eip)[0] != opcode_jump_short) {
        offer_trap(vector_breakpoint);
        return;
    }
    const uint32_t length = user_bytes(eip)[1];
    if (length < 0x80 && length != 0 && ensure_readable(eip + 2, length))
        print_text(eip + 2, length);
}

} // namespace kernel
