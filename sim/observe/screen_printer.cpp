#include "sim/observe/screen_printer.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace fixpoint::sim {
namespace {

std::string description(const models::TextScreen& screen, models::Picoseconds time) {
    std::string cursor;
    if (screen.cursor)
        cursor = fmt::format(", cursor {},{}", screen.cursor->column, screen.cursor->row);
    return fmt::format("--- screen at {}.{:03} s{}\n{}---\n", time / models::ps_per_second,
                       time / models::ps_per_ms % 1000, cursor, screen.to_string());
}

} // namespace

ScreenPrinter::ScreenPrinter(const models::Vga& vga, std::function<void(std::string_view)> output)
    : vga_{vga}, output_{std::move(output)} {}

void ScreenPrinter::note_serial_output(char c, models::Picoseconds now) {
    within_serial_line_ = c != '\n';
    serial_at_ = now;
}

void ScreenPrinter::look_for_change(models::Picoseconds now) {
    if (vga_.generation() == generation_)
        return;
    generation_ = vga_.generation();
    changed_ = true;
    changed_at_ = now;
}

bool ScreenPrinter::serial_is_still(models::Picoseconds now) const {
    return !within_serial_line_ || now >= serial_at_ + still_time;
}

void ScreenPrinter::look(models::Picoseconds now) {
    look_for_change(now);
    if (changed_ && now >= changed_at_ + still_time && serial_is_still(now))
        print();
}

void ScreenPrinter::finish(models::Picoseconds now) {
    look_for_change(now);
    if (changed_)
        print();
}

void ScreenPrinter::print() {
    changed_ = false;
    models::TextScreen screen = models::text_screen(vga_);
    const bool nothing_yet = printed_.kind == models::TextScreen::Kind::off && screen.to_string().empty();
    if (screen.kind == models::TextScreen::Kind::off || screen == printed_ || nothing_yet)
        return;
    if (within_serial_line_)
        output_("\n");
    within_serial_line_ = false;
    output_(description(screen, changed_at_));
    printed_ = std::move(screen);
}

} // namespace fixpoint::sim
