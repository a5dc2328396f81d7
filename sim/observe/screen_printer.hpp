// The guest's screen on a stream of text: each time it has changed and then been still for a while, so that a
// screen being drawn is not printed line by line.
//
//     --- screen at 1.234 s, cursor 12,0
//     the rows, without blanks at their end and empty rows at the screen's end
//     ---
//
// The time is that of the last change, as far as look() sees it; column and row of the cursor count from 0. A
// screen that shows what was printed last, or nothing at first, is not printed. If the serial line goes to the
// same stream, a screen comes between two of its lines; it ends a line on which nothing has happened for as long.
#pragma once

#include "models/chipset/text_screen.hpp"
#include "models/time.hpp"

#include <functional>
#include <string_view>

namespace fixpoint::sim {

class ScreenPrinter {
public:
    static constexpr models::Picoseconds still_time = 50 * models::ps_per_ms;

    // `vga` must outlive the printer.
    ScreenPrinter(const models::Vga& vga, std::function<void(std::string_view)> output);

    // The serial line has put `c` on the same stream.
    void note_serial_output(char c, models::Picoseconds now);
    // From time to time; the more often, the more exact are the times.
    void look(models::Picoseconds now);
    // The last screen, still or not.
    void finish(models::Picoseconds now);

private:
    void look_for_change(models::Picoseconds now);
    [[nodiscard]] bool serial_is_still(models::Picoseconds now) const;
    void print();

    const models::Vga& vga_;
    std::function<void(std::string_view)> output_;
    uint64_t generation_ = 0; // as last seen
    bool changed_ = false;    // since the last print
    models::Picoseconds changed_at_ = 0;
    models::TextScreen printed_;
    bool within_serial_line_ = false;
    models::Picoseconds serial_at_ = 0;
};

} // namespace fixpoint::sim
