// The screen of the whole machine.
#include "models/chipset/text_screen.hpp"
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace fixpoint::sim {
namespace {

using test::boot_and_run;
using test::guest;
using test::in_child;
using test::Result;
using test::test_machine;

TEST(Video, AKernelsTextIsOnTheScreen) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("video"), "", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        const models::TextScreen screen = models::text_screen(machine.vga());
        ASSERT_EQ(screen.rows.size(), 25u);
        EXPECT_EQ(screen.rows[0], "Hello from the guest");
        EXPECT_EQ(screen.rows[24], "╔═╗ the last row");
        EXPECT_EQ(screen.cursor, (models::TextScreen::Cursor{5, 2}));
    });
}

TEST(Video, TheBootLoaderLeavesAnEmptyTextScreen) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        EXPECT_EQ(models::text_screen(machine.vga()).kind, models::TextScreen::Kind::off);
        boot_and_run(machine, {guest("boot"), "", {}});
        EXPECT_EQ(models::text_screen(machine.vga()).kind, models::TextScreen::Kind::text);
        EXPECT_EQ(models::text_screen(machine.vga()).to_string(), "");
    });
}

TEST(Video, APowerCycleClearsTheScreen) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        boot_and_run(machine, {guest("video"), "", {}});
        machine.power_cycle(models::PowerLoss::lose_cache, 1);
        EXPECT_EQ(models::text_screen(machine.vga()).to_string(), "");
    });
}

// The BIOS of QEMU's standard VGA, from Debian's package seabios.
TEST(Video, ABiosIsFoundInTheOptionRomAndPrints) {
    constexpr const char* file = "/usr/share/seabios/vgabios-stdvga.bin";
    std::ifstream in{file, std::ios::binary};
    if (!in)
        GTEST_SKIP() << file << " (package seabios) is not installed";
    MachineParameters parameters = test_machine();
    parameters.video_rom.assign(std::istreambuf_iterator<char>{in}, {});
    in_child([&] {
        Machine machine{parameters, nullptr};
        const Result result = boot_and_run(machine, {guest("video_bios"), "", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(result.console,
                  "rom size 00010000\nnot enabled 0000ffff\nsignature 0000aa55\nmode 00000003\n");
        const models::TextScreen screen = models::text_screen(machine.vga());
        EXPECT_EQ(screen.to_string(), "printed by the video BIOS\nsecond line\n");
        EXPECT_EQ(screen.cursor, (models::TextScreen::Cursor{11, 1}));
        EXPECT_EQ(screen.width, 80u);
        EXPECT_EQ(screen.height, 50u);
    });
}

} // namespace
} // namespace fixpoint::sim
