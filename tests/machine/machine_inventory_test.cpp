#include "sim/machine/machine_inventory.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

class MachineInventory : public testing::Test {
protected:
    void describe(const Inventory& machine) { describe_machine(machine, configuration, rtc); }
    unsigned cell(unsigned index) {
        rtc.write(0, 1, index);
        return rtc.read(1, 1);
    }
    unsigned word(unsigned index) { return cell(index) | cell(index + 1) << 8; }
    unsigned entry(uint16_t key) {
        configuration.write(0, 2, key);
        const unsigned low = configuration.read(1, 1);
        return low | configuration.read(1, 1) << 8;
    }
    models::FirmwareConfiguration configuration;
    models::Rtc rtc{0};
};

// SeaBIOS writes it into the ACPI and MP tables; without it Linux finds no timer at the I/O APIC.
TEST_F(MachineInventory, TheTimerIsSaidToBeAtPin2OfTheIoApic) {
    describe({64 << 20, {}});
    EXPECT_EQ(entry(models::FirmwareConfiguration::timer_override) & 0xFF, 1u);
}

TEST_F(MachineInventory, OneProcessor) {
    describe({64 << 20, {}});
    EXPECT_EQ(entry(models::FirmwareConfiguration::processors), 1u);
    EXPECT_EQ(cell(0x5F), 0u);
}

TEST_F(MachineInventory, MemoryInItsThreeUnits) {
    describe({64 << 20, {}});
    EXPECT_EQ(word(0x15), 640u);
    EXPECT_EQ(word(0x17), 63u << 10);
    EXPECT_EQ(word(0x30), 63u << 10);
    EXPECT_EQ(word(0x34), 48u << 4);
    describe({2048ull << 20, {}});
    EXPECT_EQ(word(0x17), 0xFFFFu);
}

TEST_F(MachineInventory, DisksOfTheFirstChannelWithTheirGeometry) {
    describe({64 << 20, {}});
    EXPECT_EQ(cell(0x12), 0x00u);
    describe({64 << 20, {100 * 16 * 63, std::nullopt, 5'000'000, std::nullopt}});
    EXPECT_EQ(cell(0x12), 0xF0u);
    EXPECT_EQ(cell(0x19), 47u);
    EXPECT_EQ(cell(0x1A), 0u);
    EXPECT_EQ(word(0x1B), 100u);
    EXPECT_EQ(cell(0x1D), 16u);
    EXPECT_EQ(cell(0x20), 0xC8u);
    EXPECT_EQ(cell(0x23), 63u);
    EXPECT_EQ(cell(0x39), 0x10u); // the third by LBA
    describe({64 << 20, {100 * 16 * 63, 200 * 16 * 63, std::nullopt, std::nullopt}});
    EXPECT_EQ(cell(0x12), 0xFFu);
    EXPECT_EQ(word(0x24), 200u);
}

TEST_F(MachineInventory, TheChecksumHolds) {
    describe({64 << 20, {100 * 16 * 63, 200 * 16 * 63, std::nullopt, std::nullopt}});
    unsigned sum = 0;
    for (unsigned index = 0x10; index < 0x2E; ++index)
        sum += cell(index);
    EXPECT_EQ(cell(0x2E) << 8 | cell(0x2F), sum);
    EXPECT_NE(sum, 0u);
}

} // namespace
} // namespace fixpoint::sim
