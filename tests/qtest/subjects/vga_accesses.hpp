// Ports and habits that the parts of the VGA subject share.
#pragma once

#include "models/chipset/vga_registers.hpp"
#include "tests/qtest/sequence.hpp"

#include <cstdint>

namespace fixpoint::qtest::vga {

namespace bits = models::vga;

inline constexpr uint32_t attribute = 0x3C0, attribute_read = 0x3C1, miscellaneous_write = 0x3C2,
                          sequencer = 0x3C4, pixel_mask = 0x3C6, palette_read = 0x3C7, palette_write = 0x3C8,
                          palette_data = 0x3C9, feature_read = 0x3CA, miscellaneous_read = 0x3CC,
                          graphics = 0x3CE, crt = 0x3D4, status_1 = 0x3DA;
inline constexpr uint32_t to_monochrome = 0x20; // from a port of a colour adapter: 0x3Dx - 0x3Bx
inline constexpr uint32_t bochs_index = 0x1CE, bochs_data = 0x1CF;
inline constexpr uint32_t windows_begin = 0xA0000, windows_end = 0xC0000;

// How addresses of the window become places in the planes.
enum class Addressing : uint8_t {
    planar,
    odd_even, // text
    chain_4,
    other, // the bits for it contradict each other
};

inline Addressing addressing_of(const models::VgaRegisters& registers) {
    const uint8_t memory = registers.sequencer(bits::memory_mode);
    const bool odd_even_writes = !(memory & bits::no_odd_even),
               odd_even_reads = registers.graphics(bits::graphics_mode) & bits::read_odd_even,
               odd_even_chain = registers.graphics(bits::graphics_miscellaneous) & bits::chain_odd_even;
    if (memory & bits::chain_4)
        return Addressing::chain_4;
    if (odd_even_writes && odd_even_reads && odd_even_chain)
        return Addressing::odd_even;
    return odd_even_writes || odd_even_reads || odd_even_chain ? Addressing::other : Addressing::planar;
}

struct Window {
    uint32_t begin, end;
};
// By bits 3-2 of the graphics controller's miscellaneous register.
inline constexpr Window windows[] = {
    {0xA0000, 0xC0000}, {0xA0000, 0xB0000}, {0xB0000, 0xB8000}, {0xB8000, 0xC0000}};

} // namespace fixpoint::qtest::vga
