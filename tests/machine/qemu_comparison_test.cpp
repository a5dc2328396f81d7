// The machine's own guest programs, under QEMU too.
#include "tests/machine/kernel_builder.hpp"
#include "tests/machine/machine_fixtures.hpp"
#include "tests/machine/qemu_comparison.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <vector>

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

class BootInformation : public testing::TestWithParam<uint32_t> {
protected:
    void SetUp() override {
        if (!test::have_qemu())
            GTEST_SKIP() << "qemu-system-i386 (package qemu-system-x86) is not installed";
        std::ofstream{folder / "first"} << "FIRSTMODULE";
        std::ofstream{folder / "empty"} << "";
        std::ofstream{folder / "second"} << std::string(5000, 's');
    }
    // What is known to differ: the loader's name, the sections that QEMU does not pass, the floppy drive in the
    // equipment word.
    const std::vector<std::string> differing{"loader ", "section ", "bios data 410 "};
    tests::TemporaryFolder folder{"qemu-information"};
};

TEST_P(BootInformation, IsTheSame) {
    test::expect_same_as_qemu(
        {test::guest("boot_information"),
         "x=1 y",
         {{folder / "first", "one two"}, {folder / "empty", ""}, {folder / "second", "z"}}},
        {GetParam(), differing});
}
TEST_P(BootInformation, IsTheSameWithoutModulesAndArguments) {
    test::expect_same_as_qemu({test::guest("boot_information"), "", {}}, {GetParam(), differing});
}

// Kernels that the linker would not make: they leave at once, with a status that no failure has.
class StrangeKernels : public testing::Test {
protected:
    void SetUp() override {
        if (!test::have_qemu())
            GTEST_SKIP() << "qemu-system-i386 (package qemu-system-x86) is not installed";
    }
    void expect_started(const test::Bytes& kernel) const {
        const std::filesystem::path file = folder / "kernel";
        std::ofstream out{file, std::ios::binary};
        out.write(reinterpret_cast<const char*>(kernel.data()), static_cast<std::streamsize>(kernel.size()));
        out.close();
        test::expect_same_as_qemu({file, "", {}});
    }
    tests::TemporaryFolder folder{"qemu-kernels"};
    // mov $0xF4, %dx; mov $0x2A, %eax; out %eax, %dx; hlt
    const test::Bytes leave{0x66, 0xBA, 0xF4, 0x00, 0xB8, 0x2A, 0x00, 0x00, 0x00, 0xEF, 0xF4};
};

TEST_F(StrangeKernels, StartAtAVirtualEntryPoint) {
    test::ElfKernel kernel;
    kernel.segments = {{0x20'0000, leave, 0, 0xC020'0000}, {0x10'0000, {0xF4}, 0x1000, 0xC010'0000}};
    kernel.entry = 0xC020'0000;
    expect_started(kernel.build());
}
TEST_F(StrangeKernels, StartInBaseMemory) {
    test::ElfKernel kernel;
    kernel.segments = {{0x1'0000, leave, 0x1000}};
    kernel.entry = 0x1'0000;
    expect_started(kernel.build());
}
TEST_F(StrangeKernels, StartByTheirAddressFields) {
    const test::FlatKernel fields{.header = 0x100,
                                  .file_bytes = 0x200,
                                  .header_addr = 0x20'00C0,
                                  .load_addr = 0x20'0000,
                                  .bss_end_addr = 0x20'2000,
                                  .entry_addr = 0x20'0100};
    test::Bytes kernel = fields.build();
    std::ranges::copy(leave, kernel.begin() + 0x140);
    expect_started(kernel);
}
TEST_F(StrangeKernels, LeaveByAnyPortOfTheDebugExit) {
    constexpr uint8_t out_byte = 0xEE, out_word = 0xEF, no_prefix = 0x90, operand_size = 0x66;
    struct Way {
        uint8_t port, prefix, out;
    };
    for (const Way& way : {Way{0xF5, no_prefix, out_byte}, Way{0xF6, operand_size, out_word},
                           Way{0xF7, no_prefix, out_byte}}) {
        const test::Bytes code{0x66,       0xBA,    0xF5,     0x00,       // mov $0xF5, %dx
                               0xB8,       0x11,    0x22,     0x00, 0x00, // mov $0x2211, %eax
                               0x66,       0xEF,                          // out %ax, %dx: dropped
                               0x66,       0xBA,    way.port, 0x00,       // mov $port, %dx
                               0xB8,       0x31,    0x00,     0x00, 0x00, // mov $0x31, %eax
                               way.prefix, way.out, 0xF4};                // out %al or %ax, %dx; hlt
        test::ElfKernel kernel;
        kernel.segments = {{0x10'0000, code, 0x1000}};
        kernel.entry = 0x10'0000;
        expect_started(kernel.build());
    }
}

INSTANTIATE_TEST_SUITE_P(Memory, BootInformation, testing::Values(2, 16, 64, 1024, 3072));
INSTANTIATE_TEST_SUITE_P(Programs, QemuComparison,
                         testing::Values("a20", "boot", "dma", "timers", "disk", "memory_types", "reset",
                                         "video", "apic"),
                         [](const auto& program) { return std::string{program.param}; });

} // namespace
} // namespace fixpoint::sim
