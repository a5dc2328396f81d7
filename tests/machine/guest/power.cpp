// Writes a disk sector with a pattern, flushes it when its argument says so, then counts memory up for ever.
// The word at 4 MB is what survives, or not, of memory; it is printed first.
#include "workloads/bare_pc/console.hpp"

struct Information {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line;
};

extern "C" void run(const Information* information) {
    constexpr uint16_t task_file = 0x1F0;
    auto* marker = reinterpret_cast<volatile uint32_t*>(4 << 20);
    pc::start_console();
    pc::report("memory", *marker);

    const auto command = [](uint8_t code) {
        pc::out8(task_file + 6, 0xE0);
        pc::out8(task_file + 2, 1);
        pc::out8(task_file + 3, 100);
        pc::out8(task_file + 4, 0);
        pc::out8(task_file + 5, 0);
        pc::out8(task_file + 7, code);
        while (pc::in8(task_file + 7) & 0x80) {
        }
    };
    command(0x20);
    uint32_t first = 0;
    for (unsigned i = 0; i < 256; ++i) {
        const uint16_t word = pc::in16(task_file);
        if (i == 0)
            first = word;
    }
    pc::report("disk", first);
    command(0x30);
    for (unsigned i = 0; i < 256; ++i)
        pc::out16(task_file, 0xABCD);
    while (pc::in8(task_file + 7) & 0x80) {
    }
    const char* line = reinterpret_cast<const char*>(information->command_line);
    while (*line != 0 && *line != ' ')
        ++line;
    if (line[0] == ' ' && line[1] == 'f')
        command(0xE7);
    pc::print("written\n");
    for (;;)
        *marker = *marker + 1;
}
