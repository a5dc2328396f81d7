// The VGA's memory: 256 KB in four planes, and the way through the graphics controller into it.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem: graphics controller, memory modes.
// An address of the window selects a byte in each of the planes; a read takes all four into the latches. Chain-4
// takes the plane from the address's two lowest bits, odd/even (text) from the lowest one. The bits that name the
// plane do not move up the rest: a character and its attribute stand at the same even address of planes 0 and 1,
// where the CRT controller's word mode looks for them.
#pragma once

#include "models/chipset/vga_registers.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace fixpoint::models {

class VgaPlanes {
public:
    static constexpr uint32_t plane_bytes = 64 << 10;

    explicit VgaPlanes(const VgaRegisters& registers) : registers_{registers} {}

    // A byte of the window, 0 to 0x1FFFF from 0xA0000. Where the map has nothing, all ones are read.
    uint8_t read(uint32_t address);
    void write(uint32_t address, uint8_t value);

    // What the CRT controller fetches.
    [[nodiscard]] uint8_t at(unsigned plane, uint16_t offset) const {
        return static_cast<uint8_t>(cells_[offset] >> 8 * plane);
    }

    void clear();
    // Blanks in grey on black in the 32 KB of the text window.
    void clear_text();
    // Counts changes of the memory.
    [[nodiscard]] uint64_t generation() const { return generation_; }

private:
    // The address within the mapped window; null: it is outside.
    [[nodiscard]] std::optional<uint32_t> mapped(uint32_t address) const;
    [[nodiscard]] uint16_t cell_of(uint32_t address) const;
    [[nodiscard]] uint32_t writable_planes(uint32_t address) const;
    [[nodiscard]] uint32_t data_for(uint8_t value) const;
    [[nodiscard]] uint32_t combined(uint32_t data, uint8_t mask) const;
    [[nodiscard]] uint8_t compared() const;

    const VgaRegisters& registers_;
    // One byte of each plane in an element: plane 0 in the lowest bits.
    std::vector<uint32_t> cells_ = std::vector<uint32_t>(plane_bytes);
    uint32_t latches_ = 0;
    uint64_t generation_ = 0;
};

} // namespace fixpoint::models
