// Every self-test of the processor prints the same on the modelled machine and under QEMU.
#include "tests/machine/qemu_comparison.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace fixpoint::sim {
namespace {

class GuestProgram : public testing::TestWithParam<const char*> {};

TEST_P(GuestProgram, PrintsTheSameUnderQemu) {
    if (!test::have_qemu())
        GTEST_SKIP() << "qemu-system-i386 (package qemu-system-x86) is not installed";
    const std::string name = std::string{"guest_"} + GetParam() + ".elf";
    test::expect_same_as_qemu({std::filesystem::path{GUEST_IMAGE_DIR} / name, "", {}});
}

INSTANTIATE_TEST_SUITE_P(All, GuestProgram, testing::Values(GUEST_PROGRAMS),
                         [](const auto& program) { return std::string{program.param}; });

} // namespace
} // namespace fixpoint::sim
