// The same guest programs on the modelled machine and on qemu-system-i386 -M pc: what they print must be the
// same, byte for byte, and so must the way they leave.
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <sys/wait.h>

namespace fixpoint::sim {
namespace {

class QemuComparison : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "qemu-comparison-XXXXXX").string();
        folder = mkdtemp(name.data());
        std::ofstream{folder / "first"} << "FIRSTMODULE";
        std::ofstream{folder / "second"} << std::string(5000, 's');
        models::DiskImage{test::disk_sectors}.save(folder / "disk.img");
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::filesystem::path folder;
};

std::string read_all(FILE* pipe) {
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        text += static_cast<char>(c);
    return text;
}

TEST_P(QemuComparison, PrintsTheSame) {
    if (std::system("command -v qemu-system-i386 > /dev/null") != 0)
        GTEST_SKIP() << "qemu-system-i386 (package qemu-system-x86) is not installed";
    const std::filesystem::path kernel = test::guest(GetParam());
    const std::string first = (folder / "first").string(), second = (folder / "second").string();
    const std::string command = "timeout 30 qemu-system-i386 -M pc -cpu pentium3 -m 64 -kernel '" +
                                kernel.string() + "' -append 'x=1 y' -initrd '" + first + " one two," +
                                second +
                                "' -nic none -display none -serial stdio -monitor none "
                                "-device isa-debug-exit,iobase=0xf4,iosize=0x04 -drive file=" +
                                (folder / "disk.img").string() + ",format=raw,if=ide < /dev/null 2>&1";
    FILE* qemu = popen(command.c_str(), "r");
    ASSERT_NE(qemu, nullptr);
    const std::string expected = read_all(qemu);
    const int status = pclose(qemu);
    ASSERT_TRUE(WIFEXITED(status)) << expected;

    const std::filesystem::path console = folder / "console";
    test::in_child([&] {
        models::DiskImage image{test::disk_sectors};
        Machine machine{test::test_machine(), &image};
        const test::Result result =
            test::boot_and_run(machine, {kernel, "x=1 y", {{first, "one two"}, {second, ""}}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(static_cast<int>(machine.debug_exit_value() << 1 | 1), WEXITSTATUS(status));
        std::ofstream{console} << result.console;
    });
    std::ifstream in{console};
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>{in}, {}}), expected);
}

INSTANTIATE_TEST_SUITE_P(Programs, QemuComparison, testing::Values("a20", "boot", "timers", "disk", "memory_types", "reset"),
                         [](const auto& program) { return std::string{program.param}; });

} // namespace
} // namespace fixpoint::sim
