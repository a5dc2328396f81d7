#include "models/chipset/vga_planes.hpp"

#include <algorithm>
#include <bit>

namespace fixpoint::models {
namespace {

constexpr unsigned planes = 4;
constexpr uint32_t every_plane = 0x0101'0101;
constexpr uint32_t even_planes = 0x00FF'00FF, odd_planes = 0xFF00'FF00;

// A byte of each plane: all ones where the plane's bit is set.
constexpr uint32_t spread(unsigned plane_bits) {
    uint32_t cell = 0;
    for (unsigned plane = 0; plane < planes; ++plane)
        if (plane_bits >> plane & 1)
            cell |= uint32_t{0xFF} << 8 * plane;
    return cell;
}

struct Window {
    uint32_t begin, size;
};
// By bits 3-2 of the graphics controller's miscellaneous register, from 0xA0000.
constexpr Window windows[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};

enum class Function : uint8_t { replace, conjunction, disjunction, exclusive };

// A character cell of the cleared screen.
constexpr uint32_t blank_cell = 0x07'20;
constexpr uint32_t text_window_bytes = 0x8000;

} // namespace

void VgaPlanes::clear() {
    std::ranges::fill(cells_, 0);
    latches_ = 0;
    ++generation_;
}

void VgaPlanes::clear_text() {
    for (uint32_t cell = 0; cell < text_window_bytes; cell += 2)
        cells_[cell] = (cells_[cell] & ~uint32_t{0xFFFF}) | blank_cell;
    ++generation_;
}

std::optional<uint32_t> VgaPlanes::mapped(uint32_t address) const {
    if (!(registers_.miscellaneous() & vga::memory_on))
        return std::nullopt;
    const Window& window = windows[registers_.graphics(vga::graphics_miscellaneous) >> 2 & 3];
    if (address < window.begin || address - window.begin >= window.size)
        return std::nullopt;
    return address - window.begin;
}

uint16_t VgaPlanes::cell_of(uint32_t address) const {
    if (registers_.sequencer(vga::memory_mode) & vga::chain_4)
        return static_cast<uint16_t>((address & 0xFFFC) | (address >> 16 & 3));
    if (registers_.graphics(vga::graphics_miscellaneous) & vga::chain_odd_even)
        return static_cast<uint16_t>((address & 0xFFFE) | (address >> 16 & 1));
    return static_cast<uint16_t>(address);
}

uint32_t VgaPlanes::writable_planes(uint32_t address) const {
    const uint32_t enabled = spread(registers_.sequencer(vga::map_mask));
    const uint8_t mode = registers_.sequencer(vga::memory_mode);
    if (mode & vga::chain_4)
        return enabled & spread(1u << (address & 3));
    if (mode & vga::no_odd_even)
        return enabled;
    return enabled & (address & 1 ? odd_planes : even_planes);
}

// Rotated, and with set/reset in place of it where that is enabled: write mode 0.
uint32_t VgaPlanes::data_for(uint8_t value) const {
    const uint32_t set = spread(registers_.graphics(vga::set_reset));
    const uint32_t by_set_reset = spread(registers_.graphics(vga::enable_set_reset));
    return ((value * every_plane) & ~by_set_reset) | (set & by_set_reset);
}

// With the latches: the function select, then latched bits where the mask is 0.
uint32_t VgaPlanes::combined(uint32_t data, uint8_t mask) const {
    switch (static_cast<Function>(registers_.graphics(vga::rotate_and_function) >> 3 & 3)) {
    case Function::replace:
        break;
    case Function::conjunction:
        data &= latches_;
        break;
    case Function::disjunction:
        data |= latches_;
        break;
    case Function::exclusive:
        data ^= latches_;
        break;
    }
    const uint32_t from_data = mask * every_plane;
    return (data & from_data) | (latches_ & ~from_data);
}

void VgaPlanes::write(uint32_t address, uint8_t value) {
    const std::optional<uint32_t> place = mapped(address);
    if (!place)
        return;
    const uint8_t mask = registers_.graphics(vga::bit_mask);
    const uint8_t rotated = std::rotr(value, registers_.graphics(vga::rotate_and_function) & 7);
    uint32_t data = 0;
    switch (registers_.graphics(vga::graphics_mode) & 3) {
    case 0:
        data = combined(data_for(rotated), mask);
        break;
    case 1:
        data = latches_;
        break;
    case 2:
        data = combined(spread(value & 0x0F), mask);
        break;
    default:
        data = combined(spread(registers_.graphics(vga::set_reset)), mask & rotated);
        break;
    }
    uint32_t& cell = cells_[cell_of(*place)];
    const uint32_t writable = writable_planes(*place);
    const uint32_t written = (cell & ~writable) | (data & writable);
    generation_ += written != cell;
    cell = written;
}

// Read mode 1: a bit is set where the pixel has the colour looked for in all planes that are cared for.
uint8_t VgaPlanes::compared() const {
    const uint32_t wanted = spread(registers_.graphics(vga::colour_compare));
    const uint32_t different = (latches_ ^ wanted) & spread(registers_.graphics(vga::colour_care));
    const uint32_t halves = different | different >> 16;
    return static_cast<uint8_t>(~(halves | halves >> 8));
}

uint8_t VgaPlanes::read(uint32_t address) {
    const std::optional<uint32_t> place = mapped(address);
    if (!place)
        return 0xFF;
    latches_ = cells_[cell_of(*place)];
    const uint8_t mode = registers_.graphics(vga::graphics_mode);
    if (mode & vga::read_compares)
        return compared();
    unsigned plane = registers_.graphics(vga::read_map);
    if (registers_.sequencer(vga::memory_mode) & vga::chain_4)
        plane = *place & 3;
    else if (mode & vga::read_odd_even)
        plane = (plane & 2) | (*place & 1);
    return static_cast<uint8_t>(latches_ >> 8 * plane);
}

} // namespace fixpoint::models
