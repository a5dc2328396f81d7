#include "kernel-model/boot/boot_information.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/panic.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace {

// Static: a booter looks for the magic number in the image and names the programs that it has loaded in the page.
// The last word is sigma0's initial stack: the page's own address.
struct KernelInfoPage {
    l4::KernelInfo info{.magic = l4::kernel_info_magic,
                        .version = 1,
                        .reserved_08 = {},
                        .kdebug = {},
                        .sigma0 = {.esp = 0, .eip = l4::no_program, .memory = {}},
                        .sigma1 = {.esp = 0, .eip = l4::no_program, .memory = {}},
                        .root = {.esp = 0, .eip = l4::no_program, .memory = {}},
                        .configuration = {},
                        .main_memory = {},
                        .reserved0 = {},
                        .reserved1 = {},
                        .dedicated = {},
                        .clock_us = 0,
                        .reserved_a8 = {},
                        .processor_frequency_hz = 0,
                        .bus_frequency_hz = 0,
                        .reserved_b8 = {},
                        .build_id = {},
                        .tcb_bytes = 0,
                        .tcb_base = 0,
                        .tcb_used_bytes = 0};
    uint8_t rest[l4::page_size - sizeof(l4::KernelInfo) - sizeof(uint32_t)]{};
    uint32_t stack_word = 0;
};
static_assert(sizeof(KernelInfoPage) == l4::page_size);

} // namespace

extern "C" {
extern const char build_id_note[], kernel_end[];
// A page of its own: user level may read it.
[[gnu::section(".kernel_info"), gnu::aligned(4096)]] constinit KernelInfoPage kernel_info_page{};
extern l4::KernelInfo kernel_info __attribute__((alias("kernel_info_page")));
// By this name booters recognise a kernel whose info page they must look for.
[[gnu::section(".kernel_name"), gnu::used]] constexpr char kernel_name[] =
    "fixpoint, compatible with L4Ka/Hazelnut";
}

