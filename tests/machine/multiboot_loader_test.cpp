// What a kernel by address fields finds: itself, registers, and the information.
#include "tests/machine/loaded_image.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fixpoint::sim {
namespace {

using test::Bytes;
using test::FlatKernel;
using test::LoadedImage;

class MultibootLoading : public test::BootFiles {
protected:
    [[nodiscard]] LoadedImage load(const FlatKernel& kernel) const {
        return {{write("kernel", kernel.build()), "", {}}, memory_bytes};
    }
};

TEST_F(MultibootLoading, LoadsTheRangeOfItsAddressFieldsAndClearsItsBss) {
    const FlatKernel kernel{.file_bytes = 100, .load_end_addr = 0x10'0030, .bss_end_addr = 0x10'2000};
    const LoadedImage loaded = load(kernel);
    EXPECT_EQ(loaded.word(0x10'0000), test::multiboot_magic);
    EXPECT_EQ(loaded.word(0x10'002C), 0x6B6B6B6Bu);
    EXPECT_EQ(loaded.word(0x10'0030), 0u); // beyond the load end, although the file goes on
    EXPECT_EQ(loaded.word(0x10'1FFC), 0u);
    EXPECT_EQ(loaded.loader.entry_state().eip, 0x10'0020u);
    loaded.expect_sound({{0x10'0000, 0x10'2000, "kernel"}});
}

TEST_F(MultibootLoading, LoadsTheWholeFileIfTheLoadEndIsZero) {
    const LoadedImage loaded = load({.file_bytes = 5000});
    EXPECT_EQ(loaded.bytes(0x10'1387, 0x10'1388), Bytes{'k'});
    loaded.expect_sound({{0x10'0000, 0x10'1388, "kernel"}});
}

TEST_F(MultibootLoading, LoadsFromWhereTheHeaderAddressSays) {
    // Of the 0x600 bytes before the header the last 0x400.
    const LoadedImage loaded = load({.header = 0x600,
                                     .file_bytes = 0x1000,
                                     .header_addr = 0x20'0400,
                                     .load_addr = 0x20'0000,
                                     .entry_addr = 0x20'0010});
    EXPECT_EQ(loaded.word(0x20'0400), test::multiboot_magic);
    loaded.expect_sound({{0x20'0000, 0x20'0E00, "kernel"}});
}

TEST_F(MultibootLoading, FindsTheHeaderAtTheEndOfTheFirst8192Bytes) {
    constexpr uint32_t last = 8192 - 12;
    EXPECT_EQ(
        load({.header = last, .file_bytes = 8300, .header_addr = 0x10'0000 + last}).word(0x10'0000 + last),
        test::multiboot_magic);
}

TEST_F(MultibootLoading, PassesOverAMagicWithoutItsChecksum) {
    Bytes kernel = FlatKernel{.header = 64, .file_bytes = 128, .header_addr = 0x10'0040}.build();
    test::put_word(kernel, 0, test::multiboot_magic);
    EXPECT_EQ(LoadedImage({write("kernel", kernel), "", {}}, memory_bytes).word(0x10'0040),
              test::multiboot_magic);
}

TEST_F(MultibootLoading, IgnoresOptionalFeatures) {
    EXPECT_EQ(load({.flags = 0xFFFF'0003}).loader.warnings().size(), 0u);
}

TEST_F(MultibootLoading, LoadsAKernelThatWantsAVideoModeAndSaysSo) {
    Bytes kernel = FlatKernel{.flags = 0x10007}.build();
    const uint32_t mode[] = {0, 1024, 768, 32};
    std::memcpy(kernel.data() + 32, mode, sizeof mode);
    const LoadedImage graphics{{write("kernel", kernel), "", {}}, memory_bytes};
    ASSERT_EQ(graphics.loader.warnings().size(), 1u);
    EXPECT_NE(graphics.loader.warnings()[0].find("kernel: wants the video mode graphics 1024x768x32"),
              std::string::npos);
    EXPECT_EQ(graphics.information.flags & 0x1800, 0u); // neither VBE nor frame buffer
    test::put_word(kernel, 32, 1);
    const LoadedImage text{{write("kernel", kernel), "", {}}, memory_bytes};
    EXPECT_NE(text.loader.warnings().at(0).find("text 1024x768"), std::string::npos);
}

TEST_F(MultibootLoading, EntersInFlatProtectedModeWithTheLoadersMagic) {
    const models::CpuState state = load({}).loader.entry_state();
    EXPECT_EQ(state.general[models::reg_eax], 0x2BADB002u);
    EXPECT_EQ(state.general[models::reg_ebx], 0x9500u);
    EXPECT_EQ(state.cr0 & 0x8000'0001, 1u);
    EXPECT_EQ(state.eflags & 0x2'0200, 0u); // neither interrupts nor virtual-8086 mode
    for (const models::SegmentState& segment : state.segment) {
        EXPECT_EQ(segment.base, 0u);
        EXPECT_EQ(segment.limit, 0xFFFFFFFFu);
    }
}

TEST_F(MultibootLoading, LeavesADescriptorTableThatFitsTheSegments) {
    const LoadedImage loaded = load({});
    const models::CpuState state = loaded.loader.entry_state();
    for (const models::SegmentState& segment : state.segment) {
        ASSERT_LE(segment.selector + 7u, state.gdtr.limit);
        EXPECT_EQ(loaded.word(state.gdtr.base + segment.selector), 0xFFFFu);
        EXPECT_EQ(loaded.word(state.gdtr.base + segment.selector + 4) & 0x00FF'F800,
                  0x00CF'9000u + (segment.selector == 8 ? 0x800u : 0u));
    }
}

TEST_F(MultibootLoading, TellsCommandLineModulesAndMemory) {
    const auto kernel = write("kernel", FlatKernel{.bss_end_addr = 0x10'2000}.build());
    const auto first = write("first", Bytes(4, 1)), second = write("second", Bytes(8192, 2)),
               third = write("third", Bytes(1, 3));
    const LoadedImage loaded{{kernel, "x=1", {{first, "a b"}, {second, ""}, {third, "c"}}}, memory_bytes};
    EXPECT_EQ(loaded.information.flags, 0x24Fu);
    EXPECT_EQ(loaded.information.memory_lower_kb, 639u);
    EXPECT_EQ(loaded.information.memory_upper_kb, (memory_bytes - (1 << 20) - (128 << 10)) / 1024);
    EXPECT_EQ(loaded.information.boot_device, 0x8000FFFFu);
    EXPECT_EQ(loaded.text(loaded.information.command_line), kernel.string() + " x=1");
    EXPECT_EQ(loaded.text(loaded.information.loader_name), "fixpoint");
    ASSERT_EQ(loaded.modules.size(), 3u);
    EXPECT_EQ(loaded.information.modules, 0x10'2000u);
    EXPECT_EQ(loaded.modules[0].begin, 0x10'3000u);
    EXPECT_EQ(loaded.modules[1].begin, 0x10'4000u);
    EXPECT_EQ(loaded.modules[2].begin, 0x10'6000u);
    EXPECT_EQ(loaded.modules[2].end, 0x10'6001u);
    EXPECT_EQ(loaded.bytes(loaded.modules[1].begin, loaded.modules[1].end), Bytes(8192, 2));
    EXPECT_EQ(loaded.text(loaded.modules[0].string), first.string() + " a b");
    EXPECT_EQ(loaded.text(loaded.modules[1].string), second.string());
    loaded.expect_sound({{0x10'0000, 0x10'2000, "kernel"}});
}

TEST_F(MultibootLoading, PassesACommandLineWithItsSpaceAndATableOfNoModules) {
    const LoadedImage loaded = load({});
    EXPECT_EQ(loaded.text(loaded.information.command_line), (folder / "kernel").string() + " ");
    EXPECT_EQ(loaded.information.flags & MultibootInformation::has_modules, 8u);
    EXPECT_EQ(loaded.information.module_count, 0u);
}

TEST_F(MultibootLoading, PassesEmptyModules) {
    const auto kernel = write("kernel", FlatKernel{}.build());
    const auto none = write("none", {}), one = write("one", {7});
    const LoadedImage loaded{{kernel, "", {{none, "a"}, {one, ""}, {none, ""}}}, memory_bytes};
    ASSERT_EQ(loaded.modules.size(), 3u);
    EXPECT_EQ(loaded.modules[0].begin, loaded.modules[0].end);
    EXPECT_EQ(loaded.modules[0].begin % 4096, 0u);
    EXPECT_EQ(loaded.text(loaded.modules[0].string), none.string() + " a");
    EXPECT_EQ(loaded.bytes(loaded.modules[1].begin, loaded.modules[1].end), Bytes{7});
    EXPECT_EQ(loaded.modules[2].begin, loaded.modules[2].end);
}

TEST_F(MultibootLoading, PassesHundredsOfModulesInOrder) {
    BootImage image{write("kernel", FlatKernel{}.build()), "", {}};
    for (unsigned i = 0; i < 300; ++i)
        image.modules.push_back(
            {write("module" + std::to_string(i), Bytes(i * 7, static_cast<uint8_t>(i))), std::to_string(i)});
    const LoadedImage loaded{image, memory_bytes};
    ASSERT_EQ(loaded.modules.size(), 300u);
    for (unsigned i = 0; i < 300; ++i) {
        EXPECT_EQ(loaded.bytes(loaded.modules[i].begin, loaded.modules[i].end),
                  Bytes(i * 7, static_cast<uint8_t>(i)));
        EXPECT_TRUE(loaded.text(loaded.modules[i].string).ends_with(image.modules[i].arguments));
        EXPECT_TRUE(i == 0 || loaded.modules[i].begin >= loaded.modules[i - 1].end);
    }
    loaded.expect_sound({{0x10'0000, 0x10'0040, "kernel"}});
}

TEST_F(MultibootLoading, PassesTheFirmwaresMap) {
    const LoadedImage loaded = load({});
    struct Expected {
        uint64_t base, bytes;
        uint32_t type;
    };
    constexpr Expected expected[] = {{0, 0x9FC00, 1},
                                     {0x9FC00, 0x400, 2},
                                     {0xF0000, 0x10000, 2},
                                     {0x10'0000, memory_bytes - 0x12'0000, 1},
                                     {memory_bytes - 0x2'0000, 0x2'0000, 2},
                                     {0xFFFC'0000, 0x4'0000, 2}};
    ASSERT_EQ(loaded.map.size(), std::size(expected));
    for (size_t i = 0; i < loaded.map.size(); ++i) {
        EXPECT_EQ(uint32_t{loaded.map[i].bytes_that_follow}, 20u);
        EXPECT_EQ(uint64_t{loaded.map[i].base}, expected[i].base);
        EXPECT_EQ(uint64_t{loaded.map[i].bytes}, expected[i].bytes);
        EXPECT_EQ(uint32_t{loaded.map[i].type}, expected[i].type);
    }
}

TEST_F(MultibootLoading, MayBeRepeated) {
    LoadedImage loaded = load({.bss_end_addr = 0x10'2000});
    const Bytes before = loaded.bytes(0x10'0000, 0x10'4000);
    std::memset(loaded.memory.data() + 0x10'0000, 0x55, 0x2000);
    loaded.loader.place(loaded.memory);
    EXPECT_EQ(loaded.bytes(0x10'0000, 0x10'4000), before);
}

} // namespace
} // namespace fixpoint::sim
