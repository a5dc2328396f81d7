// What firmware does with the video adapter: finds its option ROM, copies and calls it, and prints by its
// services.
#include "workloads/bare_pc/console.hpp"

extern "C" void call_video_bios();

namespace {

constexpr uint32_t function = 0x8000'0000 | 2 << 11;
constexpr uint32_t rom_base_field = 0x30, rom_enable = 1;

uint32_t get_config(uint32_t field) {
    pc::out32(0xCF8, function | field);
    return pc::in32(0xCFC);
}
void set_config(uint32_t field, uint32_t value) {
    pc::out32(0xCF8, function | field);
    pc::out32(0xCFC, value);
}

} // namespace

extern "C" void run(const void*) {
    constexpr uint32_t rom_address = 0xFEBE'0000, bytes_unit = 512;
    pc::start_console();
    set_config(rom_base_field, ~rom_enable);
    pc::report("rom size", ~get_config(rom_base_field) + 1);
    pc::report("not enabled", *reinterpret_cast<volatile uint16_t*>(rom_address));
    set_config(rom_base_field, rom_address | rom_enable);
    const auto* rom = reinterpret_cast<const volatile uint8_t*>(rom_address);
    pc::report("signature", rom[0] | rom[1] << 8);
    auto* shadow = reinterpret_cast<volatile uint8_t*>(0xC0000);
    for (uint32_t i = 0; i < rom[2] * bytes_unit; ++i)
        shadow[i] = rom[i];
    set_config(rom_base_field, rom_address);
    call_video_bios();
    pc::report("mode", *reinterpret_cast<volatile uint8_t*>(0x449));
    pc::leave(0x10);
}
