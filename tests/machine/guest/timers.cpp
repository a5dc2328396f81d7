// The PIT and the RTC through the interrupt controllers: as many interrupts as programmed, and the counters'
// habits.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

namespace {

uint8_t cmos(uint8_t index) {
    pc::out8(0x70, index);
    return pc::in8(0x71);
}
void set_cmos(uint8_t index, uint8_t value) {
    pc::out8(0x70, index);
    pc::out8(0x71, value);
}
uint32_t latched_count() {
    pc::out8(0x43, 0x00);
    const uint32_t low = pc::in8(0x40);
    return low | uint32_t{pc::in8(0x40)} << 8;
}

} // namespace

extern "C" void run(uint32_t) {
    pc::start_console();
    pc::set_up_interrupts();

    // 1 kHz; the controller is asked while it waits with interrupts off.
    pc::out8(0x43, 0x34);
    pc::out8(0x40, 1193 & 0xFF);
    pc::out8(0x40, 1193 >> 8);
    pc::out8(0x43, 0xE2); // status of channel 0
    pc::report("timer mode", pc::in8(0x40) & 0x3Fu);
    pc::unmask(0);
    pc::interrupt_count[0] = 0;
    while (pc::interrupt_count[0] < 50)
        pc::wait_for_interrupt();
    pc::report("timer interrupts", pc::interrupt_count[0]);
    const uint32_t count = latched_count();
    pc::report("count in range", count >= 1 && count <= 1193);
    pc::out8(0x21, 0xFF);

    // Channel 2 in mode 0: its output in port 0x61 rises when 10 ms are over, and only then.
    pc::out8(0x61, static_cast<uint8_t>((pc::in8(0x61) & ~2u) | 1u));
    pc::out8(0x43, 0xB0);
    pc::out8(0x42, 11932 & 0xFF);
    pc::out8(0x42, 11932 >> 8);
    pc::report("output before", pc::in8(0x61) & 0x20u);
    while (!(pc::in8(0x61) & 0x20)) {
    }
    pc::report("output after", pc::in8(0x61) & 0x20u);

    // The RTC's periodic interrupt at 512 Hz.
    set_cmos(0x0A, 0x27);
    cmos(0x0C); // before the interrupt can come: QEMU's controller does not withdraw a request
    pc::unmask(8);
    set_cmos(0x0B, static_cast<uint8_t>(cmos(0x0B) | 0x40));
    for (unsigned i = 0; i < 20; ++i) {
        const uint32_t before = pc::interrupt_count[8];
        while (pc::interrupt_count[8] == before)
            pc::wait_for_interrupt();
        if ((cmos(0x0C) & 0xC0) != 0xC0)
            pc::print("register C does not name the periodic interrupt\n");
    }
    pc::report("clock interrupts", pc::interrupt_count[8]);
    set_cmos(0x0B, static_cast<uint8_t>(cmos(0x0B) & ~0x40u));
    pc::report("valid", cmos(0x0D));
    pc::leave(0x10);
}
