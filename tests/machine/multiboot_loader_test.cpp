#include "sim/machine/multiboot_loader.hpp"
#include "tests/machine/machine_fixtures.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace fixpoint::sim {
namespace {

constexpr uint64_t memory_bytes = 16 << 20;

class MultibootFiles : public testing::Test {
protected:
    std::filesystem::path write(const std::string& name, const std::vector<uint32_t>& words,
                                size_t padding = 0) const {
        std::ofstream out{folder / name, std::ios::binary};
        out.write(reinterpret_cast<const char*>(words.data()),
                  static_cast<std::streamsize>(4 * words.size()));
        out << std::string(padding, 'x');
        return folder / name;
    }
    static std::string message(const BootImage& image) {
        try {
            MultibootLoader{image, memory_bytes};
        } catch (const BootError& error) {
            return error.what();
        }
        return {};
    }
    tests::TemporaryFolder folder{"multiboot-test"};
};

// A kernel by address fields: loaded at 1 MB, 12 words, then zeros up to 1 MB + 0x2000, entry at 1 MB + 0x20.
std::vector<uint32_t> plain_kernel() {
    constexpr uint32_t flags = 0x10001, base = 0x100000;
    return {
        0x1BADB002, flags, 0u - 0x1BADB002 - flags, base, base, base + 48, base + 0x2000, base + 0x20, 1, 2,
        3,          4};
}

uint32_t word(models::PhysicalMemory& memory, uint64_t address) {
    uint32_t value = 0;
    std::memcpy(&value, memory.span(address, 4).data(), 4);
    return value;
}
std::string text(models::PhysicalMemory& memory, uint64_t address) {
    return reinterpret_cast<const char*>(memory.span(address, 1).data());
}

TEST_F(MultibootFiles, LoadsAKernelByItsAddressFieldsAndClearsItsBss) {
    const MultibootLoader loader{{write("kernel", plain_kernel()), "", {}}, memory_bytes};
    models::PhysicalMemory memory{memory_bytes};
    memory.data()[0x101FFF] = 0xEE;
    loader.place(memory);
    EXPECT_EQ(word(memory, 0x100000), 0x1BADB002u);
    EXPECT_EQ(word(memory, 0x10002C), 4u);
    EXPECT_EQ(memory.data()[0x101FFF], 0);
    EXPECT_EQ(loader.entry_state().eip, 0x100020u);
}

TEST_F(MultibootFiles, EntersInFlatProtectedModeWithTheLoadersMagic) {
    const models::CpuState state =
        MultibootLoader{{write("kernel", plain_kernel()), "", {}}, memory_bytes}.entry_state();
    EXPECT_EQ(state.general[models::reg_eax], 0x2BADB002u);
    EXPECT_EQ(state.general[models::reg_ebx], 0x9500u);
    EXPECT_TRUE(state.protected_mode());
    EXPECT_FALSE(state.paging());
    EXPECT_EQ(state.eflags & 0x200, 0u);
    for (const models::SegmentState& segment : state.segment) {
        EXPECT_EQ(segment.base, 0u);
        EXPECT_EQ(segment.limit, 0xFFFFFFFFu);
    }
}

TEST_F(MultibootFiles, TellsCommandLineModulesAndMemory) {
    const auto kernel = write("kernel", plain_kernel());
    const auto first = write("first", {0x11111111}), second = write("second", {0x22222222, 0x33333333});
    const MultibootLoader loader{{kernel, "x=1", {{first, "a b"}, {second, ""}}}, memory_bytes};
    models::PhysicalMemory memory{memory_bytes};
    loader.place(memory);
    const uint64_t information = 0x9500;
    EXPECT_EQ(word(memory, information + 8), (memory_bytes - (1 << 20)) / 1024);
    EXPECT_EQ(text(memory, word(memory, information + 16)), kernel.string() + " x=1");
    ASSERT_EQ(word(memory, information + 20), 2u);
    const uint64_t modules = word(memory, information + 24);
    EXPECT_EQ(word(memory, modules) % 4096, 0u);
    EXPECT_EQ(word(memory, modules + 4) - word(memory, modules), 4u);
    EXPECT_EQ(text(memory, word(memory, modules + 8)), first.string() + " a b");
    EXPECT_EQ(text(memory, word(memory, modules + 24)), second.string());
    EXPECT_EQ(word(memory, word(memory, modules + 16) + 4), 0x33333333u);
    EXPECT_GE(word(memory, modules), 0x102000u); // behind the kernel's bss
    // The memory map's last entry is all memory above 1 MB.
    const uint64_t map = word(memory, information + 48), map_bytes = word(memory, information + 44);
    EXPECT_EQ(map_bytes % 24, 0u);
    EXPECT_EQ(word(memory, map + map_bytes - 24 + 4), 0x100000u);
    EXPECT_EQ(word(memory, map + map_bytes - 24 + 12), memory_bytes - 0x100000);
    EXPECT_EQ(word(memory, map + map_bytes - 4), 1u);
}

TEST_F(MultibootFiles, NamesTheFileAndWhatIsWrong) {
    EXPECT_NE(message({folder / "none", "", {}}).find("none: cannot open"), std::string::npos);
    EXPECT_NE(message({folder.path(), "", {}}).find("is a folder"), std::string::npos);
    EXPECT_NE(message({write("text", {1, 2, 3}), "", {}}).find("text: is no Multiboot kernel"),
              std::string::npos);
    EXPECT_NE(message({write("noelf", {0x1BADB002, 0, 0u - 0x1BADB002}), "", {}}).find("is no ELF"),
              std::string::npos);
    EXPECT_NE(
        message({write("strange", {0x1BADB002, 0x8000, 0u - 0x1BADB002 - 0x8000}), "", {}}).find("features"),
        std::string::npos);
    const auto kernel = write("kernel", plain_kernel());
    EXPECT_NE(message({kernel, "", {{folder / "missing", ""}}}).find("missing: cannot open"),
              std::string::npos);
    EXPECT_NE(message({kernel, "", {{write("large", {}, memory_bytes), ""}}}).find("large: does not fit"),
              std::string::npos);
    auto huge = plain_kernel();
    huge[6] = 0x10000000;
    EXPECT_NE(message({write("huge", huge), "", {}}).find("huge: needs memory"), std::string::npos);
    for (const uint32_t room : {0u, 1u, 4096u}) { // behind the kernel, for a command line of more than a page
        auto tight = plain_kernel();
        tight[6] = memory_bytes - room;
        EXPECT_NE(message({write("tight", tight), std::string(5000, 'a'), {}}).find("tight: leaves no room"),
                  std::string::npos)
            << room;
    }
}

TEST_F(MultibootFiles, RefusesABrokenElf) {
    std::ifstream in{test::guest("boot"), std::ios::binary};
    std::string elf{std::istreambuf_iterator<char>{in}, {}};
    ASSERT_FALSE(elf.empty());
    std::ofstream{folder / "cut", std::ios::binary} << elf.substr(0, 0x1200);
    EXPECT_NE(message({folder / "cut", "", {}}).find("beyond the end of the file"), std::string::npos)
        << message({folder / "cut", "", {}});
    elf[4] = 2; // 64-bit
    std::ofstream{folder / "wide", std::ios::binary} << elf;
    EXPECT_NE(message({folder / "wide", "", {}}).find("no 32-bit x86 executable"), std::string::npos);
}

} // namespace
} // namespace fixpoint::sim
