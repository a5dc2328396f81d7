// From the Multiboot entry to the first threads.
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/floating_point.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/segments.hpp"
#include "kernel-model/arch/sysenter.hpp"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/boot/command_line.hpp"
#include "kernel-model/boot/start_servers.hpp"
#include "kernel-model/devices/interrupt_controller.hpp"
#include "kernel-model/devices/processor_clock.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/devices/timer.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/kernel_memory.hpp"
#include "kernel-model/memory/port_spaces.hpp"
#include "kernel-model/panic.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" {
extern char kernel_text_end[], kernel_end[], kernel_stack_guard[];
extern uint32_t kernel_directory[], kernel_image_table[];
extern const uint32_t cpu_signature;
}

namespace kernel {

namespace {

// The boot code's identity mapping goes; text becomes read-only, the page below the stack absent.
void finish_kernel_mappings(bool global_pages) {
    constexpr unsigned window_superpages = window_size / l4::superpage_size;
    for (unsigned index = 0; index < window_superpages; ++index)
        kernel_directory[index] = 0;
    const uint32_t global = global_pages ? pte::global : 0;
    if (global_pages)
        enable_global_pages();
    for (unsigned index = 0; index < window_superpages; ++index)
        kernel_directory[directory_index(window_base) + index] |= global;
    for (unsigned index = 0; index < entries_per_table; ++index) {
        const uint32_t address = kernel_virtual_base + index * l4::page_size;
        uint32_t& entry = kernel_image_table[index];
        if (address >= reinterpret_cast<uint32_t>(kernel_end) ||
            address == reinterpret_cast<uint32_t>(kernel_stack_guard))
            entry = 0;
        else if (address < reinterpret_cast<uint32_t>(kernel_text_end))
            entry = (entry & ~pte::writable) | global;
        else
            entry |= global;
    }
    cpu::write_cr3(cpu::read_cr3());
}

void set_aside_kernel_memory(const BootInformation& boot) {
    const uint32_t high = boot.memory_bytes < window_size ? boot.memory_bytes : window_size;
    const uint32_t bytes = kernel_memory_bytes(boot.memory_bytes);
    if (bytes >= high / 2)
        refuse_to_boot("too little memory for the kernel");
    const uint32_t low = high - bytes;
    if (low < boot.used_end)
        refuse_to_boot("the modules reach into the kernel's memory: too little memory");
    kernel_info.main_memory = {0, boot.memory_bytes};
    kernel_info.reserved1 = {low, high};
    kernel_info.dedicated[0] = {0xA0000, 0x100000};
    kernel_info.dedicated[1] = boot.modules_and_copy;
    initialise_kernel_memory(low, high, boot.memory_bytes);
}

} // namespace

extern "C" void kernel_main(uint32_t magic, uint32_t information, uint32_t cpu_features) {
    console.initialise();
    ProcessorClock processor_clock;
    if (cpu_features & cpu::feature_time_stamp_counter)
        processor_clock.begin_measuring();
    load_segment_tables();
    load_interrupt_table();
    finish_kernel_mappings(cpu_features & cpu::feature_global_pages);
    initialise_port_spaces();
    enable_sysenter(cpu_signature, cpu_features);
    detect_floating_point(cpu_features & cpu::feature_fpu);

    const BootInformation boot = read_boot_information(magic, information);
    const CommandLine line = parse_command_line(boot.command_line);
    initialise_kernel_info();
    set_aside_kernel_memory(boot);
    initialise_tcb_array();
    if (line.tcb_pager_task != 0)
        tcb_paging.pager = l4::ThreadId::make(line.tcb_pager_task, 0, 1, l4::root_task).raw;
    tcb_paging.paged_tasks = line.paged_tasks;
    forget_mappings_about_every(line.forget_mappings_ms);

    if (line.timer == TimerSource::apic && (cpu_features & cpu::feature_apic) == 0)
        refuse_to_boot("command line: timer=apic: this processor has no local APIC");
    constexpr uint32_t kib = 1024;
    console.print("fixpoint kernel: ", Decimal{boot.memory_bytes / kib}, " KiB memory, ",
                  Decimal{(kernel_info.reserved1.high - kernel_info.reserved1.low) / kib},
                  " KiB for the kernel, ", Decimal{boot.module_count}, " modules, timer ",
                  name_of(line.timer), "\n");

    load_servers(boot);
    if (cpu_features & cpu::feature_time_stamp_counter)
        kernel_info.processor_frequency_hz = processor_clock.finish_measuring();
    interrupt_controller.initialise();
    timer.start(line.timer);
    start_servers(boot);
    if (line.panics)
        asm volatile("ud2");
}

} // namespace kernel
