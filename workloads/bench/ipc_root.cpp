// The bench's root task: IPC by registers between two threads of one task, beside the loops of the bare machine.
// It prints the lines that bench_main.cpp describes.
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"

namespace {

constexpr uint32_t rounds = 100'000;
constexpr unsigned echo = 1;
constexpr uint16_t debug_exit_port = 0xF4, bochs_exit_port = 0x8900;
constexpr uint64_t line_is_out_us = 20'000;

alignas(16) uint8_t echo_stack[4096];

void echo_server() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;)
        l4::reply_and_wait(client, message);
}

void write_port(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

} // namespace

extern "C" [[noreturn]] void bench_main() {
    const l4::ThreadId server = l4::my_id().with_lthread(echo);
    l4::lthread_ex_regs(echo, reinterpret_cast<uint32_t>(echo_server),
                        reinterpret_cast<uint32_t>(echo_stack + sizeof echo_stack - 16), l4::invalid_thread);
    l4::print_string("begin ipc\n");
    l4::sleep_us(line_is_out_us);
    bool answered = true;
    for (uint32_t round = 0; round < rounds; ++round) {
        l4::Message message{round, 0, 0};
        answered = answered && l4::call(server, message).ok() && message.w0 == round;
    }
    l4::print_string("end ipc 0\n");
    l4::sleep_us(line_is_out_us);
    for (const char* c = "Shutdown"; answered && *c != 0; ++c) // Bochs's way out
        write_port(bochs_exit_port, static_cast<uint8_t>(*c));
    write_port(debug_exit_port, answered ? 0 : 1);
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

asm(".section .text.start, \"ax\"\n"
    ".globl _start\n"
    "_start:\n"
    "    movl $bench_stack_top, %esp\n"
    "    call bench_main\n"
    ".section .bss\n"
    "    .balign 16\n"
    "    .skip 8192\n"
    "bench_stack_top:\n"
    ".text\n");
