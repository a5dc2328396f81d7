// Echoes what comes over the serial line, by receive interrupt, until a dot; then powers off. "halt" as
// argument: stops for ever instead.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

struct Information {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line;
};

extern "C" void run(const Information* information) {
    pc::start_console();
    pc::set_up_interrupts();
    pc::out8(0x3F9, 1);
    pc::unmask(4);
    const char* line = reinterpret_cast<const char*>(information->command_line);
    while (*line != 0 && *line != ' ')
        ++line;
    if (line[0] == ' ' && line[1] == 'h')
        return;
    pc::print("ready\n");
    for (;;) {
        if (!(pc::in8(0x3FD) & 1)) {
            pc::wait_for_interrupt();
            continue;
        }
        const char c = static_cast<char>(pc::in8(0x3F8));
        pc::print(c);
        if (c == '.')
            break;
    }
    pc::wait_for_line();
    pc::out16(0x604, 0x2000);
    for (;;)
        asm volatile("cli; hlt");
}
