#include "models/chipset/scan_codes.hpp"

namespace fixpoint::models {
namespace {

constexpr uint8_t extended_prefix = 0xE0, pause_prefix = 0xE1;

struct KeyCodes {
    Key key;
    bool extended; // E0 comes before the code of set 2
    uint8_t set_2, set_3;
};

// In the order of Key.
constexpr std::array<KeyCodes, key_count> key_table{{
    {Key::escape, false, 0x76, 0x08},
    {Key::f1, false, 0x05, 0x07},
    {Key::f2, false, 0x06, 0x0F},
    {Key::f3, false, 0x04, 0x17},
    {Key::f4, false, 0x0C, 0x1F},
    {Key::f5, false, 0x03, 0x27},
    {Key::f6, false, 0x0B, 0x2F},
    {Key::f7, false, 0x83, 0x37},
    {Key::f8, false, 0x0A, 0x3F},
    {Key::f9, false, 0x01, 0x47},
    {Key::f10, false, 0x09, 0x4F},
    {Key::f11, false, 0x78, 0x56},
    {Key::f12, false, 0x07, 0x5E},
    {Key::print_screen, true, 0x7C, 0x57},
    {Key::scroll_lock, false, 0x7E, 0x5F},
    {Key::pause, false, 0x77, 0x62},
    {Key::grave, false, 0x0E, 0x0E},
    {Key::digit_1, false, 0x16, 0x16},
    {Key::digit_2, false, 0x1E, 0x1E},
    {Key::digit_3, false, 0x26, 0x26},
    {Key::digit_4, false, 0x25, 0x25},
    {Key::digit_5, false, 0x2E, 0x2E},
    {Key::digit_6, false, 0x36, 0x36},
    {Key::digit_7, false, 0x3D, 0x3D},
    {Key::digit_8, false, 0x3E, 0x3E},
    {Key::digit_9, false, 0x46, 0x46},
    {Key::digit_0, false, 0x45, 0x45},
    {Key::minus, false, 0x4E, 0x4E},
    {Key::equals, false, 0x55, 0x55},
    {Key::backspace, false, 0x66, 0x66},
    {Key::tab, false, 0x0D, 0x0D},
    {Key::q, false, 0x15, 0x15},
    {Key::w, false, 0x1D, 0x1D},
    {Key::e, false, 0x24, 0x24},
    {Key::r, false, 0x2D, 0x2D},
    {Key::t, false, 0x2C, 0x2C},
    {Key::y, false, 0x35, 0x35},
    {Key::u, false, 0x3C, 0x3C},
    {Key::i, false, 0x43, 0x43},
    {Key::o, false, 0x44, 0x44},
    {Key::p, false, 0x4D, 0x4D},
    {Key::left_bracket, false, 0x54, 0x54},
    {Key::right_bracket, false, 0x5B, 0x5B},
    {Key::backslash, false, 0x5D, 0x5C},
    {Key::caps_lock, false, 0x58, 0x14},
    {Key::a, false, 0x1C, 0x1C},
    {Key::s, false, 0x1B, 0x1B},
    {Key::d, false, 0x23, 0x23},
    {Key::f, false, 0x2B, 0x2B},
    {Key::g, false, 0x34, 0x34},
    {Key::h, false, 0x33, 0x33},
    {Key::j, false, 0x3B, 0x3B},
    {Key::k, false, 0x42, 0x42},
    {Key::l, false, 0x4B, 0x4B},
    {Key::semicolon, false, 0x4C, 0x4C},
    {Key::apostrophe, false, 0x52, 0x52},
    {Key::enter, false, 0x5A, 0x5A},
    {Key::left_shift, false, 0x12, 0x12},
    {Key::less, false, 0x61, 0x13},
    {Key::z, false, 0x1A, 0x1A},
    {Key::x, false, 0x22, 0x22},
    {Key::c, false, 0x21, 0x21},
    {Key::v, false, 0x2A, 0x2A},
    {Key::b, false, 0x32, 0x32},
    {Key::n, false, 0x31, 0x31},
    {Key::m, false, 0x3A, 0x3A},
    {Key::comma, false, 0x41, 0x41},
    {Key::period, false, 0x49, 0x49},
    {Key::slash, false, 0x4A, 0x4A},
    {Key::right_shift, false, 0x59, 0x59},
    {Key::left_control, false, 0x14, 0x11},
    {Key::left_alt, false, 0x11, 0x19},
    {Key::space, false, 0x29, 0x29},
    {Key::right_alt, true, 0x11, 0x39},
    {Key::right_control, true, 0x14, 0x58},
    {Key::insert, true, 0x70, 0x67},
    {Key::home, true, 0x6C, 0x6E},
    {Key::page_up, true, 0x7D, 0x6F},
    {Key::del, true, 0x71, 0x64},
    {Key::end, true, 0x69, 0x65},
    {Key::page_down, true, 0x7A, 0x6D},
    {Key::up, true, 0x75, 0x63},
    {Key::left, true, 0x6B, 0x61},
    {Key::down, true, 0x72, 0x60},
    {Key::right, true, 0x74, 0x6A},
    {Key::num_lock, false, 0x77, 0x76},
    {Key::keypad_slash, true, 0x4A, 0x77},
    {Key::keypad_star, false, 0x7C, 0x7E},
    {Key::keypad_minus, false, 0x7B, 0x84},
    {Key::keypad_plus, false, 0x79, 0x7C},
    {Key::keypad_enter, true, 0x5A, 0x79},
    {Key::keypad_period, false, 0x71, 0x71},
    {Key::keypad_0, false, 0x70, 0x70},
    {Key::keypad_1, false, 0x69, 0x69},
    {Key::keypad_2, false, 0x72, 0x72},
    {Key::keypad_3, false, 0x7A, 0x7A},
    {Key::keypad_4, false, 0x6B, 0x6B},
    {Key::keypad_5, false, 0x73, 0x73},
    {Key::keypad_6, false, 0x74, 0x74},
    {Key::keypad_7, false, 0x6C, 0x6C},
    {Key::keypad_8, false, 0x75, 0x75},
    {Key::keypad_9, false, 0x7D, 0x7D},
}};

constexpr bool in_order() {
    for (size_t i = 0; i < key_count; ++i)
        if (key_table[i].key != static_cast<Key>(i))
            return false;
    return true;
}
static_assert(in_order());

// Codes 00-7F of set 2 in set 1; of the others only F7's and System Request's change.
// clang-format off
constexpr std::array<uint8_t, 128> translation{
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58,  0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,
    0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A,  0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,
    0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C,  0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E,  0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,
    0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60,  0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,
    0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E,  0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B,  0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,
    0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45,  0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,
};
// clang-format on
constexpr uint8_t f7 = 0x83, system_request = 0x84;

// Print Screen's place stands for three keys, Pause's for two.
ScanCodes print_screen_make(HeldModifiers held) {
    if (held.alt)
        return {system_request};
    if (held.shift || held.control)
        return {extended_prefix, 0x7C};
    return {extended_prefix, 0x12, extended_prefix, 0x7C};
}

ScanCodes print_screen_break(HeldModifiers held) {
    if (held.alt)
        return {break_prefix, system_request};
    if (held.shift || held.control)
        return {extended_prefix, break_prefix, 0x7C};
    return {extended_prefix, break_prefix, 0x7C, extended_prefix, break_prefix, 0x12};
}

// Make and break at once; nothing more comes when it is released.
ScanCodes pause_make(HeldModifiers held) {
    if (held.control) // Break
        return {extended_prefix, 0x7E, extended_prefix, break_prefix, 0x7E};
    return {pause_prefix, 0x14, 0x77, pause_prefix, break_prefix, 0x14, break_prefix, 0x77};
}

ScanCodes set_2_make(const KeyCodes& codes, HeldModifiers held) {
    if (codes.key == Key::print_screen)
        return print_screen_make(held);
    if (codes.key == Key::pause)
        return pause_make(held);
    if (codes.extended)
        return {extended_prefix, codes.set_2};
    return {codes.set_2};
}

ScanCodes set_2_break(const KeyCodes& codes, HeldModifiers held) {
    if (codes.key == Key::print_screen)
        return print_screen_break(held);
    if (codes.key == Key::pause)
        return {};
    if (codes.extended)
        return {extended_prefix, break_prefix, codes.set_2};
    return {break_prefix, codes.set_2};
}

ScanCodes translated(const ScanCodes& set_2) {
    ScanCodes set_1;
    bool broken = false;
    for (const uint8_t byte : set_2) {
        if (byte == break_prefix) {
            broken = true;
            continue;
        }
        set_1.push(static_cast<uint8_t>(translate_scan_code(byte) | (broken ? break_bit : 0)));
        broken = false;
    }
    return set_1;
}

} // namespace

uint8_t translate_scan_code(uint8_t code) {
    if (code < translation.size())
        return translation[code];
    return code == f7 ? 0x41 : code == system_request ? 0x54 : code;
}

ScanCodes make_codes(Key key, ScanCodeSet set, HeldModifiers held) {
    const KeyCodes& codes = key_table[static_cast<size_t>(key)];
    if (set == ScanCodeSet::set_3)
        return {codes.set_3};
    const ScanCodes set_2 = set_2_make(codes, held);
    return set == ScanCodeSet::set_2 ? set_2 : translated(set_2);
}

ScanCodes break_codes(Key key, ScanCodeSet set, HeldModifiers held) {
    const KeyCodes& codes = key_table[static_cast<size_t>(key)];
    if (set == ScanCodeSet::set_3)
        return {break_prefix, codes.set_3};
    const ScanCodes set_2 = set_2_break(codes, held);
    return set == ScanCodeSet::set_2 ? set_2 : translated(set_2);
}

} // namespace fixpoint::models
