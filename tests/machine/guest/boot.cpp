// What the boot loader left: registers, command line, modules, memory. Paths differ between loaders, so only
// what follows the first space of a string is printed.
#include "workloads/bare_pc/console.hpp"

struct Information {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line, module_count, modules;
};
struct Module {
    uint32_t begin, end, string, reserved;
};

namespace {

const char* arguments(uint32_t string) {
    const char* text = reinterpret_cast<const char*>(string);
    while (*text != 0 && *text != ' ')
        ++text;
    return text;
}

} // namespace

extern "C" void run(const Information* information) {
    uint32_t cr0, flags;
    asm volatile("movl %%cr0, %0\n\tpushfl\n\tpopl %1" : "=r"(cr0), "=r"(flags));
    pc::start_console();
    pc::report("protection", cr0 & 0x80000001u);
    pc::report("interrupts", flags & 0x200);
    pc::report("boot flags", information->flags & 0x4D);
    pc::print("arguments");
    pc::print(arguments(information->command_line));
    pc::print('\n');
    pc::report("modules", information->module_count);
    const auto* modules = reinterpret_cast<const Module*>(information->modules);
    for (uint32_t i = 0; i < information->module_count; ++i) {
        pc::report("page offset", modules[i].begin & 4095);
        pc::report("bytes", modules[i].end - modules[i].begin);
        pc::report("first word", *reinterpret_cast<const uint32_t*>(modules[i].begin));
        pc::print("arguments");
        pc::print(arguments(modules[i].string));
        pc::print('\n');
    }
    pc::out8(0x80, 0x5A);
    pc::leave(0x10);
}
