#include "models/chipset/vga_function.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

enum : unsigned { command = 0x04, frame_buffer = 0x10, expansion_rom = 0x30 };
constexpr uint32_t rom_enable = 1, memory_space = 2;

std::vector<uint8_t> image(size_t bytes) {
    std::vector<uint8_t> rom(bytes, 0x90);
    rom[0] = 0x55;
    rom[1] = 0xAA;
    return rom;
}

TEST(VgaFunction, IsQemusStandardVga) {
    const VgaFunction function{{}};
    EXPECT_EQ(function.read_config(0x00, 4), 0x1111'1234u);
    EXPECT_EQ(function.read_config(0x08, 4) >> 8, 0x03'0000u);
}

TEST(VgaFunction, TheFrameBufferTakes16MBOfPrefetchableMemory) {
    VgaFunction function{{}};
    function.write_config(frame_buffer, 4, 0xFFFF'FFFF);
    EXPECT_EQ(function.read_config(frame_buffer, 4), 0xFF00'0008u);
}

TEST(VgaFunction, TheRomsBaseAddressTellsItsSize) {
    VgaFunction function{image(64 << 10)};
    function.write_config(expansion_rom, 4, 0xFFFF'F800);
    EXPECT_EQ(function.read_config(expansion_rom, 4), 0xFFFF'0000u);
    function.write_config(expansion_rom, 4, 0xFFFF'FFFE); // as some firmware sizes it
    EXPECT_EQ(function.read_config(expansion_rom, 4), 0xFFFF'0000u);
}

TEST(VgaFunction, AnImageOfAnySizeIsFilledUpToAPowerOfTwo) {
    VgaFunction function{image(39'424)};
    EXPECT_EQ(function.rom_size(), 64u << 10);
    EXPECT_EQ(function.read(39'420, 4), 0x9090'9090u);
    EXPECT_EQ(function.read(39'424, 4), 0xFFFF'FFFFu);
    EXPECT_EQ(VgaFunction{image(512)}.rom_size(), 2048u) << "the smallest that a base address can tell";
}

TEST(VgaFunction, WithoutAnImageThereIsNoBaseAddressForIt) {
    VgaFunction function{{}};
    function.write_config(expansion_rom, 4, 0xFFFF'FFFF);
    EXPECT_EQ(function.read_config(expansion_rom, 4), 0u);
    EXPECT_EQ(function.rom_base(), std::nullopt);
}

TEST(VgaFunction, TheRomIsDecodedWhereItsEnableBitAndMemorySpaceAreOn) {
    VgaFunction function{image(64 << 10)};
    EXPECT_EQ(function.rom_base(), std::nullopt) << "as firmware leaves it";
    function.write_config(command, 2, memory_space);
    function.write_config(expansion_rom, 4, 0xE000'0000);
    EXPECT_EQ(function.rom_base(), std::nullopt);
    function.write_config(expansion_rom, 4, 0xE000'0000 | rom_enable);
    EXPECT_EQ(function.rom_base(), 0xE000'0000u);
    function.write_config(command, 2, 0);
    EXPECT_EQ(function.rom_base(), std::nullopt);
}

TEST(VgaFunction, TellsItsOwnerOfEachChange) {
    VgaFunction function{image(64 << 10)};
    std::optional<uint32_t> base;
    function.on_change = [&] { base = function.rom_base(); };
    function.write_config(command, 2, memory_space);
    function.write_config(expansion_rom, 4, 0xFEBE'0000 | rom_enable);
    EXPECT_EQ(base, 0xFEBE'0000u);
    function.restore_config();
    EXPECT_EQ(base, std::nullopt);
}

TEST(VgaFunction, ServesTheRom) {
    VgaFunction function{image(64 << 10)};
    EXPECT_EQ(function.read(0, 2), 0xAA55u);
    EXPECT_EQ(function.read(1, 1), 0xAAu);
    function.write(0, 4, 0);
    EXPECT_EQ(function.read(0, 4), 0x9090'AA55u);
}

} // namespace
} // namespace fixpoint::models
