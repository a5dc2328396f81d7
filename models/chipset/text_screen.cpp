#include "models/chipset/text_screen.hpp"

#include "models/chipset/code_page_437.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr unsigned scan_line_bits = 0x1F; // of a character's height, of the cursor's lines

bool is_on(const VgaRegisters& registers) {
    return (registers.sequencer(vga::sequencer_reset) & vga::reset_released) == vga::reset_released &&
           !(registers.sequencer(vga::clocking_mode) & vga::screen_off) && registers.palette_is_on() &&
           registers.crt(vga::crt_mode) & vga::syncs_on;
}

unsigned word(const VgaRegisters& registers, vga::Crt high, vga::Crt low) {
    return static_cast<unsigned>(registers.crt(high) << 8 | registers.crt(low));
}

unsigned characters_a_line(const VgaRegisters& registers) {
    return registers.crt(vga::horizontal_display_end) + 1u;
}

unsigned scan_lines_a_row(const VgaRegisters& registers) {
    return (registers.crt(vga::maximum_scan_line) & scan_line_bits) + 1u;
}

// Lines of dots; with double scanning each is shown twice.
unsigned scan_lines(const VgaRegisters& registers) {
    const unsigned overflow = registers.crt(vga::overflow);
    const unsigned last =
        registers.crt(vga::vertical_display_end) | (overflow >> 1 & 1) << 8 | (overflow >> 6 & 1) << 9;
    return (last + 1) / (registers.crt(vga::maximum_scan_line) & vga::double_scan ? 2 : 1);
}

// Where in the planes the CRT controller's address counter points.
uint16_t plane_offset(const VgaRegisters& registers, unsigned counter) {
    if (registers.crt(vga::underline_location) & vga::double_word_mode)
        return static_cast<uint16_t>(counter << 2 | (counter >> 12 & 3));
    const uint8_t mode = registers.crt(vga::crt_mode);
    if (mode & vga::byte_mode)
        return static_cast<uint16_t>(counter);
    const unsigned wrapped = counter >> (mode & vga::address_wrap ? 15 : 13) & 1;
    return static_cast<uint16_t>(counter << 1 | wrapped);
}

std::string row_at(const Vga& vga, unsigned counter, unsigned columns) {
    std::string row;
    size_t end = 0; // after the last character that is not blank
    for (unsigned column = 0; column < columns; ++column) {
        constexpr unsigned character_plane = 0;
        const uint16_t offset = plane_offset(vga.registers(), counter + column);
        const std::string_view character = code_page_437(vga.planes().at(character_plane, offset));
        row += character;
        if (character != " ")
            end = row.size();
    }
    row.resize(end);
    return row;
}

std::optional<TextScreen::Cursor> cursor(const VgaRegisters& registers, const TextScreen& screen,
                                         unsigned start, unsigned pitch) {
    const unsigned first = registers.crt(vga::cursor_start), last = registers.crt(vga::cursor_end);
    const unsigned first_line = first & scan_line_bits;
    if (first & vga::cursor_off || first_line > (last & scan_line_bits) ||
        first_line >= scan_lines_a_row(registers) || pitch == 0)
        return std::nullopt;
    const unsigned place = (word(registers, vga::cursor_high, vga::cursor_low) - start) & 0xFFFF;
    if (place % pitch >= screen.width || place / pitch >= screen.height)
        return std::nullopt;
    return TextScreen::Cursor{place % pitch, place / pitch};
}

void read_text(const Vga& vga, TextScreen& screen) {
    const VgaRegisters& registers = vga.registers();
    screen.kind = TextScreen::Kind::text;
    screen.width = characters_a_line(registers);
    screen.height = scan_lines(registers) / scan_lines_a_row(registers);
    const unsigned start = word(registers, vga::start_address_high, vga::start_address_low);
    const unsigned pitch = registers.crt(vga::offset) * 2u;
    for (unsigned row = 0; row < screen.height; ++row)
        screen.rows.push_back(row_at(vga, start + row * pitch, screen.width));
    screen.cursor = cursor(registers, screen, start, pitch);
}

void read_graphics(const VgaRegisters& registers, TextScreen& screen) {
    constexpr unsigned character_pixels = 8;
    screen.kind = TextScreen::Kind::graphics;
    screen.width = characters_a_line(registers) * character_pixels /
                   (registers.attribute(vga::attribute_mode) & vga::two_clocks_a_pixel ? 2 : 1);
    // With a CGA's rows, a row's scan lines have memory of their own: they do not repeat one another.
    const bool repeats = registers.crt(vga::crt_mode) & vga::no_cga_rows;
    screen.height = scan_lines(registers) / (repeats ? scan_lines_a_row(registers) : 1);
}

} // namespace

std::string TextScreen::to_string() const {
    std::string text;
    if (kind == Kind::graphics)
        text = "graphics mode " + std::to_string(width) + "x" + std::to_string(height) + "\n";
    const auto last = std::find_if(rows.rbegin(), rows.rend(), [](const auto& row) { return !row.empty(); });
    std::for_each(rows.begin(), last.base(), [&](const std::string& row) { text += row + "\n"; });
    return text;
}

TextScreen text_screen(const Vga& vga) {
    TextScreen screen;
    if (!is_on(vga.registers()))
        return screen;
    if (vga.registers().graphics(vga::graphics_miscellaneous) & vga::no_text)
        read_graphics(vga.registers(), screen);
    else
        read_text(vga, screen);
    return screen;
}

} // namespace fixpoint::models
