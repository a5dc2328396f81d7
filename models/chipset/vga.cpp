#include "models/chipset/vga.hpp"

#include "models/chipset/vga_beam.hpp"

#include <optional>

namespace fixpoint::models {
namespace {

enum : uint16_t { input_status_0_port = 0x3C2, input_status_1_port = 0x3DA };
// Input status 0.
constexpr uint8_t switch_sense = 0x10, interrupt_pending = 0x80;
// Input status 1.
constexpr uint8_t not_displaying = 0x01, in_vertical_retrace = 0x08;

constexpr uint32_t bochs_index = Vga::bochs_ports, bochs_data = bochs_index + 1;

// The port's address on a colour adapter. Null: nobody answers there, with the miscellaneous register as it is.
std::optional<uint16_t> decoded(uint16_t port, const VgaRegisters& registers) {
    constexpr uint16_t group = 0x10, colour_group = 0x3D0, common_group = 0x3C0;
    if ((port & ~(group - 1)) == common_group)
        return port;
    const bool colour = (port & ~(group - 1)) == colour_group;
    if (colour != ((registers.miscellaneous() & vga::colour_addresses) != 0))
        return std::nullopt;
    return static_cast<uint16_t>((port & (group - 1)) | colour_group);
}

bool is_dac(uint16_t port) {
    return port >= VgaDac::mask_port && port <= VgaDac::data_port;
}

} // namespace

Vga::Vga() {
    power_cycle(0);
}

void Vga::power_cycle(Picoseconds now) {
    planes_.clear();
    dac_.clear();
    reset(now);
}

void Vga::reset(Picoseconds now) {
    now_ = now;
    registers_.clear();
    bochs_.clear();
}

void Vga::set_text_mode() {
    registers_.set_text_mode();
    dac_.set_text_palette();
    planes_.clear_text();
}

// The comparators at the DAC's outputs see a colour monitor's load.
uint8_t Vga::input_status_0() const {
    const VgaBeam beam{registers_};
    const bool pending = registers_.crt(vga::vertical_retrace_end) & vga::retrace_interrupt_armed &&
                         beam.retraces(now_) > beam.retraces(interrupt_armed_at_);
    return static_cast<uint8_t>(switch_sense | (pending ? interrupt_pending : 0));
}

uint8_t Vga::input_status_1() const {
    const VgaBeam beam{registers_};
    return static_cast<uint8_t>((beam.displays(now_) ? 0 : not_displaying) |
                                (beam.in_vertical_retrace(now_) ? in_vertical_retrace : 0));
}

uint8_t Vga::read_port(uint16_t physical) {
    const std::optional<uint16_t> port = decoded(physical, registers_);
    if (!port)
        return 0xFF;
    if (is_dac(*port))
        return dac_.read(*port);
    if (*port == input_status_0_port)
        return input_status_0();
    if (*port == input_status_1_port) {
        registers_.reset_attribute_flip_flop();
        return input_status_1();
    }
    return registers_.read(*port);
}

void Vga::write_port(uint16_t physical, uint8_t value) {
    const std::optional<uint16_t> port = decoded(physical, registers_);
    if (!port)
        return;
    if (is_dac(*port))
        dac_.write(*port, value);
    else
        write_register(*port, value);
}

void Vga::write_register(uint16_t port, uint8_t value) {
    const auto armed = [this] {
        return registers_.crt(vga::vertical_retrace_end) & vga::retrace_interrupt_armed;
    };
    const bool was_armed = armed();
    registers_.write(port, value);
    if (armed() && !was_armed)
        interrupt_armed_at_ = now_;
}

uint32_t Vga::read_bochs(uint32_t offset, unsigned bytes) const {
    if (bytes != 2)
        return all_ones(bytes);
    return offset == bochs_index ? bochs_.index : offset == bochs_data ? bochs_.read() : all_ones(bytes);
}

void Vga::write_bochs(uint32_t offset, unsigned bytes, uint32_t value) {
    if (bytes != 2)
        return;
    if (offset == bochs_index)
        bochs_.index = static_cast<uint16_t>(value);
    else if (offset == bochs_data)
        bochs_.write(static_cast<uint16_t>(value));
}

uint32_t Vga::read(uint32_t offset, unsigned bytes) {
    if (offset < bochs_ports)
        return read_port(static_cast<uint16_t>(first_port + offset));
    if (offset < window)
        return read_bochs(offset, bytes);
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value |= uint32_t{planes_.read(offset - window + i)} << 8 * i;
    return value;
}

void Vga::write(uint32_t offset, unsigned bytes, uint32_t value) {
    if (offset < bochs_ports) {
        write_port(static_cast<uint16_t>(first_port + offset), static_cast<uint8_t>(value));
    } else if (offset < window) {
        write_bochs(offset, bytes, value);
    } else {
        for (unsigned i = 0; i < bytes; ++i)
            planes_.write(offset - window + i, static_cast<uint8_t>(value >> 8 * i));
    }
}

} // namespace fixpoint::models