namespace kernel {

namespace {

void expect(bool condition, const char* otherwise) {
    if (!condition)
        refuse_to_boot(otherwise);
}

constexpr uint32_t command_line_bytes_max = 4096;

uint32_t string_bytes(const char* text) { // with the final zero
    uint32_t bytes = 1;
    while (text[bytes - 1] != 0 && bytes < command_line_bytes_max)
        ++bytes;
    return bytes;
}

// Copies a string to `to` and returns where the next one goes.
uint32_t copy_string(uint32_t from, uint32_t to) {
    const uint32_t bytes = string_bytes(window<char>(from));
    for (uint32_t index = 0; index < bytes; ++index)
        window<char>(to)[index] = window<char>(from)[index];
    window<char>(to)[bytes - 1] = 0;
    return to + bytes;
}

using namespace multiboot;

uint32_t memory_bytes_of(const Information& source) {
    constexpr uint32_t high_memory = 1u << 20;
    // sigma0's protocol names frames below 1 GB.
    constexpr uint32_t memory_max = 0x40000000u;
    const uint64_t end = high_memory + uint64_t{source.memory_high_kib} * 1024;
    return end < memory_max ? page_of(static_cast<uint32_t>(end)) : memory_max;
}

// information | modules | strings | the root task's initial stack
void copy_information(BootInformation& boot, const Information& source, uint32_t to) {
    boot.information = to;
    uint32_t next = to + sizeof(Information) + source.module_count * sizeof(Module);
    expect(next + (source.module_count + 2) * command_line_bytes_max <= boot.memory_bytes,
           "no room for the boot information behind the modules");
    Information& copy = *window<Information>(to);
    copy = {};
    copy.flags = has_memory | has_command_line | has_modules;
    copy.memory_low_kib = source.memory_low_kib;
    copy.memory_high_kib = source.memory_high_kib;
    copy.module_count = source.module_count;
    copy.modules = to + sizeof(Information);
    copy.command_line = next;
    if (source.flags & has_command_line)
        next = copy_string(source.command_line, next);
    else
        *window<char>(next++) = 0;
    for (unsigned index = 0; index < source.module_count; ++index) {
        Module& module = window<Module>(copy.modules)[index];
        module = boot.modules[index];
        module.command_line = next;
        module.reserved = 0;
        next = copy_string(boot.modules[index].command_line, next);
        boot.modules[index].command_line = module.command_line;
    }
    constexpr uint32_t above_stack_bytes = 16; // a program may look for arguments there
    boot.used_end = round_up_to_page(next) + l4::page_size;
    kernel_info.root.esp = boot.used_end - above_stack_bytes;
    boot.command_line = window<char>(copy.command_line);
}

void read_modules(BootInformation& boot, const Information& source) {
    expect(kernel_info.root.eip == l4::no_program, "the booter names a root task, but no sigma0");
    expect((source.flags & has_modules) && source.module_count >= 2,
           "sigma0 and the root task are missing: they are the first two modules");
    expect(source.module_count <= modules_max, "more than 64 modules");
    boot.module_count = source.module_count;
    uint32_t high = round_up_to_page(image_to_physical(kernel_end)), low = 0xFFFFFFFFu;
    for (unsigned index = 0; index < source.module_count; ++index) {
        const Module& module = window<Module>(source.modules)[index];
        expect(module.end <= window_size && module.start <= module.end, "a module lies beyond 128 MB");
        boot.modules[index] = module;
        low = module.start < low ? module.start : low;
        high = module.end > high ? module.end : high;
    }
    const uint32_t copy = round_up_to_page(high);
    copy_information(boot, source, copy);
    boot.modules_and_copy = {page_of(low) < copy ? page_of(low) : copy, boot.used_end};
}

// The booter's structures are in its own memory, which is the root task's or among the dedicated.
void take_over_from_booter(BootInformation& boot, const Information& source, uint32_t information) {
    expect(kernel_info.root.eip != l4::no_program, "the booter names sigma0, but no root task");
    boot.servers_loaded = true;
    boot.information = information;
    boot.modules_and_copy = kernel_info.dedicated[1];
    if (source.flags & has_command_line)
        boot.command_line = window<char>(source.command_line);
    boot.used_end = round_up_to_page(image_to_physical(kernel_end));
    const uint32_t ends[] = {kernel_info.sigma0.memory.high, kernel_info.root.memory.high,
                             boot.modules_and_copy.high};
    for (const uint32_t end : ends)
        boot.used_end = end > boot.used_end ? round_up_to_page(end) : boot.used_end;
}

} // namespace

BootInformation read_boot_information(uint32_t magic, uint32_t information) {
    expect(magic == loader_magic, "not started by a Multiboot loader");
    expect(information < window_size, "the Multiboot information lies beyond 128 MB");
    const Information& source = *window<Information>(information);
    expect(source.flags & has_memory, "the loader has not told the size of memory");

    BootInformation boot;
    boot.memory_bytes = memory_bytes_of(source);
    if (kernel_info.sigma0.eip != l4::no_program)
        take_over_from_booter(boot, source, information);
    else
        read_modules(boot, source);
    return boot;
}

void initialise_kernel_info() {
    // ELF note: name size, descriptor size, type, "GNU\0", descriptor.
    constexpr unsigned note_header_bytes = 16;
    for (unsigned index = 0; index < sizeof kernel_info.build_id; ++index)
        kernel_info.build_id[index] = static_cast<uint8_t>(build_id_note[note_header_bytes + index]);
    kernel_info.tcb_bytes = l4::tcb_size;
    kernel_info.tcb_used_bytes = offsetof(Tcb, unused);
    kernel_info.tcb_base = l4::tcb_array_base;
    kernel_info.reserved0 = {kernel_physical_base, image_to_physical(kernel_end)};
    kernel_info_page.stack_word = image_to_physical(&kernel_info_page);
    if (kernel_info.sigma0.esp == 0)
        kernel_info.sigma0.esp = image_to_physical(&kernel_info_page.stack_word);
}

} // namespace kernel
