#include "sim/machine/firmware_vectors.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace fixpoint::sim {
namespace {

constexpr uint32_t segment = 0xF000, segment_base = segment << 4;
constexpr unsigned vector_count = 256, master_lines = 0x08, slave_lines = 0x70, lines_of_chip = 8;

// INC DWORD [46Ch]; the end of interrupt.
constexpr uint8_t timer_code[] = {0x1E, 0x50, 0x31, 0xC0, 0x8E, 0xD8, 0x66, 0xFF, 0x06,
                                  0x6C, 0x04, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0x1F, 0xCF};
// IN AL, 60h; the end of interrupt.
constexpr uint8_t keyboard_code[] = {0x50, 0xE4, 0x60, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF};
constexpr uint8_t master_code[] = {0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF};
constexpr uint8_t slave_code[] = {0x50, 0xB0, 0x20, 0xE6, 0xA0, 0xE6, 0x20, 0x58, 0xCF};
constexpr uint8_t return_code[] = {0xCF};

struct Handler {
    uint16_t offset;
    std::span<const uint8_t> code;
};
constexpr Handler timer{0xFEA5, timer_code}, keyboard{0xE987, keyboard_code}, master{0xFF00, master_code},
    slave{0xFF10, slave_code}, nothing{0xFF53, return_code};

} // namespace

void write_firmware_vectors(models::PhysicalMemory& memory) {
    for (const Handler& handler : {timer, keyboard, master, slave, nothing})
        std::ranges::copy(handler.code, memory.data() + segment_base + handler.offset);

    std::array<uint16_t, vector_count> offsets{};
    offsets.fill(nothing.offset);
    std::fill_n(offsets.begin() + master_lines, lines_of_chip, master.offset);
    std::fill_n(offsets.begin() + slave_lines, lines_of_chip, slave.offset);
    offsets[master_lines] = timer.offset;
    offsets[master_lines + 1] = keyboard.offset;
    uint8_t* place = memory.data();
    for (const uint16_t offset : offsets)
        for (const uint32_t word : {uint32_t{offset}, segment}) {
            *place++ = static_cast<uint8_t>(word);
            *place++ = static_cast<uint8_t>(word >> 8);
        }
}

} // namespace fixpoint::sim
