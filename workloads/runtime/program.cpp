#include "workloads/runtime/program.hpp"

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/runtime/console.hpp"
#include "workloads/runtime/text_line.hpp"

// The first instruction of a task: the stack pointer is already stack_top (task_new).
asm(R"(
    .section .text.start, "ax"
    .globl _start
_start:
    xorl %ebp, %ebp
    andl $-16, %esp
    call program_entry
    ud2
    .text
)");

extern "C" [[noreturn, gnu::used]] void program_entry() {
    const auto& startup = *reinterpret_cast<const workloads::StartupPage*>(workloads::startup_page_address);
    if (startup.magic != workloads::startup_magic) {
        l4::print_string("workload: no start-up page at 0x00010000\n");
        workloads::rest();
    }
    workloads::set_console(startup.console);
    workloads::program_main(startup);
}

namespace workloads {

void rest() {
    for (;;) {
        l4::Message message;
        l4::receive(l4::nil_thread, message);
    }
}

void finish(const StartupPage& startup, bool verified) {
    flush(console());
    l4::probe<l4::Probe::workload_done>(startup.instance, verified);
    for (;;) {
        // Errors are expected while the machine restarts around us; the next report follows anyway.
        l4::send(l4::root_thread, {report_tag | startup.instance, verified, 0},
                 l4::Timeouts::make(report_interval_us, l4::Timeouts::infinite_us));
        l4::sleep_us(report_interval_us);
    }
}

void require_good_arguments(const StartupPage& startup, const char* program, const Arguments& arguments,
                            const char* const* known, unsigned known_count) {
    const TextView unknown = arguments.unknown_key(known, known_count);
    TextLine line;
    line.text(program).text(" ").decimal(startup.instance);
    if (arguments.bad_key()) {
        const TextView value = arguments.find(arguments.bad_key());
        line.text(": argument ").text(arguments.bad_key()).text(" has the bad value \"");
        line.text(value.data, value.length).text("\"");
    } else if (unknown.present()) {
        line.text(": unknown argument \"").text(unknown.data, unknown.length).text("\"; known are");
        for (unsigned i = 0; i < known_count; ++i)
            line.text(" ").text(known[i]);
    } else {
        return;
    }
    if (startup.task_index != 0)
        rest(); // one task speaks for the instance
    line.print();
    finish(startup, false);
}

} // namespace workloads
