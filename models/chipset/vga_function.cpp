#include "models/chipset/vga_function.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace fixpoint::models {
namespace {

enum : unsigned { command = 0x04, frame_buffer = 0x10, subsystem = 0x2C, expansion_rom = 0x30 };

constexpr uint32_t display_vga = 0x030000; // class
constexpr uint8_t revision = 2;
constexpr uint32_t qemu_subsystem = 0x1100'1AF4;
constexpr uint16_t io_space = 0x0001, memory_space = 0x0002, system_error = 0x0100;

// SeaBIOS's choice on -M pc.
constexpr uint32_t firmware_frame_buffer = 0xFD00'0000, firmware_rom = 0xFEBE'0000;
constexpr uint32_t frame_buffer_bytes = 16 << 20, prefetchable = 0x08;
constexpr uint32_t rom_enable = 0x01;
constexpr size_t least_rom_bytes = 2 << 10, most_rom_bytes = 16 << 20; // of the base address register

std::vector<uint8_t> filled_up(std::vector<uint8_t> rom) {
    assert(rom.size() <= most_rom_bytes);
    if (!rom.empty())
        rom.resize(std::bit_ceil(std::max(rom.size(), least_rom_bytes)), 0xFF);
    return rom;
}

} // namespace

VgaFunction::VgaFunction(std::vector<uint8_t> rom)
    : PciFunction{0x1234, 0x1111, display_vga, revision}, rom_{filled_up(std::move(rom))} {
    constexpr uint16_t switches = io_space | memory_space | system_error;
    define(command, 2, 0, switches);
    define_firmware(command, 2, switches);
    define(frame_buffer, 4, prefetchable, ~(frame_buffer_bytes - 1));
    define_firmware(frame_buffer, 4, firmware_frame_buffer | prefetchable);
    define(subsystem, 4, qemu_subsystem, 0);
    if (!rom_.empty()) {
        const uint32_t address_bits = ~(rom_size() - 1);
        define(expansion_rom, 4, 0, address_bits | rom_enable);
        define_firmware(expansion_rom, 4, firmware_rom & address_bits);
    }
}

std::optional<uint32_t> VgaFunction::rom_base() const {
    const uint32_t field = read_config(expansion_rom, 4), base = field & ~rom_enable;
    const bool enabled = field & rom_enable && read_config(command, 2) & memory_space;
    return enabled && base != 0 ? std::optional{base} : std::nullopt;
}

uint32_t VgaFunction::read(uint32_t offset, unsigned bytes) {
    assert(offset + bytes <= rom_.size());
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value |= uint32_t{rom_[offset + i]} << 8 * i;
    return value;
}

} // namespace fixpoint::models
