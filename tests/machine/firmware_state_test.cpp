#include "sim/machine/firmware_state.hpp"
#include "sim/machine/memory_map.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

class FirmwareState : public testing::Test {
protected:
    unsigned byte(uint32_t address) const { return memory.data()[address]; }
    unsigned word(uint32_t address) const { return byte(address) | byte(address + 1) << 8; }
    void leave(const FirmwareDevices& devices = {}) {
        leave_firmware_state({pic, pit, dma, keyboard, vga}, memory, devices);
    }

    models::Pic pic;
    models::Pit pit;
    models::DmaControllers dma;
    models::KeyboardController keyboard{true};
    models::Vga vga;
    models::PhysicalMemory memory{4 << 20};
};

TEST_F(FirmwareState, NotesSerialPortsAndTheirNumber) {
    leave({.disks = 0, .serial_ports = 2});
    EXPECT_EQ(word(0x400), 0x3F8u);
    EXPECT_EQ(word(0x402), 0x2F8u);
    EXPECT_EQ(word(0x404), 0u);
    EXPECT_EQ(word(0x410) >> 9 & 7, 2u);
    EXPECT_EQ(byte(0x47D), 10u);
    EXPECT_EQ(byte(0x47E), 0u);
}

TEST_F(FirmwareState, KnowsFourSerialPortsAtMost) {
    leave({.disks = 0, .serial_ports = 9});
    EXPECT_EQ(word(0x406), 0x2E8u);
    EXPECT_EQ(word(0x408), 0x378u); // the parallel port
    EXPECT_EQ(word(0x410) >> 14, 1u);
    EXPECT_EQ(word(0x410) >> 9 & 7, 4u);
}

TEST_F(FirmwareState, NotesBaseMemoryAndWhereItEnds) {
    leave();
    EXPECT_EQ(word(0x413), 639u);
    EXPECT_EQ(word(0x40E), 0x9FC0u);
    EXPECT_EQ(byte(0x9FC00), 1u);
}

TEST_F(FirmwareState, NotesTheTextMode) {
    leave();
    EXPECT_EQ(byte(0x449), 3u);
    EXPECT_EQ(word(0x44A), 80u);
    EXPECT_EQ(word(0x463), 0x3D4u);
    EXPECT_EQ(byte(0x484), 24u);
    EXPECT_EQ(word(0x460), 0x0607u);
    EXPECT_EQ(word(0x410) & 0x30, 0x20u);
}

TEST_F(FirmwareState, CountsHardDisks) {
    leave();
    EXPECT_EQ(byte(0x475), 0u);
    leave({.disks = 1});
    EXPECT_EQ(byte(0x475), 1u);
}

TEST_F(FirmwareState, OpensTheDmaCascadeOnly) {
    leave();
    EXPECT_EQ(dma.read(models::DmaControllers::second + 2 * 15, 1), 0x0Eu);
    EXPECT_EQ(dma.read(models::DmaControllers::first + 15, 1), 0x0Fu);
}

TEST_F(FirmwareState, ClearsWhatAKernelLeftInTheDataArea) {
    memory.data()[0x472] = 0x34;
    memory.data()[0x4FF] = memory.data()[0x500] = 0x77;
    leave();
    EXPECT_EQ(byte(0x472), 0u);
    EXPECT_EQ(byte(0x4FF), 0u);
    EXPECT_EQ(byte(0x500), 0x77u);
}

TEST(FirmwareMemoryMap, AscendsWithoutOverlapAndCoversMemoryButForTheAdapters) {
    for (const uint64_t memory_bytes : {uint64_t{2} << 20, uint64_t{16} << 20, uint64_t{3} << 30}) {
        uint64_t end = 0, usable = 0;
        for (const MemoryRange& range : firmware_memory_map(memory_bytes)) {
            EXPECT_GE(range.base, end);
            end = range.base + range.bytes;
            usable += range.type == MemoryRange::usable ? range.bytes : 0;
        }
        EXPECT_EQ(end, uint64_t{1} << 32);
        EXPECT_EQ(usable, memory_bytes - (0x10'0000 - 0x9'FC00) - 0x2'0000);
    }
}

} // namespace
} // namespace fixpoint::sim
