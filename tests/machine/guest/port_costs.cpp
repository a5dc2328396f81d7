// How many cycles an access to a port takes less than one to the interrupt controller, which is on the ISA bus.
#include "workloads/bare_pc/console.hpp"

namespace {

uint32_t cycles() {
    uint32_t low;
    asm volatile("rdtsc" : "=a"(low) : : "edx");
    return low;
}

[[gnu::noinline]] uint32_t cost(uint16_t port) {
    uint32_t taken = 0;
    for (int i = 0; i < 2; ++i) { // the first one fills the caches
        const uint32_t begin = cycles();
        pc::in8(port);
        taken = cycles() - begin;
    }
    return taken;
}

void report_cost(const char* name, uint16_t port) {
    constexpr uint16_t interrupt_mask = 0x21;
    pc::print(name);
    pc::print(' ');
    pc::print_decimal(cost(interrupt_mask) - cost(port));
    pc::print('\n');
}

void place_power_management(uint16_t base) {
    constexpr uint32_t enable = 1u << 31, function = 1 << 11 | 3 << 8, base_register = 0x40;
    pc::out32(0xCF8, enable | function | base_register);
    pc::out32(0xCFC, base);
}

} // namespace

extern "C" void run(const void*) {
    constexpr uint16_t power_management = 0x600, elsewhere = 0x700, timer = 8, size = 64;
    pc::start_console();
    report_cost("nobody", 0x333);
    report_cost("serial", 0x3FD);
    report_cost("IDE", 0x1F7);
    report_cost("VGA", 0x3CC);
    report_cost("configuration", 0xCFC);
    report_cost("power management", power_management + timer);
    report_cost("beside it", power_management + size);
    place_power_management(elsewhere);
    report_cost("power management moved", elsewhere + timer);
    report_cost("its old place", power_management + timer);
    pc::leave(0x10);
}
