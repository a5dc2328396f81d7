#include "models/chipset/vga_beam.hpp"

#include "models/chipset/rate.hpp"

namespace fixpoint::models {
namespace {

constexpr uint64_t clock_640_hz = 25'175'000, clock_720_hz = 28'322'000;
constexpr unsigned clock_select_shift = 2; // miscellaneous output; 0: 640 dots a line, else 720

// What the counters' registers leave out.
constexpr unsigned horizontal_total_bias = 5, vertical_total_bias = 2, display_end_bias = 1;
// The retrace ends where the line counter's four lowest bits are the register's.
constexpr unsigned retrace_end_bits = 0x0F;

// Ten bits of a line number: eight of their own, two in the overflow register.
unsigned line_number(const VgaRegisters& registers, vga::Crt low, unsigned bit_8, unsigned bit_9) {
    const unsigned overflow = registers.crt(vga::overflow);
    return registers.crt(low) | (overflow >> bit_8 & 1) << 8 | (overflow >> bit_9 & 1) << 9;
}

} // namespace

VgaBeam::VgaBeam(const VgaRegisters& registers) {
    const uint8_t clocking = registers.sequencer(vga::clocking_mode);
    const bool wide = registers.miscellaneous() >> clock_select_shift & 3;
    dots_per_second_ = (wide ? clock_720_hz : clock_640_hz) / (clocking & vga::half_dot_clock ? 2 : 1);
    character_dots_ = clocking & vga::eight_dots ? 8 : 9;
    line_characters_ = registers.crt(vga::horizontal_total) + horizontal_total_bias;
    displayed_characters_ = registers.crt(vga::horizontal_display_end) + display_end_bias;
    lines_ = line_number(registers, vga::vertical_total, 0, 5) + vertical_total_bias;
    displayed_lines_ = line_number(registers, vga::vertical_display_end, 1, 6) + display_end_bias;
    retrace_begin_ = line_number(registers, vga::vertical_retrace_start, 2, 7);
    const unsigned length = (registers.crt(vga::vertical_retrace_end) - retrace_begin_) & retrace_end_bits;
    retrace_lines_ = length != 0 ? length : retrace_end_bits + 1;
    if (!makes_a_frame()) {
        VgaRegisters text;
        text.set_text_mode();
        *this = VgaBeam{text};
    }
}

bool VgaBeam::makes_a_frame() const {
    return displayed_characters_ < line_characters_ && displayed_lines_ < lines_ &&
           retrace_begin_ >= displayed_lines_ && retrace_begin_ + retrace_lines_ <= lines_;
}

uint64_t VgaBeam::character(Picoseconds now) const {
    return Rate{dots_per_second_, character_dots_}.ticks_at(now);
}

bool VgaBeam::displays(Picoseconds now) const {
    const uint64_t in_frame = character(now) % frame_characters();
    return in_frame / line_characters_ < displayed_lines_ &&
           in_frame % line_characters_ < displayed_characters_;
}

bool VgaBeam::in_vertical_retrace(Picoseconds now) const {
    const uint64_t line = character(now) % frame_characters() / line_characters_;
    return line >= retrace_begin_ && line < retrace_begin_ + retrace_lines_;
}

uint64_t VgaBeam::retraces(Picoseconds now) const {
    const uint64_t before = uint64_t{lines_ - retrace_begin_} * line_characters_;
    return (character(now) + before) / frame_characters();
}

} // namespace fixpoint::models
