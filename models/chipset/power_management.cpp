#include "models/chipset/power_management.hpp"

namespace fixpoint::models {
namespace {

enum : uint32_t { pm1_status = 0, pm1_enable = 2, pm1_control = 4, pm_timer = 8 };
constexpr uint16_t sleep_enable = 1u << 13;
constexpr uint16_t sci_enable = 1; // as SeaBIOS leaves it

} // namespace

PowerManagement::PowerManagement() : PciFunction{0x8086, 0x7113, 0x068000, 0x03}, control_{sci_enable} {
    define(0x04, 2, 0x0000, 0x0001);
    define(0x06, 2, 0x0280, 0x0000);
    define(0x3C, 1, 0x09, 0xFF);
    define(0x3D, 1, 0x01, 0x00);
    define(0x40, 4, io_base | 1, 0x0000);
    define(0x80, 1, 0x01, 0x01); // I/O space on
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
