// The register groups of the VGA: sequencer, graphics controller, attribute controller, CRT controller and the
// registers outside any group. What the values do is with memory (vga_planes.hpp), time (vga_beam.hpp) and
// picture (text_screen.hpp).
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem (1992). Bits that are reserved there
// read as 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fixpoint::models {

// Registers behind an index register. Those that do not exist read as 0.
template<size_t count>
class IndexedRegisters {
public:
    // `implemented`: the bits that each register has.
    explicit constexpr IndexedRegisters(const std::array<uint8_t, count>& implemented)
        : implemented_{implemented} {}

    uint8_t index = 0;

    [[nodiscard]] uint8_t operator[](size_t number) const { return values_[number]; }
    [[nodiscard]] uint8_t selected() const { return index < count ? values_[index] : uint8_t{0}; }
    // True: the register has changed.
    bool set(size_t number, uint8_t value) {
        if (number >= count)
            return false;
        value &= implemented_[number];
        if (values_[number] == value)
            return false;
        values_[number] = value;
        return true;
    }
    void clear() {
        index = 0;
        values_ = {};
    }

private:
    std::array<uint8_t, count> implemented_, values_{};
};

namespace vga {

// Register numbers, and the bits that mean something to the model.
enum Sequencer : uint8_t { sequencer_reset, clocking_mode, map_mask, character_maps, memory_mode };
inline constexpr size_t sequencer_count = 5;
inline constexpr uint8_t reset_released = 0x03;                                       // sequencer_reset
inline constexpr uint8_t eight_dots = 0x01, half_dot_clock = 0x08, screen_off = 0x20; // clocking_mode
inline constexpr uint8_t no_odd_even = 0x04, chain_4 = 0x08;                          // memory_mode

enum Graphics : uint8_t {
    set_reset,
    enable_set_reset,
    colour_compare,
    rotate_and_function,
    read_map,
    graphics_mode,
    graphics_miscellaneous,
    colour_care,
    bit_mask
};
inline constexpr size_t graphics_count = 9;
inline constexpr uint8_t read_compares = 0x08, read_odd_even = 0x10; // graphics_mode
inline constexpr uint8_t no_text = 0x01, chain_odd_even = 0x02;      // graphics_miscellaneous

enum Attribute : uint8_t { attribute_mode = 0x10 };
inline constexpr size_t attribute_count = 21;
inline constexpr uint8_t two_clocks_a_pixel = 0x40; // attribute_mode: 256 colours
inline constexpr uint8_t palette_on = 0x20; // in the index: the screen has the palette, not the processor

enum Crt : uint8_t {
    horizontal_total,
    horizontal_display_end,
    vertical_total = 0x06,
    overflow,
    maximum_scan_line = 0x09,
    cursor_start,
    cursor_end,
    start_address_high,
    start_address_low,
    cursor_high,
    cursor_low,
    vertical_retrace_start,
    vertical_retrace_end,
    vertical_display_end,
    offset,
    underline_location,
    crt_mode = 0x17
};
inline constexpr size_t crt_count = 25;
inline constexpr uint8_t double_scan = 0x80;                                   // maximum_scan_line
inline constexpr uint8_t cursor_off = 0x20;                                    // cursor_start
inline constexpr uint8_t retrace_interrupt_armed = 0x10, write_protect = 0x80; // vertical_retrace_end
inline constexpr uint8_t double_word_mode = 0x40;                              // underline_location
inline constexpr uint8_t no_cga_rows = 0x01, address_wrap = 0x20, byte_mode = 0x40,
                         syncs_on = 0x80; // crt_mode

inline constexpr uint8_t colour_addresses = 0x01, memory_on = 0x02; // miscellaneous output
} // namespace vga

class VgaRegisters {
public:
    VgaRegisters();

    // A port of 0x3C0-0x3DF, the CRT controller's at their colour addresses. Those of the palette and the input
    // status are not here.
    [[nodiscard]] uint8_t read(uint16_t port) const;
    void write(uint16_t port, uint8_t value);
    // Input status 1 was read: the attribute controller expects an index next.
    void reset_attribute_flip_flop() { attribute_data_next_ = false; }
    void clear();
    // As the BIOS's mode 3 has them: 80x25 characters of 9x16 dots, in colour.
    void set_text_mode();

    [[nodiscard]] uint8_t sequencer(vga::Sequencer number) const { return sequencer_[number]; }
    [[nodiscard]] uint8_t graphics(vga::Graphics number) const { return graphics_[number]; }
    [[nodiscard]] uint8_t attribute(vga::Attribute number) const { return attribute_[number]; }
    [[nodiscard]] uint8_t crt(vga::Crt number) const { return crt_[number]; }
    [[nodiscard]] uint8_t miscellaneous() const { return miscellaneous_; }
    [[nodiscard]] bool palette_is_on() const { return attribute_.index & vga::palette_on; }
    // Counts changes of what the screen shows.
    [[nodiscard]] uint64_t generation() const { return generation_; }

private:
    void write_attribute(uint8_t value);
    void write_crt(uint8_t value);

    IndexedRegisters<vga::sequencer_count> sequencer_;
    IndexedRegisters<vga::graphics_count> graphics_;
    IndexedRegisters<vga::attribute_count> attribute_;
    IndexedRegisters<vga::crt_count> crt_;
    bool attribute_data_next_ = false; // the flip-flop
    uint8_t miscellaneous_ = 0, feature_control_ = 0;
    uint64_t generation_ = 0;
};

} // namespace fixpoint::models
