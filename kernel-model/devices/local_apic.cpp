#include "kernel-model/devices/local_apic.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/memory/page_table.hpp"
#include "kernel-model/panic.hpp"

extern "C" uint32_t kernel_image_table[];

namespace kernel {

constinit LocalApic local_apic;

namespace {

constexpr uint32_t apic_base_msr = 0x1B, globally_enabled = 1u << 11;

enum : uint32_t {
    end_of_interrupt_register = 0xB0,
    spurious_register = 0xF0,
    timer_entry = 0x320,
    initial_count = 0x380,
    current_count = 0x390,
    divide_configuration = 0x3E0
};
constexpr uint32_t software_enabled = 1u << 8, spurious_vector = 0xFF, masked = 1u << 16, periodic = 1u << 17,
                   divide_by_16 = 3, longest_count = 0xFFFF'FFFF;

volatile uint32_t& register_at(uint32_t offset) {
    return *reinterpret_cast<volatile uint32_t*>(local_apic_page + offset);
}

// 8254 data sheet; channel 2's gate and output are bits 0 and 5 of port 0x61.
constexpr uint16_t pit_channel2 = 0x42, pit_control = 0x43, port_b = 0x61;
constexpr uint8_t one_shot = 0xB0, gate = 0x01, speaker = 0x02, output = 0x20;
constexpr uint32_t pit_khz = 1193;

} // namespace

void LocalApic::initialise() {
    const uint32_t base = static_cast<uint32_t>(cpu::read_msr(apic_base_msr));
    if ((base & globally_enabled) == 0)
        refuse_to_boot("the local APIC is switched off");
    kernel_image_table[table_index(local_apic_page)] =
        (base & pte::frame_mask) | pte::present | pte::writable | pte::cache_disable;
    cpu::invalidate_page(local_apic_page);
    register_at(spurious_register) = software_enabled | spurious_vector;
}

uint32_t LocalApic::measure_ticks(uint32_t us) {
    const uint32_t pit_ticks = us * pit_khz / 1000;
    const auto unused = static_cast<uint8_t>(cpu::in8(port_b) & ~(gate | speaker));
    cpu::out8(port_b, unused);
    cpu::out8(pit_control, one_shot);
    cpu::out8(pit_channel2, pit_ticks & 0xFF);
    cpu::out8(pit_channel2, static_cast<uint8_t>(pit_ticks >> 8));
    register_at(initial_count) = longest_count;
    cpu::out8(port_b, unused | gate);
    while ((cpu::in8(port_b) & output) == 0) {
    }
    const uint32_t counted = longest_count - register_at(current_count);
    register_at(initial_count) = 0;
    cpu::out8(port_b, unused);
    return counted;
}

void LocalApic::start_timer(uint32_t period_us, uint8_t vector) {
    constexpr uint32_t measured_periods = 10;
    register_at(timer_entry) = masked;
    register_at(divide_configuration) = divide_by_16;
    const uint32_t count = measure_ticks(measured_periods * period_us) / measured_periods;
    if (count == 0)
        refuse_to_boot("the local APIC's timer does not count");
    constexpr uint32_t us_per_second = 1'000'000, divisor = 16;
    kernel_info.bus_frequency_hz = count * divisor * (us_per_second / period_us);
    register_at(timer_entry) = periodic | vector;
    register_at(initial_count) = count;
}

void LocalApic::end_of_interrupt() {
    register_at(end_of_interrupt_register) = 0;
}

} // namespace kernel
