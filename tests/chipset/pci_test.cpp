#include "models/chipset/pci.hpp"
#include "models/chipset/piix_functions.hpp"
#include "models/chipset/power_management.hpp"

#include <gtest/gtest.h>

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
