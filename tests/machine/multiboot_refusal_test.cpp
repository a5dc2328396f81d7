// What cannot be booted, and what the user is told: file, place, what is there, what was expected, remedy.
#include "tests/machine/loaded_image.hpp"
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

namespace fixpoint::sim {
namespace {

using test::Bytes;
using test::ElfKernel;
using test::FlatKernel;

// All that must be told.
struct Told {
    std::string place, found, expected, remedy;
};

class MultibootRefusal : public test::BootFiles {
protected:
    static void expect_told(const std::string& message, const std::string& file, const Told& told) {
        EXPECT_NE(message.find(file + ": " + told.place), std::string::npos) << message;
        EXPECT_NE(message.find(": found " + told.found), std::string::npos) << message;
        EXPECT_NE(message.find(", expected " + told.expected), std::string::npos) << message;
        EXPECT_NE(message.find("; " + told.remedy), std::string::npos) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
    void expect_refused(const Bytes& kernel, const Told& told) const {
        expect_told(kernel_refusal(kernel), "kernel", told);
    }
    void expect_refused(const FlatKernel& kernel, const Told& told) const {
        expect_refused(kernel.build(), told);
    }
    void expect_refused(const ElfKernel& kernel, const Told& told) const {
        expect_refused(kernel.build(), told);
    }
};

ElfKernel small_elf() {
    ElfKernel kernel;
    kernel.segments = {{0x10'0000, Bytes(16, 1)}};
    return kernel;
}
Bytes elf_with(size_t offset, uint8_t value) {
    Bytes file = small_elf().build();
    file[offset] = value;
    return file;
}

TEST_F(MultibootRefusal, OfFilesThatCannotBeRead) {
    expect_told(refusal({folder / "none", "", {}}), "none",
                {"cannot open", "No such file", "a readable file", "check the path"});
    expect_told(refusal({folder.path(), "", {}}), folder.path().string(),
                {"the file", "a folder", "a file to boot", "name the file"});
    const auto kernel = write("kernel", FlatKernel{}.build());
    expect_told(refusal({kernel, "", {{folder / "missing", ""}}}), "missing",
                {"cannot open", "No such file", "a readable file", "check the path"});
}

TEST_F(MultibootRefusal, OfFilesWithoutAHeader) {
    const Told told{"first 8192 bytes", "no Multiboot 1 header", "0x1badb002", "boot a Multiboot kernel"};
    expect_refused(Bytes{}, told);
    expect_refused(Bytes(100, 1), told);
    expect_refused(FlatKernel{.header = 8192 - 8, .file_bytes = 9000}, told);
    expect_refused(FlatKernel{.header = 2, .file_bytes = 9000}, told);
}

TEST_F(MultibootRefusal, OfAWrongChecksum) {
    Bytes kernel = FlatKernel{}.build();
    test::put_word(kernel, 8, 5);
    expect_refused(kernel, {"Multiboot header at offset 0x0, checksum", "0x5", "0xe4514ffb", "correct"});
}

TEST_F(MultibootRefusal, OfRequiredFeaturesThatDoNotExist) {
    expect_refused(FlatKernel{.flags = 0x18028},
                   {"Multiboot header, flags at offset 0x4", "0x18028, required features of bits 3, 5, 15",
                    "bits 0 to 2 alone", "clear them"});
}

TEST_F(MultibootRefusal, OfAddressFieldsThatDoNotFit) {
    const std::string remedy = "correct the address fields";
    expect_refused(FlatKernel{.header_addr = 0xF'FFFC},
                   {"Multiboot header, header_addr at offset 0xc", "0xffffc", "load_addr 0x100000", remedy});
    expect_refused(FlatKernel{.header_addr = 0x10'0004},
                   {"Multiboot header, header_addr at offset 0xc", "0x100004", "load_addr 0x100000", remedy});
    expect_refused(FlatKernel{.load_end_addr = 0xF'FFFF},
                   {"Multiboot header, load_end_addr at offset 0x14", "0xfffff",
                    "load_addr 0x100000 to 0x100040", remedy});
    expect_refused(FlatKernel{.load_end_addr = 0x10'0041},
                   {"Multiboot header, load_end_addr at offset 0x14", "0x100041",
                    "load_addr 0x100000 to 0x100040, the end of the file", remedy});
    expect_refused(FlatKernel{.bss_end_addr = 0x10'003F},
                   {"Multiboot header, bss_end_addr at offset 0x18", "0x10003f",
                    "load_end_addr 0x100040 or more", remedy});
    expect_refused(FlatKernel{.entry_addr = 0x10'0040},
                   {"Multiboot header, entry_addr at offset 0x1c", "0x100040", "an address that is loaded",
                    "check the entry point"});
    Bytes cut = FlatKernel{}.build();
    cut.resize(31);
    expect_refused(cut, {"Multiboot header, address fields at offset 0xc", "the end of the file at 0x1f",
                         "20 bytes", "clear flag bit 16"});
    expect_refused(FlatKernel{.load_end_addr = 0x10'0000},
                   {"the file", "nothing to load", "a kernel", "check how it was linked"});
}

TEST_F(MultibootRefusal, OfFilesThatAreNoElfForThisProcessor) {
    expect_refused(FlatKernel{.flags = 3}, {"offset 0", "no ELF magic", "an ELF file", "link it as ELF32"});
    expect_refused(elf_with(EI_CLASS, ELFCLASS64),
                   {"ELF header, class (2: 64-bit) at offset 0x4", "2", "1, 32-bit", "build it with -m32"});
    expect_refused(elf_with(EI_DATA, ELFDATA2MSB), {"ELF header, byte order (2: big-endian) at offset 0x5",
                                                    "2", "1, little", "build it for i386"});
    expect_refused(elf_with(offsetof(Elf32_Ehdr, e_machine), EM_ARM),
                   {"ELF header, e_machine at offset 0x12", "40", "3, Intel 80386", "build it for i386"});
    expect_refused(elf_with(offsetof(Elf32_Ehdr, e_machine), EM_X86_64),
                   {"ELF header, e_machine at offset 0x12", "62", "3, Intel 80386", "build it with -m32"});
    expect_refused(
        elf_with(offsetof(Elf32_Ehdr, e_type), ET_REL),
        {"ELF header, e_type (1: object file) at offset 0x10", "1", "2, an executable", "link it"});
    expect_refused(elf_with(offsetof(Elf32_Ehdr, e_phentsize), 31),
                   {"ELF header, e_phentsize at offset 0x2a", "31", "32", "link it anew"});
}

TEST_F(MultibootRefusal, OfBrokenProgramHeaders) {
    Bytes many = small_elf().build();
    many[offsetof(Elf32_Ehdr, e_phnum)] = 100;
    expect_refused(many, {"program header table at offset 0x64", "the end of the file",
                          "3200 bytes for 100 entries", "copy the file again"});
    constexpr uint32_t at = ElfKernel::segments_offset;
    Bytes beyond = small_elf().build();
    test::put_word(beyond, at + offsetof(Elf32_Phdr, p_offset), 0x200);
    expect_refused(beyond, {"program header 0, p_offset at offset 0x68",
                            "0x10 bytes at 0x200, beyond the end", "content before", "copy the file again"});
    Bytes larger = small_elf().build();
    test::put_word(larger, at + offsetof(Elf32_Phdr, p_memsz), 15);
    expect_refused(larger,
                   {"program header 0, p_filesz at offset 0x74", "0x10", "at most p_memsz, 0xf", "link it"});
    Bytes none = small_elf().build();
    test::put_word(none, at, PT_NOTE);
    expect_refused(none, {"the file", "nothing to load", "a kernel", "check how it was linked"});
}

TEST_F(MultibootRefusal, OfAnEntryThatNoSegmentHolds) {
    ElfKernel kernel = small_elf();
    kernel.entry = 0x10'0010;
    expect_refused(kernel, {"ELF header, e_entry at offset 0x18", "0x100010", "an address that is loaded",
                            "check the entry point"});
}

TEST_F(MultibootRefusal, OfTwoContentsForOneAddress) {
    ElfKernel kernel;
    kernel.segments = {{0x10'000F, Bytes(4, 2)}, {0x10'0000, Bytes(16, 1)}};
    expect_refused(kernel, {"program header 0", "content from 0x10000f on", "none before 0x100010",
                            "check the load addresses"});
}

TEST_F(MultibootRefusal, OfAddressesThatAreNoMemory) {
    ElfKernel kernel = small_elf();
    kernel.segments.push_back({0xFF'FF00, Bytes(1, 1), 0x101});
    expect_refused(kernel, {"program header 1", "addresses 0xffff00 to 0x1000000",
                            "none above 0xffffff, the end of memory",
                            "give the machine at least 17 MiB (--memory 17)"});
    kernel.segments.back().physical = 0xFFFF'FF00; // to beyond 4 GB
    expect_refused(
        kernel, {"program header 1", "addresses 0xffffff00 to 0x100000000", "none above", "no machine has"});
    for (const auto& [begin, bytes] :
         {std::pair{0x9'FFFFu, 2u}, {0xB'8000u, 1u}, {0xF'FFFFu, 2u}, {0x9'0000u, 0x8'0000u}}) {
        kernel.segments.back() = {begin, Bytes(1, 1), bytes};
        expect_refused(
            kernel, {"program header 1", "addresses", "none in 0xa0000 to 0xfffff", "link it at 0x100000"});
    }
}

TEST_F(MultibootRefusal, OfWhatFindsNoRoom) {
    const auto kernel = write("kernel", FlatKernel{}.build());
    const auto large = write("large", Bytes(10 << 20, 1)), huge = write("huge", Bytes(memory_bytes + 1, 1));
    expect_told(refusal({kernel, "", {{large, ""}, {large, ""}}}), "large",
                {"module 2 of 2", "10485760 bytes, but no more than",
                 "room for them in the machine's 16777216",
                 "give the machine at least 27 MiB (--memory 27)"});
    expect_told(refusal({kernel, "", {{huge, ""}}}), "huge",
                {"the file", "16777217 bytes", "at most 16777216 bytes", "give the machine at least 17 MiB"});
    ElfKernel everything;
    everything.entry = 0x10'0000;
    everything.segments = {{0x500, {}, 0x9'F700}, {0x10'0000, Bytes(1, 1), memory_bytes - 0x10'0000}};
    expect_refused(everything, {"memory map and boot information", "1368 bytes, but no more than 0", "room",
                                "give the machine at least 17 MiB"});
    everything.segments[0] = {0x500, {}, 0x9'F700 - 0x1000};
    expect_told(refusal({write("kernel", everything.build()), std::string(5000, 'a'), {}}), "kernel",
                {"module table and command lines", "50", "room", "give the machine at least 17 MiB"});
}

} // namespace
} // namespace fixpoint::sim
