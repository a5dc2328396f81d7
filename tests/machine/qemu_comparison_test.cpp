// The machine's own guest programs, under QEMU too.
#include "tests/machine/machine_fixtures.hpp"
#include "tests/machine/qemu_comparison.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace fixpoint::sim {
namespace {

class QemuComparison : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (!test::have_qemu())
            GTEST_SKIP() << "qemu-system-i386 (package qemu-system-x86) is not installed";
        std::ofstream{folder / "first"} << "FIRSTMODULE";
        std::ofstream{folder / "second"} << std::string(5000, 's');
    }
    tests::TemporaryFolder folder{"qemu-modules"};
};

TEST_P(QemuComparison, PrintsTheSame) {
    test::expect_same_as_qemu(
        {test::guest(GetParam()), "x=1 y", {{folder / "first", "one two"}, {folder / "second", ""}}});
}

INSTANTIATE_TEST_SUITE_P(Programs, QemuComparison,
                         testing::Values("a20", "boot", "timers", "disk", "memory_types", "reset", "video"),
                         [](const auto& program) { return std::string{program.param}; });

} // namespace
} // namespace fixpoint::sim
