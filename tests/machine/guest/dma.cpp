// The DMA controllers are there, at the places of the PC: the search for them that Linux does, words, page registers.
#include "workloads/bare_pc/console.hpp"

namespace {

constexpr uint16_t first_address = 0x00, first_master_clear = 0x0D, fifth_address = 0xC4,
                   second_master_clear = 0xDA;
constexpr uint16_t pages[] = {0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A};

} // namespace

extern "C" void run(const void*) {
    pc::start_console();
    pc::out8(first_master_clear, 0);
    pc::out8(second_master_clear, 0);
    pc::out8(first_address, 0x55);
    pc::out8(first_address, 0xAA);
    const uint32_t low = pc::in8(first_address), high = pc::in8(first_address);
    pc::report("first controller", low | high << 8);
    pc::out16(fifth_address, 0x1234);
    pc::report("second controller", pc::in16(fifth_address));
    for (const uint16_t page : pages)
        pc::out8(page, static_cast<uint8_t>(~page));
    for (const uint16_t page : pages)
        pc::report("page", pc::in8(page));
    pc::leave(0x10);
}
