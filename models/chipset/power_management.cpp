#include "models/chipset/power_management.hpp"

namespace fixpoint::models {
namespace {

enum : uint32_t { pm1_status = 0, pm1_enable = 2, pm1_control = 4, pm_timer = 8, pm_timer_end = 12 };
constexpr uint16_t timer_overflow = 1u << 0, power_button = 1u << 8; // status and enable
constexpr uint16_t sleep_enable = 1u << 13;
// Suspend states do nothing: there is nothing that would wake the machine.
constexpr uint16_t sleep_type = 7u << 10, soft_off = 0;
constexpr uint16_t sci_enable = 1; // as SeaBIOS leaves it
constexpr uint64_t timer_mask = 0xFF'FFFF;
constexpr unsigned base_register = 0x40, miscellaneous = 0x80;
constexpr uint32_t decode = 1, firmware_io_base = 0x600, management_mode_enabled = 1u << 25;

uint16_t with_byte(uint16_t word, uint32_t high, uint8_t byte) {
    return static_cast<uint16_t>(high ? (word & 0x00FF) | byte << 8 : (word & 0xFF00) | byte);
}

} // namespace

PowerManagement::PowerManagement() : PciFunction{0x8086, 0x7113, 0x068000, 0x03}, control_{sci_enable} {
    define(0x04, 2, 0x0000, 0x0001);
    define(0x06, 2, 0x0280, 0x0000);
    define(0x3C, 1, 0x09, 0xFF);
    define(0x3D, 1, 0x01, 0x00);
    define(base_register, 4, 1, 0xFFC0);
    define_firmware(base_register, 4, firmware_io_base | 1);
    define(0x58, 4, management_mode_enabled, 0xFFFF'FFFF & ~management_mode_enabled);
    define(miscellaneous, 1, 0x00, decode);
    define_firmware(miscellaneous, 1, decode);
    define(0x90, 4, 1, 0xFFF0); // the base of the system management bus, which has no devices
    define(0xD2, 1, 0x00, 0x0F);
}

std::optional<uint16_t> PowerManagement::io_base() const {
    if ((read_config(miscellaneous, 1) & decode) == 0)
        return std::nullopt;
    return static_cast<uint16_t>(read_config(base_register, 2) & ~1u);
}

void PowerManagement::update_interrupt() {
    interrupt.set(status_ & enable_ & (timer_overflow | power_button) && control_ & sci_enable);
}

void PowerManagement::press_power_button() {
    status_ |= power_button;
    update_interrupt();
}

void PowerManagement::advance(Picoseconds now) {
    const uint64_t before = overflows();
    now_ = now;
    if (overflows() != before)
        status_ |= timer_overflow;
    update_interrupt();
}

Picoseconds PowerManagement::next_event() const {
    if (!(enable_ & timer_overflow) || !(control_ & sci_enable) || status_ & timer_overflow)
        return never;
    return timer_clock.time_of((overflows() + 1) * ticks_per_overflow);
}

uint8_t PowerManagement::read_byte(uint32_t offset) const {
    const auto of_word = [offset](uint32_t word) { return static_cast<uint8_t>(word >> 8 * (offset & 1)); };
    switch (offset & ~1u) {
    case pm1_status:
        return of_word(status_);
    case pm1_enable:
        return of_word(enable_);
    case pm1_control:
        return of_word(control_);
    default:
        break;
    }
    if (offset >= pm_timer && offset < pm_timer_end)
        return static_cast<uint8_t>((timer_clock.ticks_at(now_) & timer_mask) >> 8 * (offset - pm_timer));
    return 0; // nothing of the rest ever happens
}

uint32_t PowerManagement::read(uint32_t offset, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value |= uint32_t{read_byte(offset + i)} << 8 * i;
    return value;
}

void PowerManagement::write_byte(uint32_t offset, uint8_t value) {
    const uint32_t high = offset & 1;
    switch (offset & ~1u) {
    case pm1_status:
        status_ &= static_cast<uint16_t>(~with_byte(0, high, value)); // write 1 to clear
        break;
    case pm1_enable:
        enable_ = with_byte(enable_, high, value);
        break;
    case pm1_control: {
        const uint16_t written = with_byte(high ? control_ : control_ & ~sleep_enable, high, value);
        control_ = static_cast<uint16_t>(written & ~sleep_enable);
        if (written & sleep_enable && (written & sleep_type) == soft_off && on_power_off)
            on_power_off();
        break;
    }
    default:
        break;
    }
}

void PowerManagement::write(uint32_t offset, unsigned bytes, uint32_t value) {
    for (unsigned i = 0; i < bytes; ++i)
        write_byte(offset + i, static_cast<uint8_t>(value >> 8 * i));
    update_interrupt();
}

void PowerManagement::power_cycle(Picoseconds now) {
    now_ = now;
    status_ = enable_ = 0;
    control_ = sci_enable;
    update_interrupt();
}

} // namespace fixpoint::models
