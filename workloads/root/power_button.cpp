#include "workloads/root/power_button.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "workloads/bare_pc/ports.hpp"
#include "workloads/root/checkpoint_client.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

namespace {

constexpr unsigned button_lthread = 2; // 1 is the servers' pager

// PCI configuration mechanism 1 (PCI 2.2, 3.2.2.3.2).
constexpr uint16_t address_port = 0xCF8, data_port = 0xCFC;
constexpr uint32_t piix4_power_management = 0x71138086u; // device, vendor
constexpr uint32_t id_offset = 0x00, base_offset = 0x40;

// Offsets from the base, and the bits of these registers that matter here.
constexpr uint16_t pm1_status = 0, pm1_enable = 2, pm1_control = 4;
constexpr uint16_t power_button = 1u << 8; // status, cleared by writing 1, and enable
constexpr uint16_t sci_enable = 1u << 0, sleep_type = 7u << 10, soft_off = 0u << 10, sleep_enable = 1u << 13;
constexpr unsigned sci_line = 9;

constinit uint16_t base = 0; // of the registers
alignas(16) constinit uint8_t button_stack[4096] = {};

uint32_t read_configuration(uint32_t function, uint32_t offset) {
    pc::out32(address_port, 1u << 31 | function << 8 | offset);
    return pc::in32(data_port);
}

// I/O address of the registers; 0: there are none. It is never function 0 of its chip.
uint16_t find_power_management() {
    constexpr uint32_t functions_of_bus_0 = 32 * 8, base_mask = 0xFFC0u;
    for (uint32_t function = 0; function < functions_of_bus_0; ++function)
        if (read_configuration(function, id_offset) == piix4_power_management)
            return static_cast<uint16_t>(read_configuration(function, base_offset) & base_mask);
    return 0;
}

[[noreturn]] void shut_down() {
    TextLine().text("root: power button, taking a last checkpoint").print();
    const uint32_t epoch = take_last_checkpoint();
    TextLine().text("root: epoch ").decimal(epoch).text(" is durable, switching off").print();
    const uint16_t control = pc::in16(base + pm1_control) & ~sleep_type;
    pc::out16(base + pm1_control, control | soft_off | sleep_enable);
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

[[noreturn]] void wait_for_button() {
    l4::Message message;
    const l4::ThreadId interrupt = l4::ThreadId::interrupt(sci_line);
    l4::receive(interrupt, message, l4::Timeouts::zero()); // the line is ours
    pc::out16(base + pm1_enable, power_button);
    pc::out16(base + pm1_control, pc::in16(base + pm1_control) | sci_enable);
    // It may have been pressed before anybody waited for it.
    while ((pc::in16(base + pm1_status) & power_button) == 0)
        l4::receive(interrupt, message);
    pc::out16(base + pm1_status, power_button);
    shut_down();
}

} // namespace

void watch_power_button() {
    base = find_power_management();
    if (base == 0) {
        TextLine().text("root: no PIIX4 power management: the power button does nothing").print();
        return;
    }
    l4::lthread_ex_regs(button_lthread, reinterpret_cast<uint32_t>(&wait_for_button),
                        reinterpret_cast<uint32_t>(button_stack) + sizeof button_stack - 4,
                        l4::sigma0_thread);
}

} // namespace workloads
