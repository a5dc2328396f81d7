// Fills both serial ports, 17 bytes each, and ends at once: by debug exit with "d" as argument, by power-off with "p",
// not at all with "w", else by a halt. After the debug exit come two more, with the line status of each port.
#include "workloads/bare_pc/console.hpp"

struct Information {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line;
};

namespace {

constexpr uint16_t ports[] = {0x3F8, 0x2F8};

void fill(uint16_t port) {
    pc::out8(port + 3, 0x80);
    pc::out8(port + 0, 1);
    pc::out8(port + 1, 0);
    pc::out8(port + 3, 0x03);
    pc::out8(port + 2, 0x07);
    for (const char* next = "17 bytes: passed\n"; *next != 0; ++next)
        pc::out8(port, static_cast<uint8_t>(*next));
}

} // namespace

extern "C" void run(const Information* information) {
    const char* line = reinterpret_cast<const char*>(information->command_line);
    while (*line != 0 && *line != ' ')
        ++line;
    const char way = line[0] == ' ' ? line[1] : 'h';
    for (const uint16_t port : ports)
        fill(port);
    if (way == 'p')
        pc::out16(0x604, 0x2000);
    while (way == 'w')
        asm volatile("pause");
    if (way == 'd') {
        pc::out32(0xF4, 0);
        for (const uint16_t port : ports)
            pc::out32(0xF4, pc::in8(port + 5));
    }
    for (;;)
        asm volatile("cli; hlt");
}
