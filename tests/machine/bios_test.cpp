#include "sim/machine/bios.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

// SeaBIOS writes it into the ACPI and MP tables; without it Linux finds no timer at the I/O APIC.
TEST(BiosSurroundings, TheTimerIsSaidToBeAtPin2OfTheIoApic) {
    models::FirmwareConfiguration configuration;
    models::Rtc rtc{0};
    Bios::describe({64 << 20, {}}, configuration, rtc);
    configuration.write(0, 2, models::FirmwareConfiguration::timer_override);
    EXPECT_EQ(configuration.read(1, 1), 1u);
}

} // namespace
} // namespace fixpoint::sim
