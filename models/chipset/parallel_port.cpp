#include "models/chipset/parallel_port.hpp"

namespace fixpoint::models {
namespace {

// Status: not busy, no acknowledgement just now, paper, selected, no error. Unused bits of control read as ones.
constexpr uint8_t ready = 0xD8, control_bits = 0x1F, control_ones = 0xC0;

} // namespace

uint32_t ParallelPort::read(uint32_t offset, unsigned) {
    switch (offset) {
    case data:
        return data_;
    case status:
        acknowledged_ = false;
        update_interrupt();
        return ready;
    default:
        return control_ | control_ones;
    }
}

void ParallelPort::write(uint32_t offset, unsigned, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    if (offset == data)
        data_ = byte;
    else if (offset == control)
        write_control(byte & control_bits);
}

void ParallelPort::write_control(uint8_t value) {
    const bool was_strobed = control_ & strobe, strobed = value & strobe;
    control_ = value;
    if (!(value & no_init)) {
        acknowledged_ = false;
    } else if (strobed && !was_strobed) {
        if (on_print)
            on_print(static_cast<char>(data_));
    } else if (!strobed && was_strobed) {
        acknowledged_ = true;
    }
    update_interrupt();
}

void ParallelPort::update_interrupt() {
    interrupt.set(acknowledged_ && control_ & interrupt_enable);
}

void ParallelPort::power_cycle(Picoseconds) {
    data_ = 0;
    control_ = no_init | select_printer;
    acknowledged_ = false;
    update_interrupt();
}

} // namespace fixpoint::models
