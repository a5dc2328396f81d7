#include "sim/machine/firmware_probes.hpp"

#include "models/disk/disk_image.hpp"
#include "sim/machine/bios.hpp"
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace fixpoint::sim {
namespace {

constexpr uint32_t shadow = 0xF'0000;
constexpr uint16_t third_serial_port = 0x3E9;

TEST(FirmwareProbes, OnlyFirmwareLooksForDevices) {
    FirmwareProbes probes;
    EXPECT_FALSE(probes.expects_port(third_serial_port));
    probes.begin();
    EXPECT_TRUE(probes.expects_port(third_serial_port));
    EXPECT_TRUE(probes.expects_memory(0xFED0'0000));
}

TEST(FirmwareProbes, OtherPlacesAreMistakesOfItsOwn) {
    FirmwareProbes probes;
    probes.begin();
    for (const uint16_t port : std::array<uint16_t, 3>{0x333, 0x3E7, 0x403})
        EXPECT_FALSE(probes.expects_port(port)) << port;
    EXPECT_FALSE(probes.expects_memory(0xFED0'1000));
}

TEST(FirmwareProbes, TheSearchEndsWhenTheShadowIsReadOnly) {
    FirmwareProbes probes;
    probes.begin();
    probes.see_steering(shadow, false, false); // as after power-on
    probes.see_steering(shadow, true, true);   // while it is filled
    probes.see_steering(0xC'0000, true, false);
    EXPECT_TRUE(probes.expects_port(third_serial_port));
    probes.see_steering(shadow, true, false);
    EXPECT_FALSE(probes.expects_port(third_serial_port));
    probes.begin();
    EXPECT_TRUE(probes.expects_port(third_serial_port));
}

struct Unclaimed final : MachineEvents {
    void unclaimed_memory(uint32_t address, unsigned, bool) override { memory.push_back(address); }
    void unclaimed_port(uint16_t port, unsigned, bool) override { ports.push_back(port); }
    std::vector<uint32_t> memory;
    std::vector<uint16_t> ports;
};

// OUT 3E9h, AL as a driver for COM3 would; OUT 0F4h, AL ends the run.
constexpr uint8_t boot_code[] = {0xBA, third_serial_port & 0xFF, third_serial_port >> 8, 0xEE, 0xE6, 0xF4,
                                 0xF4};

TEST(FirmwareProbes, OfSeaBiosNothingIsReportedButOfWhatItStarts) {
    std::filesystem::path bios;
    try {
        bios = find_bios("seabios");
    } catch (const BootError& error) {
        GTEST_SKIP() << error.what();
    }
    test::in_child([&] {
        std::array<uint8_t, 512> sector{};
        std::ranges::copy(boot_code, sector.begin());
        sector[510] = 0x55;
        sector[511] = 0xAA;
        models::DiskImage image{test::disk_sectors};
        ASSERT_TRUE(image.write(0, sector));
        Machine machine{test::test_machine(), &image};
        Unclaimed unclaimed;
        machine.set_events(&unclaimed);
        const test::Result result = test::boot_and_run(machine, {{}, {}, {}, bios});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(unclaimed.ports, std::vector<uint16_t>{third_serial_port});
        EXPECT_TRUE(unclaimed.memory.empty());
    });
}

} // namespace
} // namespace fixpoint::sim
