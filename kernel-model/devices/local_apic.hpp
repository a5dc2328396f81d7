// The local APIC's timer, beside the 8259 pair, which stays in charge of all other interrupts (virtual wire).
//
// Source: Intel SDM vol. 3, chapter 10. The timer counts the bus clock, whose rate nothing tells: it is measured against
// the 8254's channel 2, which runs at a known one.
#pragma once

#include <cstdint>

namespace kernel {

class LocalApic {
public:
    // Maps the registers (the address is in IA32_APIC_BASE) and switches the APIC on. Once, before any task exists.
    void initialise();
    // Periodic interrupts with that vector.
    void start_timer(uint32_t period_us, uint8_t vector);
    void end_of_interrupt();

private:
    uint32_t measure_ticks(uint32_t us); // at the divided clock
};

extern LocalApic local_apic;

} // namespace kernel
