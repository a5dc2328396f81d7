// Where the VGA's beam is: the CRT controller's counters as a function of time.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem: CRT controller, clock select. A line
// is counted in character clocks of 8 or 9 dots, a frame in lines; nothing is done per line and nothing drifts.
// Mode 3: 28.322 MHz, 100 characters of 9 dots a line, 449 lines: 31.47 kHz and 70.09 Hz. Registers that make no
// frame (before firmware has set a mode) are taken as that, so that whoever waits for a retrace gets on.
#pragma once

#include "models/chipset/vga_registers.hpp"
#include "models/time.hpp"

#include <cstdint>

namespace fixpoint::models {

class VgaBeam {
public:
    explicit VgaBeam(const VgaRegisters& registers);

    // The picture itself, neither border nor retrace.
    [[nodiscard]] bool displays(Picoseconds now) const;
    [[nodiscard]] bool in_vertical_retrace(Picoseconds now) const;
    // Vertical retraces that have begun by `now`.
    [[nodiscard]] uint64_t retraces(Picoseconds now) const;

private:
    [[nodiscard]] bool makes_a_frame() const;
    [[nodiscard]] uint64_t character(Picoseconds now) const; // since time 0
    [[nodiscard]] uint64_t frame_characters() const { return uint64_t{line_characters_} * lines_; }

    uint64_t dots_per_second_;
    unsigned character_dots_;
    unsigned line_characters_, displayed_characters_; // of a line
    unsigned lines_, displayed_lines_;                // of a frame
    unsigned retrace_begin_, retrace_lines_;
};

} // namespace fixpoint::models
