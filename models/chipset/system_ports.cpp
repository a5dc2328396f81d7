#include "models/chipset/system_ports.hpp"

#include <string_view>

namespace fixpoint::models {
namespace {

// Port 0x92.
constexpr uint8_t fast_reset = 0x01, a20_gate = 0x02;

} // namespace

void SystemPorts::write_fast_a20(uint8_t value) {
    const bool reset = value & ~fast_a20_ & fast_reset; // on its rising edge
    fast_a20_ = value & (a20_gate | fast_reset);
    if (on_a20)
        on_a20(value & a20_gate);
    if (reset && on_reset)
        on_reset();
}

void SystemPorts::set_ignore_numeric_error(bool level) {
    if (level == ignore_numeric_error_)
        return;
    ignore_numeric_error_ = level;
    if (on_ignore_numeric_error)
        on_ignore_numeric_error(level);
}

void SystemPorts::set_numeric_error(bool level) {
    numeric_error_ = level;
    if (level)
        coprocessor_interrupt.set(true);
    else
        set_ignore_numeric_error(false);
}

void SystemPorts::write_shutdown(char letter) {
    constexpr std::string_view word = "Shutdown";
    shutdown_letters_ = letter == word[shutdown_letters_] ? shutdown_letters_ + 1 : letter == word[0] ? 1 : 0;
    if (shutdown_letters_ < word.size())
        return;
    shutdown_letters_ = 0;
    if (on_shutdown)
        on_shutdown();
}

// Each of the ports takes the value; what is not aligned is dropped, as QEMU's bus does before the device sees it
// (7.2: hw/misc/debugexit.c, and memory_region_access_valid in softmmu/memory.c).
void SystemPorts::write_debug_exit(unsigned port, unsigned bytes, uint32_t value) {
    if (port % bytes != 0)
        return;
    debug_exit_value_ = value & all_ones(bytes);
    if (on_debug_exit)
        on_debug_exit(debug_exit_value_);
}

uint32_t SystemPorts::read(uint32_t offset, unsigned) {
    switch (offset) {
    case fast_a20:
        return fast_a20_;
    case post_code:
        return post_code_;
    case debug_console:
        return 0xE9; // how guests find the debug console
    case coprocessor:
    case coprocessor_reset:
        return 0xFF; // write-only
    default:
        return 0;
    }
}

void SystemPorts::write(uint32_t offset, unsigned bytes, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    switch (offset) {
    case fast_a20:
        write_fast_a20(byte);
        break;
    case post_code:
        post_code_ = byte;
        break;
    case debug_console:
        if (on_debug_output)
            on_debug_output(static_cast<char>(byte));
        break;
    case coprocessor:
        coprocessor_interrupt.set(false);
        if (numeric_error_)
            set_ignore_numeric_error(true);
        break;
    case shutdown:
        write_shutdown(static_cast<char>(byte));
        break;
    default:
        if (offset >= debug_exit && offset < debug_exit_end)
            write_debug_exit(offset - debug_exit, bytes, value);
        break;
    }
}

void SystemPorts::power_cycle(Picoseconds) {
    shutdown_letters_ = 0;
    fast_a20_ = a20_gate; // as firmware leaves it
    if (on_a20)
        on_a20(true);
    set_numeric_error(false); // the processor is reset too
    coprocessor_interrupt.set(false);
}

} // namespace fixpoint::models
