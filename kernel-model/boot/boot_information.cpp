#include "kernel-model/boot/boot_information.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/panic.hpp"

extern "C" {
extern const char build_id_note[], kernel_end[];
// A page of its own: user level may read it.
[[gnu::section(".kernel_info"), gnu::aligned(4096)]] constinit union {
    l4::KernelInfo info;
    uint8_t page[l4::page_size];
} kernel_info_page{};
extern l4::KernelInfo kernel_info __attribute__((alias("kernel_info_page")));
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

} // namespace

BootInformation read_boot_information(uint32_t magic, uint32_t information) {
    using namespace multiboot;
    expect(magic == loader_magic, "not started by a Multiboot loader");
    expect(information < window_size, "the Multiboot information lies beyond 128 MB");
    const Information& source = *window<Information>(information);
    expect(source.flags & has_memory, "the loader has not told the size of memory");
    expect((source.flags & has_modules) && source.module_count >= 2,
           "sigma0 and the root task are missing: they are the first two modules");
    expect(source.module_count <= modules_max, "more than 64 modules");

    BootInformation boot;
    constexpr uint32_t high_memory = 1u << 20;
    // sigma0's protocol names frames below 1 GB.
    constexpr uint32_t memory_max = 0x40000000u;
    const uint64_t end = high_memory + uint64_t{source.memory_high_kib} * 1024;
    boot.memory_bytes = end < memory_max ? page_of(static_cast<uint32_t>(end)) : memory_max;
    boot.module_count = source.module_count;

    uint32_t high = round_up_to_page(image_to_physical(kernel_end)), low = 0xFFFFFFFFu;
    for (unsigned index = 0; index < source.module_count; ++index) {
        const Module& module = window<Module>(source.modules)[index];
        expect(module.end <= window_size && module.start <= module.end, "a module lies beyond 128 MB");
        boot.modules[index] = module;
        low = module.start < low ? module.start : low;
        high = module.end > high ? module.end : high;
    }

    // information | modules | strings
    boot.copy = round_up_to_page(high);
    boot.modules_low = page_of(low);
    uint32_t next = boot.copy + sizeof(Information) + source.module_count * sizeof(Module);
    expect(next + (source.module_count + 1) * command_line_bytes_max <= boot.memory_bytes,
           "no room for the boot information behind the modules");
    Information& copy = *window<Information>(boot.copy);
    copy = {};
    copy.flags = has_memory | has_command_line | has_modules;
    copy.memory_low_kib = source.memory_low_kib;
    copy.memory_high_kib = source.memory_high_kib;
    copy.module_count = source.module_count;
    copy.modules = boot.copy + sizeof(Information);
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
    boot.copy_end = round_up_to_page(next);
    boot.command_line = window<char>(copy.command_line);
    return boot;
}

void initialise_kernel_info() {
    kernel_info.magic = l4::kernel_info_magic;
    kernel_info.version = 1;
    // ELF note: name size, descriptor size, type, "GNU\0", descriptor.
    constexpr unsigned note_header_bytes = 16;
    for (unsigned index = 0; index < sizeof kernel_info.build_id; ++index)
        kernel_info.build_id[index] = static_cast<uint8_t>(build_id_note[note_header_bytes + index]);
    kernel_info.tcb_bytes = l4::tcb_size;
    kernel_info.tcb_base = l4::tcb_array_base;
    kernel_info.reserved0 = {kernel_physical_base, image_to_physical(kernel_end)};
}

} // namespace kernel
