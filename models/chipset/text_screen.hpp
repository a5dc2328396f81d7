// What a VGA shows, as text: the characters that its CRT controller would fetch, whatever their font and colours.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem: CRT controller. Start address, offset,
// addressing mode and size come from the registers, so any text mode will do. Split screens, smooth scrolling and
// blinking are not followed.
#pragma once

#include "models/chipset/vga.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fixpoint::models {

struct TextScreen {
    enum class Kind { off, text, graphics };
    struct Cursor {
        unsigned column, row;
        bool operator==(const Cursor&) const = default;
    };

    Kind kind = Kind::off;
    unsigned width = 0, height = 0; // in characters, or in pixels in a graphics mode
    std::vector<std::string> rows;  // UTF-8, without blanks at the end; text only
    std::optional<Cursor> cursor;   // where it is visible

    bool operator==(const TextScreen&) const = default;
    // A line each, without empty rows at the end. "graphics mode WxH" where there is no text.
    [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] TextScreen text_screen(const Vga& vga);

} // namespace fixpoint::models
