#include "models/chipset/pci.hpp"
#include "models/chipset/piix_functions.hpp"
#include "models/chipset/power_management.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

namespace fixpoint::models {
namespace {

class PciTest : public testing::Test {
protected:
    PciTest() {
        pci.attach(0, 0, bridge);
        pci.attach(1, 3, power);
    }
    void select(uint32_t device, uint32_t function, uint32_t field) {
        pci.write(0, 4, 0x80000000u | device << 11 | function << 8 | field);
    }
    PciHost pci;
    HostBridgeFunction bridge;
    PowerManagement power;
};

TEST_F(PciTest, ConfigurationIsReadThroughAddressAndData) {
    select(0, 0, 0);
    EXPECT_EQ(pci.read(0, 4), 0x80000000u);
    EXPECT_EQ(pci.read(PciHost::data_offset, 4), 0x12378086u);
    EXPECT_EQ(pci.read(PciHost::data_offset, 2), 0x8086u);
    EXPECT_EQ(pci.read(PciHost::data_offset + 2, 2), 0x1237u);
    EXPECT_EQ(pci.read(PciHost::data_offset + 3, 1), 0x12u);
}

TEST_F(PciTest, NobodyAnswersWithOnes) {
    select(5, 0, 0);
    EXPECT_EQ(pci.read(PciHost::data_offset, 4), 0xFFFFFFFFu);
    EXPECT_EQ(pci.read(PciHost::data_offset, 2), 0xFFFFu);
    pci.write(0, 4, 0); // enable bit off
    EXPECT_EQ(pci.read(PciHost::data_offset, 4), 0xFFFFFFFFu);
}

TEST_F(PciTest, OnlyWritableBitsChangeAndPowerRestoresThem) {
    select(1, 3, 0x3C);
    pci.write(PciHost::data_offset, 1, 0x0B);
    EXPECT_EQ(pci.read(PciHost::data_offset, 1), 0x0Bu);
    select(1, 3, 0);
    pci.write(PciHost::data_offset, 4, 0);
    EXPECT_EQ(pci.read(PciHost::data_offset, 4), 0x71138086u);
    pci.power_cycle(0);
    select(1, 3, 0x3C);
    EXPECT_EQ(pci.read(PciHost::data_offset, 1), 0x09u);
}

TEST_F(PciTest, AllSevenAttributeRegistersAreThere) {
    for (uint32_t field = 0x59; field <= 0x5F; ++field) {
        select(0, 0, field & 0xFC);
        const uint32_t port = PciHost::data_offset + (field & 3);
        pci.write(port, 1, 0x10);
        EXPECT_EQ(pci.read(port, 1), 0x10u) << field;
    }
}

TEST_F(PciTest, TheIsaBridgeHasItsValuesAfterReset) {
    IsaBridgeFunction isa;
    EXPECT_EQ(isa.read_config(0x4C, 4), 0x0003'004Du);
    EXPECT_EQ(isa.read_config(0x69, 1), 0x02u);
    EXPECT_EQ(isa.read_config(0x70, 4), 0x0000'0080u);
    EXPECT_EQ(isa.read_config(0x74, 4), 0x0C0C'0000u);
    EXPECT_EQ(isa.read_config(0x78, 2), 0x0002u);
    EXPECT_EQ(isa.read_config(0xA0, 1), 0x08u);
    EXPECT_EQ(isa.read_config(0xA8, 1), 0x0Fu);
}

TEST_F(PciTest, FirmwareSettingsComeOnRequestAndPowerForgetsThem) {
    EXPECT_FALSE(power.io_base());
    pci.leave_firmware_config();
    EXPECT_EQ(power.io_base(), 0x600);
    pci.power_cycle(0);
    EXPECT_FALSE(power.io_base());
}

TEST_F(PciTest, TheBaseOfPowerManagementMoves) {
    int changes = 0;
    power.on_change = [&] { ++changes; };
    select(1, 3, 0x40);
    pci.write(PciHost::data_offset, 4, 0xB07F);
    EXPECT_FALSE(power.io_base()) << "decoding is off";
    select(1, 3, 0x80);
    pci.write(PciHost::data_offset, 1, 0xFF);
    EXPECT_EQ(power.io_base(), 0xB040);
    EXPECT_EQ(changes, 2);
}

TEST_F(PciTest, AttributesSteerSegmentsBelow1MB) {
    struct Steered {
        uint32_t begin, bytes;
        bool reads, writes;
        bool operator==(const Steered&) const = default;
    };
    std::vector<Steered> all;
    bridge.on_steering = [&](uint32_t begin, uint32_t bytes, bool reads, bool writes) {
        all.push_back({begin, bytes, reads, writes});
    };
    const auto write = [&](uint32_t field, uint32_t value) {
        all.clear();
        select(0, 0, field & ~3u);
        pci.write(PciHost::data_offset + (field & 3), 1, value);
        ASSERT_EQ(all.size(), 13u) << "twelve segments of 16 KB, one of 64 KB";
    };
    const auto told = [&](const Steered& one) { return std::find(all.begin(), all.end(), one) != all.end(); };
    write(0x59, 0x10);
    EXPECT_TRUE(told({0xF'0000, 0x1'0000, true, false}));
    write(0x5A, 0x21);
    EXPECT_TRUE(told({0xC'0000, 0x4000, true, false}));
    EXPECT_TRUE(told({0xC'4000, 0x4000, false, true}));
    write(0x5F, 0x30);
    EXPECT_TRUE(told({0xE'8000, 0x4000, false, false}));
    EXPECT_TRUE(told({0xE'C000, 0x4000, true, true}));
}

TEST_F(PciTest, ResetControlResetsOnItsRisingEdge) {
    int resets = 0;
    pci.on_reset = [&] { ++resets; };
    pci.write(PciHost::reset_control_offset, 1, 0x02);
    EXPECT_EQ(resets, 0);
    pci.write(PciHost::reset_control_offset, 1, 0x06);
    EXPECT_EQ(resets, 1);
    pci.write(PciHost::reset_control_offset, 1, 0x06);
    EXPECT_EQ(resets, 1);
    pci.write(0, 4, 0x80000600); // the address register is no reset
    EXPECT_EQ(resets, 1);
}

TEST_F(PciTest, SleepEnableSwitchesOff) {
    int offs = 0;
    power.on_power_off = [&] { ++offs; };
    power.write(4, 2, 0x0001);
    EXPECT_EQ(offs, 0);
    power.write(4, 2, 0x2000);
    EXPECT_EQ(offs, 1);
    EXPECT_EQ(power.read(4, 2), 0u);
}

TEST_F(PciTest, ThePowerManagementTimerRunsAt3579545Hz) {
    power.advance(ps_per_second);
    EXPECT_EQ(power.read(8, 4), 3'579'545u);
    power.advance(10 * ps_per_second);
    EXPECT_EQ(power.read(8, 4), 35'795'450u & 0xFFFFFF);
}

} // namespace
} // namespace fixpoint::models
