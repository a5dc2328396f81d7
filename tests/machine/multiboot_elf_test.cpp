// Kernels that are ELF executables: segments, entry points, sections.
#include "tests/machine/loaded_image.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fixpoint::sim {
namespace {

using test::Area;
using test::Bytes;
using test::ElfKernel;
using test::LoadedImage;

class MultibootElf : public test::BootFiles {
protected:
    [[nodiscard]] LoadedImage load(const Bytes& kernel, uint64_t memory = memory_bytes) const {
        return {{write("kernel", kernel), "", {}}, memory};
    }
    [[nodiscard]] LoadedImage load(const ElfKernel& kernel, uint64_t memory = memory_bytes) const {
        return load(kernel.build(), memory);
    }
    [[nodiscard]] uint32_t entry(const ElfKernel& kernel) const {
        return load(kernel).loader.entry_state().eip;
    }
};

TEST_F(MultibootElf, LoadsSegmentsInAnyOrderByPhysicalAddress) {
    ElfKernel kernel;
    kernel.segments = {{0x30'0000, Bytes(100, 3), 0x3000, 0xC030'0000},
                       {0x10'0000, Bytes(5000, 1), 0, 0xC010'0000},
                       {0x20'0010, Bytes(7, 2), 16, 0xC020'0010}};
    const LoadedImage loaded = load(kernel);
    EXPECT_EQ(loaded.bytes(0x10'0000, 0x10'1388), Bytes(5000, 1));
    EXPECT_EQ(loaded.bytes(0x20'0010, 0x20'0017), Bytes(7, 2));
    EXPECT_EQ(loaded.bytes(0x20'0017, 0x20'0020), Bytes(9, 0));
    EXPECT_EQ(loaded.bytes(0x30'0000, 0x30'0064), Bytes(100, 3));
    EXPECT_EQ(loaded.bytes(0x30'0064, 0x30'3000), Bytes(0x2F9C, 0));
    loaded.expect_sound({{0x10'0000, 0x10'1388, ""}, {0x20'0010, 0x20'0020, ""}, {0x30'0000, 0x30'3000, ""}});
}

TEST_F(MultibootElf, IgnoresSegmentsThatAreNotLoaded) {
    ElfKernel kernel;
    kernel.segments = {{0x400, Bytes(100, 9), 0, ~0u, PT_NOTE},
                       {0x10'0000, Bytes(16, 1)},
                       {0xFFFF'F000, {}, 0, ~0u, PT_LOAD},
                       {0, {}, 0x1000, ~0u, PT_GNU_STACK}};
    load(kernel).expect_sound({{0x10'0000, 0x10'0010, ""}});
}

TEST_F(MultibootElf, LetsContentWinOverAnothersZeros) {
    ElfKernel kernel;
    kernel.segments = {{0x10'1000, Bytes(16, 2)}, {0x10'0000, Bytes(16, 1), 0x2000}};
    const LoadedImage loaded = load(kernel);
    EXPECT_EQ(loaded.bytes(0x10'1000, 0x10'1010), Bytes(16, 2));
    EXPECT_EQ(loaded.word(0x10'1010), 0u);
}

TEST_F(MultibootElf, TakesAPhysicalEntryAsItIs) {
    ElfKernel kernel;
    kernel.entry = 0x10'0008;
    // Also where another segment has it as a virtual address.
    kernel.segments = {{0x20'0000, Bytes(16, 1), 0, 0x10'0000}, {0x10'0000, Bytes(16, 1), 0, 0x20'0000}};
    EXPECT_EQ(entry(kernel), 0x10'0008u);
}

TEST_F(MultibootElf, TranslatesAVirtualEntry) {
    ElfKernel kernel;
    kernel.entry = 0xC020'0004;
    kernel.segments = {{0x10'0000, Bytes(16, 1), 0, 0xC010'0000}, {0x20'0000, Bytes(16, 1), 0, 0xC020'0000}};
    EXPECT_EQ(entry(kernel), 0x20'0004u);
}

TEST_F(MultibootElf, LoadsAPositionIndependentExecutableWhereItIsLinked) {
    ElfKernel kernel;
    kernel.segments = {{0x10'0000, Bytes(16, 1)}};
    Bytes file = kernel.build();
    file[offsetof(Elf32_Ehdr, e_type)] = ET_DYN;
    EXPECT_EQ(load(file).loader.entry_state().eip, 0x10'0000u);
}

ElfKernel kernel_with_sections() {
    ElfKernel kernel;
    kernel.segments = {{0x10'0000, Bytes(16, 1), 0x1000}};
    kernel.sections = {{".text", SHT_PROGBITS, 0x10'0000, Bytes(16, 1)},
                       {".bss", SHT_NOBITS, 0x10'0010, {}},
                       {".comment", SHT_PROGBITS, 0, {}},
                       {".symtab", SHT_SYMTAB, 0, Bytes(48, 5), 4},
                       {".strtab", SHT_STRTAB, 0, Bytes(13, 6)},
                       {".debug", SHT_PROGBITS, 0, Bytes(100, 7), 64}};
    return kernel;
}

TEST_F(MultibootElf, PassesSectionHeadersAndPlacesWhatNoSegmentLoads) {
    const LoadedImage loaded = load(kernel_with_sections());
    EXPECT_EQ(loaded.information.flags, 0x26Fu);
    EXPECT_EQ(loaded.information.elf_sections.entry_bytes, 40u);
    EXPECT_EQ(loaded.information.elf_sections.names, 7u);
    ASSERT_EQ(loaded.sections.size(), 8u);
    const auto content = [&](size_t index) {
        const Elf32_Shdr& section = loaded.sections[index];
        return loaded.bytes(section.sh_addr, section.sh_addr + section.sh_size);
    };
    EXPECT_EQ(loaded.sections[0].sh_addr, 0u);
    EXPECT_EQ(loaded.sections[1].sh_addr, 0x10'0000u);
    EXPECT_EQ(loaded.sections[2].sh_addr, 0x10'0010u);
    EXPECT_EQ(loaded.sections[3].sh_addr, 0u);
    EXPECT_EQ(content(4), Bytes(48, 5));
    EXPECT_EQ(content(5), Bytes(13, 6));
    EXPECT_EQ(content(6), Bytes(100, 7));
    EXPECT_EQ(loaded.sections[6].sh_addr % 64, 0u);
    EXPECT_EQ(loaded.text(loaded.sections[7].sh_addr + loaded.sections[4].sh_name), ".symtab");
    EXPECT_TRUE(loaded.loader.warnings().empty());
    loaded.expect_sound({{0x10'0000, 0x10'1000, "kernel"}});
}

TEST_F(MultibootElf, PassesNoSectionsOfAKernelByAddressFields) {
    ElfKernel kernel = kernel_with_sections();
    Bytes file = kernel.build();
    test::set_flags(file, ElfKernel::header_offset, 0x10003);
    const uint32_t fields[] = {0x10'0000 + ElfKernel::header_offset, 0x10'0000, 0, 0, 0x10'0000};
    std::memcpy(file.data() + ElfKernel::header_offset + 12, fields, sizeof fields);
    EXPECT_TRUE(load(file).sections.empty());
}

TEST_F(MultibootElf, LeavesSectionsOutWhenThereIsNoRoomForThem) {
    ElfKernel kernel = kernel_with_sections();
    kernel.sections.push_back({".debug_more", SHT_PROGBITS, 0, Bytes(3 << 20, 1)});
    const LoadedImage loaded = load(kernel, 4 << 20);
    EXPECT_EQ(loaded.information.flags, 0x24Fu);
    ASSERT_EQ(loaded.loader.warnings().size(), 1u);
    EXPECT_NE(loaded.loader.warnings()[0].find("kernel: its section headers are not passed"),
              std::string::npos);
    loaded.expect_sound({{0x10'0000, 0x10'1000, "kernel"}});
}

TEST_F(MultibootElf, LeavesBrokenSectionsOut) {
    const Bytes good = kernel_with_sections().build();
    for (const size_t field : {offsetof(Elf32_Ehdr, e_shoff), offsetof(Elf32_Ehdr, e_shentsize)}) {
        Bytes file = good;
        file[field + 1] = 0x7F;
        const LoadedImage loaded = load(file);
        EXPECT_TRUE(loaded.sections.empty());
        EXPECT_EQ(loaded.loader.warnings().size(), 1u);
    }
    Bytes file = good;
    test::put_word(file, file.size() - 40 + offsetof(Elf32_Shdr, sh_size), 0x7FFF'FFFF); // of the names
    EXPECT_TRUE(load(file).sections.empty());
}

} // namespace
} // namespace fixpoint::sim
