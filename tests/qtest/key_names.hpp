// The keys of models::Key by their names in QEMU (QKeyCode).
#pragma once

#include "models/chipset/scan_codes.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace fixpoint::qtest {

// clang-format off
inline constexpr std::array<std::string_view, models::key_count> key_names{
    "esc", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "print", "scroll_lock", "pause",
    "grave_accent", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "minus", "equal",
    "backspace", "tab", "q", "w", "e", "r", "t", "y", "u", "i", "o", "p", "bracket_left", "bracket_right", "backslash",
    "caps_lock", "a", "s", "d", "f", "g", "h", "j", "k", "l", "semicolon", "apostrophe", "ret",
    "shift", "less", "z", "x", "c", "v", "b", "n", "m", "comma", "dot", "slash", "shift_r",
    "ctrl", "alt", "spc", "alt_r", "ctrl_r",
    "insert", "home", "pgup", "delete", "end", "pgdn", "up", "left", "down", "right",
    "num_lock", "kp_divide", "kp_multiply", "kp_subtract", "kp_add", "kp_enter", "kp_decimal",
    "kp_0", "kp_1", "kp_2", "kp_3", "kp_4", "kp_5", "kp_6", "kp_7", "kp_8", "kp_9",
};
// clang-format on
static_assert(!key_names.back().empty());

constexpr std::string_view key_name(uint32_t key) {
    return key_names[key];
}

} // namespace fixpoint::qtest
