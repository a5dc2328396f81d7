// The firmware's ROM and the memory behind it, as the chipset steers accesses; in the map alone and through the processor.
#include "models/cpu/physical_map.hpp"

#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

std::vector<uint8_t> numbered_rom(size_t bytes) {
    std::vector<uint8_t> rom(bytes);
    for (size_t i = 0; i < bytes; ++i)
        rom[i] = static_cast<uint8_t>(i / 0x4000 + 1); // its segments count from 1
    return rom;
}

class PhysicalMapTest : public testing::Test {
protected:
    PhysicalMapTest() { map.set_rom(rom); }
    std::vector<uint8_t> rom = numbered_rom(256 << 10); // 16 segments
    PhysicalMemory memory{4u << 20};
    RecordingBus bus;
    PhysicalMap map{memory, bus};
};

TEST_F(PhysicalMapTest, TheRomEndsAt4GB) {
    EXPECT_EQ(map.read(0xFFFF'FFFF, 1), 16u);
    EXPECT_EQ(map.read(0xFFFC'0000, 1), 1u);
    EXPECT_EQ(map.readable(0xFFFB'FFFF), nullptr);
}

TEST_F(PhysicalMapTest, TheRomsLast128KBAreBelow1MBWhereReadsAreNotSteeredToMemory) {
    map.steer(0xC'0000, 0x4'0000, false, false);
    EXPECT_EQ(map.read(0xF'FFFF, 1), 16u);
    EXPECT_EQ(map.read(0xE'0000, 1), 9u);
    EXPECT_EQ(map.read(0xD'FFFC, 4), 0xFFFF'FFFFu) << "nobody";
    EXPECT_TRUE(bus.mmio_reads.empty());
}

TEST_F(PhysicalMapTest, AShorterRomIsThereOnce) {
    const std::vector<uint8_t> shorter = numbered_rom(64 << 10);
    map.set_rom(shorter);
    map.steer(0xC'0000, 0x4'0000, false, false);
    EXPECT_EQ(map.read(0xF'0000, 1), 1u);
    EXPECT_EQ(map.read(0xE'FFFF, 1), 0xFFu);
}

TEST_F(PhysicalMapTest, MemoryIsWrittenBehindTheRom) {
    map.steer(0xF'0000, 0x1'0000, false, true);
    map.write(0xF'1234, 2, 0x5566);
    EXPECT_EQ(map.read(0xF'1234, 1), 13u);
    map.steer(0xF'0000, 0x1'0000, true, false);
    EXPECT_EQ(map.read(0xF'1234, 2), 0x5566u);
    map.write(0xF'1234, 2, 0x7788);
    EXPECT_EQ(map.read(0xF'1234, 2), 0x5566u) << "protected";
}

TEST_F(PhysicalMapTest, RomsAreNotWritten) {
    map.write(0xFFFF'0000, 4, 0);
    map.steer(0xE'0000, 0x4000, false, false);
    map.write(0xE'0000, 4, 0);
    EXPECT_TRUE(bus.mmio_writes.empty());
    EXPECT_EQ(rom, numbered_rom(256 << 10));
    map.steer(0xE'0000, 0x4000, true, true);
    EXPECT_EQ(map.read(0xE'0000, 4), 0u) << "nor what is behind them";
}

TEST_F(PhysicalMapTest, ADebuggerSeesTheRomAndWritesMemoryOnly) {
    map.steer(0xF'0000, 0x1'0000, false, true);
    std::array<uint8_t, 2> seen{};
    EXPECT_TRUE(map.peek(0xF'3FFF, seen)) << "across two segments";
    EXPECT_EQ(seen, (std::array<uint8_t, 2>{13, 14}));
    const std::array<uint8_t, 2> wanted{5, 6};
    EXPECT_FALSE(map.poke(0xF'3FFF, wanted));
    EXPECT_FALSE(map.poke(0xE'FFFF, wanted)) << "the second byte is the ROM's";
    EXPECT_EQ(map.read(0xE'FFFF, 1), 0u) << "and the first was left alone";
    map.steer(0xF'0000, 0x1'0000, true, true);
    EXPECT_TRUE(map.poke(0xF'3FFF, wanted));
    EXPECT_TRUE(map.peek(0xF'3FFF, seen));
    EXPECT_EQ(seen, wanted);
    EXPECT_FALSE(map.peek(0xB'FFFF, seen)) << "the adapter's memory";
    EXPECT_FALSE(map.peek(0x3F'FFFF, seen)) << "the second byte is nobody's";
    EXPECT_TRUE(bus.mmio_reads.empty() && bus.mmio_writes.empty());
}

TEST_F(PhysicalMapTest, TheVideoAdapterIsAlwaysOnTheBus) {
    EXPECT_EQ(map.readable(0xA'0000), nullptr);
    EXPECT_EQ(map.writable(0xB'FFFF), nullptr);
    map.write(0xB'8000, 1, 7);
    EXPECT_EQ(bus.mmio_writes.size(), 1u);
}

// MOV AL, n; HLT, at offset 0 of the last segment.
std::vector<uint8_t> rom_that_loads(uint8_t value) {
    std::vector<uint8_t> rom(64 << 10);
    const uint8_t code[] = {0xB0, value, 0xF4};
    std::copy(std::begin(code), std::end(code), rom.begin());
    const uint8_t jump[] = {0xEA, 0x00, 0x00, 0x00, 0xF0}; // to F000:0000
    std::copy(std::begin(jump), std::end(jump), rom.end() - 16);
    return rom;
}

TEST(RomCode, RunsFromResetAndFromTheMemoryBehindIt) {
    CpuBench bench;
    const std::vector<uint8_t> rom = rom_that_loads(1);
    bench.cpu.set_rom(rom);
    bench.cpu.steer(0xF'0000, 0x1'0000, false, true);
    bench.cpu.reset();
    EXPECT_EQ(bench.run().general[reg_eax] & 0xFF, 1u);
    bench.put(0xF'0000, {0xB0, 2, 0xF4});
    bench.cpu.reset();
    EXPECT_EQ(bench.run().general[reg_eax] & 0xFF, 1u) << "the ROM's";
    bench.cpu.steer(0xF'0000, 0x1'0000, true, false);
    bench.cpu.reset();
    EXPECT_EQ(bench.run().general[reg_eax] & 0xFF, 2u) << "the memory's, although the ROM's was decoded";
}

TEST(RomCode, WritesVanishByEveryWay) {
    CpuBench bench;
    bench.cpu.steer(0xF'0000, 0x1'0000, true, false);
    bench.put32(0xF'0000, 5);
    // MOV EBX, [F0000]; MOV [F0000], EAX; INC [F0000]; REP STOSD; MOV ECX, [F0000]; HLT
    bench.code({0x8B, 0x1D, 0x00, 0x00, 0x0F, 0x00, 0xA3, 0x00, 0x00, 0x0F, 0x00, 0xFF,
                0x05, 0x00, 0x00, 0x0F, 0x00, 0xBF, 0x00, 0x00, 0x0F, 0x00, 0xB9, 0x02,
                0x00, 0x00, 0x00, 0xF3, 0xAB, 0x8B, 0x0D, 0x00, 0x00, 0x0F, 0x00, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_ebx], 5u);
    EXPECT_EQ(s.general[reg_ecx], 5u);
    EXPECT_EQ(bench.get32(0xF'0000), 5u);
}

} // namespace
} // namespace fixpoint::models
