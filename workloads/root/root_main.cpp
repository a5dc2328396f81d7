// The root task: starts the servers, then either builds the world of the workload programs or finds it
// recovered, and waits for the programs' reports.
//
// It is not persistent (nor are sigma0, the drivers and the checkpoint server): it runs afresh at every
// boot. It is the chief of every task, and the pager of the servers only; the workloads' pager is the
// checkpoint server.
//
// What it says of the reports depends on what the programs did, so it goes the way of their output (I10). If the world
// has no console log there is no such thread, and the kernel prints it at once.
//
//   boot modules -> start_servers -> status -> fresh start: load pages, create tasks
//                                          -> recovered: nothing, the tasks run already
//                -> begin checkpoints -> reports of all instances -> leave
//                                     -> power button -> last checkpoint -> off (power_button.hpp)
#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/root/boot_modules.hpp"
#include "workloads/root/checkpoint_client.hpp"
#include "workloads/root/failure.hpp"
#include "workloads/root/instances.hpp"
#include "workloads/root/power_button.hpp"
#include "workloads/root/servers.hpp"

// EBX: physical address of the Multiboot information (as the kernel got it).
asm(R"(
    .section .text.start, "ax"
    .globl _start
_start:
    movl $root_stack_end, %esp
    xorl %ebp, %ebp
    subl $12, %esp
    pushl %ebx
    call root_main
    ud2
    .section .bss
    .align 16
    .skip 16384
root_stack_end:
    .text
)");

namespace workloads {

namespace {

constinit BootModules modules;
constinit Instances instances;

void read_command_line(const BootModules& boot_modules) {
    const BootModule* self = boot_modules.find("root.elf");
    if (!self)
        return;
    Arguments arguments(self->arguments);
    const char* const exits[] = {"none", "debug"};
    set_exit_by_debug_port(arguments.choice("exit", 0, exits, 2) == 1);
    const char* const known[] = {"exit"};
    const TextView unknown = arguments.unknown_key(known, 1);
    TextLine line;
    if (arguments.bad_key())
        fail(line.text("argument exit: expected none or debug"));
    if (unknown.present())
        fail(line.text("unknown argument \"").text(unknown.data, unknown.length).text("\"; known is exit"));
}

// From the kernel info page, which sigma0 maps to whoever asks.
uint32_t processor_frequency_hz() {
    constexpr uint32_t info_window = 0xB0000000u, kernel_info_request = 1;
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message request{kernel_info_request, kernel_info_request, 0};
    const uint32_t window = l4::receive_window(l4::Fpage::make(info_window, l4::page_bits), false);
    const l4::MessageResult result =
        l4::ipc(sigma0, l4::send_registers, window, l4::Timeouts::infinite(), request);
    const auto* info = reinterpret_cast<const l4::KernelInfo*>(info_window);
    return result.ok() && result.mapped() ? info->processor_frequency_hz : 0;
}

// Returns true when every instance has reported success, false at the first failure.
bool wait_for_reports() {
    uint32_t missing = 0;
    for (unsigned i = 0; i < instances.count(); ++i)
        missing |= 1u << instances[i].number;
    while (missing) {
        l4::ThreadId sender;
        l4::Message message;
        if (!l4::wait(sender, message).ok() || (message.w0 & report_tag_mask) != report_tag)
            continue;
        const uint32_t number = message.w0 & ~report_tag_mask;
        if (number >= Instances::max_instances || !(missing & 1u << number))
            continue;
        missing &= ~(1u << number);
        if (message.w1 != 1) {
            TextLine line;
            line.text("root: workload instance ").decimal(number).text(" failed");
            line.print_on(l4::console_log_thread);
            return false;
        }
    }
    return true;
}

} // namespace

extern "C" [[noreturn, gnu::used]] void root_main(const MultibootInfo* info) {
    TextLine line;
    if (const char* error = modules.parse(*info))
        fail(line.text(error));
    read_command_line(modules);
    instances.parse(modules);
    instances.set_processor_frequency(processor_frequency_hz());
    if (instances.count() == 0)
        fail(line.text("no workload program among the boot modules"));

    start_servers(modules);
    const CheckpointStatus status = wait_for_checkpoint_server();
    if (status.epoch == 0)
        instances.start();
    begin_checkpoints();
    watch_power_button();
    line.text("root: ").decimal(instances.count()).text(" workload(s) ");
    line.text(status.epoch == 0 ? "started" : "recovered").text(", session ").decimal(status.session).print();

    const bool verified = wait_for_reports();
    TextLine verdict;
    verdict.text("fixpoint: all workloads done, ").text(verified ? "verified" : "FAILED");
    verdict.print_on(l4::console_log_thread);
    flush(l4::console_log_thread);
    leave(verified);
}

} // namespace workloads
