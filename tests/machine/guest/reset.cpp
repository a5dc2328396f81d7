// Resets the machine by each of its ways; the CMOS memory counts how often it has started.
#include "workloads/bare_pc/console.hpp"

extern "C" void run(uint32_t) {
    pc::start_console();
    pc::out8(0x70, 0x40);
    const uint8_t starts = pc::in8(0x71);
    pc::out8(0x70, 0x40);
    pc::out8(0x71, static_cast<uint8_t>(starts + 1));
    pc::report("start", starts);
    while (!(pc::in8(0x3FD) & 0x40)) {
    }
    switch (starts) {
    case 0:
        pc::out8(0x64, 0xFE);
        break;
    case 1:
        pc::out8(0x92, pc::in8(0x92) | 1);
        break;
    case 2:
        pc::out8(0xCF9, 0x02);
        pc::out8(0xCF9, 0x06);
        break;
    default:
        pc::leave(0x11);
    }
    for (;;) {
    }
}
