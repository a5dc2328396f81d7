#include "models/chipset/power_management.hpp"

namespace fixpoint::models {
namespace {

enum : uint32_t { pm1_status = 0, pm1_enable = 2, pm1_control = 4, pm_timer = 8 };
constexpr uint16_t sleep_enable = 1u << 13;
constexpr uint16_t sci_enable = 1; // as SeaBIOS leaves it
constexpr unsigned base_register = 0x40, miscellaneous = 0x80;
constexpr uint32_t decode = 1, firmware_io_base = 0x600, management_mode_enabled = 1u << 25;

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

uint32_t PowerManagement::read(uint32_t offset, unsigned bytes) {
    uint32_t value = 0;
    switch (offset) {
    case pm1_enable:
        value = enable_;
        break;
    case pm1_control:
        value = control_;
        break;
    case pm_timer:
        value = static_cast<uint32_t>(timer_clock.ticks_at(now_) & 0xFF'FFFF);
        break;
    default:
        break; // nothing of the rest ever happens
    }
    return bytes == 4 ? value : value & ((1u << 8 * bytes) - 1);
}

void PowerManagement::write(uint32_t offset, unsigned, uint32_t value) {
    if (offset == pm1_enable)
        enable_ = static_cast<uint16_t>(value);
    if (offset != pm1_control)
        return;
    control_ = static_cast<uint16_t>(value & ~uint32_t{sleep_enable});
    if (value & sleep_enable && on_power_off)
        on_power_off();
}

void PowerManagement::power_cycle(Picoseconds now) {
    now_ = now;
    enable_ = 0;
    control_ = sci_enable;
}

} // namespace fixpoint::models
