// What firmware leaves in the processor's memory type ranges and beside them, as a kernel finds it.
#include "workloads/bare_pc/console.hpp"

namespace {

void report_msr(uint32_t number) {
    uint32_t low = 0, high = 0;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    pc::print_hex(number, 3);
    pc::print(' ');
    pc::print_hex(high);
    pc::print_hex(low);
    pc::print('\n');
}

} // namespace

extern "C" void run(const void*) {
    pc::start_console();
    constexpr uint32_t apic_base = 0x1B, capability = 0xFE, page_attributes = 0x277, default_type = 0x2FF;
    constexpr uint32_t single[] = {apic_base, capability, page_attributes, default_type};
    for (const uint32_t number : single)
        report_msr(number);
    for (uint32_t number = 0x200; number < 0x210; ++number) // variable ranges
        report_msr(number);
    constexpr uint32_t fixed[] = {0x250, 0x258, 0x259}; // and eight more
    for (const uint32_t number : fixed)
        report_msr(number);
    for (uint32_t number = 0x268; number < 0x270; ++number)
        report_msr(number);
    pc::leave(0x20);
}
