// The keys of a US 101/102-key keyboard and the codes it sends for them in scan code sets 1, 2 and 3.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, 101- and 102-key keyboards and keyboard controller. Set 1
// is set 2 as the controller translates it, byte by byte; so only sets 2 and 3 are in tables. The codes that a real
// keyboard puts around the cursor block's while Shift or Num Lock is on are left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace fixpoint::models {

enum class Key : uint8_t {
    // clang-format off
    escape, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, print_screen, scroll_lock, pause,
    grave, digit_1, digit_2, digit_3, digit_4, digit_5, digit_6, digit_7, digit_8, digit_9, digit_0, minus, equals,
    backspace, tab, q, w, e, r, t, y, u, i, o, p, left_bracket, right_bracket, backslash,
    caps_lock, a, s, d, f, g, h, j, k, l, semicolon, apostrophe, enter,
    left_shift, less, z, x, c, v, b, n, m, comma, period, slash, right_shift, // less: the 102nd key
    left_control, left_alt, space, right_alt, right_control,
    insert, home, page_up, del, end, page_down, up, left, down, right,
    num_lock, keypad_slash, keypad_star, keypad_minus, keypad_plus, keypad_enter, keypad_period,
    keypad_0, keypad_1, keypad_2, keypad_3, keypad_4, keypad_5, keypad_6, keypad_7, keypad_8, keypad_9,
    // clang-format on
};
inline constexpr size_t key_count = static_cast<size_t>(Key::keypad_9) + 1;

enum class ScanCodeSet : uint8_t { set_1 = 1, set_2 = 2, set_3 = 3 };

// Keys held while another is pressed or released, as far as they change its codes.
struct HeldModifiers {
    bool shift = false, control = false, alt = false;
};

// The bytes of one keystroke.
class ScanCodes {
public:
    static constexpr size_t longest = 8; // Pause
    constexpr ScanCodes() = default;
    constexpr ScanCodes(std::initializer_list<uint8_t> bytes) {
        for (const uint8_t byte : bytes)
            push(byte);
    }
    constexpr void push(uint8_t byte) { bytes_[size_++] = byte; }
    [[nodiscard]] constexpr size_t size() const { return size_; }
    [[nodiscard]] constexpr const uint8_t* begin() const { return bytes_.data(); }
    [[nodiscard]] constexpr const uint8_t* end() const { return bytes_.data() + size_; }

private:
    std::array<uint8_t, longest> bytes_{};
    size_t size_ = 0;
};

// Comes before the code of a key that is released, in sets 2 and 3; in set 1 bit 7 says it.
inline constexpr uint8_t break_prefix = 0xF0, break_bit = 0x80;

[[nodiscard]] ScanCodes make_codes(Key key, ScanCodeSet set, HeldModifiers held);
[[nodiscard]] ScanCodes break_codes(Key key, ScanCodeSet set, HeldModifiers held);

// What the controller turns a byte of set 2 into.
[[nodiscard]] uint8_t translate_scan_code(uint8_t code);

} // namespace fixpoint::models
