#include "models/chipset/pc_wiring.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <span>
#include <vector>

namespace fixpoint::models {
namespace {

TEST(PcWiring, FixedPortsDoNotOverlap) {
    std::vector<AddressRange> ranges;
    const auto add = [&](std::span<const AddressRange> more) {
        ranges.insert(ranges.end(), more.begin(), more.end());
    };
    add(pc::pic_ports);
    add(pc::pit_ports);
    add(pc::rtc_ports);
    add(pc::uart_ports);
    add(pc::second_uart_ports);
    add(pc::parallel_ports);
    add(pc::keyboard_ports);
    add(pc::system_ports);
    add(pc::dma_ports);
    add(pc::firmware_configuration_ports);
    add(pc::pci_configuration_ports);
    add(pc::vga_ports);
    add(std::span{pc::ide_ports}.first<pc::bus_master_range>());
    for (size_t i = 0; i < ranges.size(); ++i)
        for (size_t j = 0; j < i; ++j)
            EXPECT_TRUE(ranges[i].last < ranges[j].first || ranges[j].last < ranges[i].first)
                << std::hex << ranges[i].first << " and " << ranges[j].first;
}

class PciPorts : public testing::Test {
protected:
    [[nodiscard]] bool is_pci(uint16_t port) const { return pc::is_pci_port(port, power, ide); }
    PowerManagement power;
    PiixIdeFunction ide;
};

TEST_F(PciPorts, AreThoseOfDriveChannelsVideoAndConfiguration) {
    for (const uint16_t port : std::initializer_list<uint16_t>{0x1F0, 0x1F7, 0x3F6, 0x170, 0x177, 0x376,
                                                               0x3B0, 0x3DF, 0xCF8, 0xCFF, 0xC000})
        EXPECT_TRUE(is_pci(port)) << std::hex << port;
    for (const uint16_t port :
         std::initializer_list<uint16_t>{0x00, 0x0F, 0x20, 0x3F, 0x40, 0x60, 0x80, 0xF4, 0x1EF, 0x1F8, 0x3F5,
                                         0x3F7, 0x3F8, 0x3AF, 0x3E0, 0x510, 0x600, 0xCF7})
        EXPECT_FALSE(is_pci(port)) << std::hex << port;
}

TEST_F(PciPorts, AreThePowerManagementsWhereFirmwarePlacesThem) {
    power.leave_firmware_config();
    EXPECT_FALSE(is_pci(0x5FF));
    EXPECT_TRUE(is_pci(0x600));
    EXPECT_TRUE(is_pci(0x63F));
    EXPECT_FALSE(is_pci(0x640));
    constexpr unsigned base_register = 0x40;
    power.write_config(base_register, 4, 0);
    EXPECT_FALSE(is_pci(0x20)) << "not placed";
}

TEST_F(PciPorts, AreTheBusMastersWhereverItIs) {
    constexpr unsigned command = 0x04, base_register = 0x20, io_space = 1;
    ide.write_config(base_register, 4, 0x700);
    ide.write_config(command, 2, io_space);
    EXPECT_TRUE(is_pci(0x700));
    EXPECT_TRUE(is_pci(0x70F));
    EXPECT_FALSE(is_pci(0x710));
}

} // namespace
} // namespace fixpoint::models
