#include "sim/machine/elf_kernel.hpp"

#include <algorithm>
#include <bit>

#include <elf.h>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

static_assert(sizeof(Elf32_Shdr) == ElfSections::entry_bytes);

constexpr const char* build_32bit = "build it with -m32; if it starts in 32-bit code, "
                                    "objcopy -O elf32-i386 KERNEL KERNEL32 makes a file that can be booted";

// A field of the ELF header must have one of the values that can be booted.
struct HeaderCheck {
    const char* field;
    size_t offset;
    uint32_t found;
    bool good;
    const char *expected, *remedy;
};

Elf32_Ehdr checked_header(const BootFile& file) {
    if (!file.contains(0, SELFMAG) || std::memcmp(file.range(0, SELFMAG).data(), ELFMAG, SELFMAG) != 0)
        file.refuse({"offset 0", "no ELF magic", "an ELF file, as the Multiboot header has no address fields",
                     "link it as ELF32, or give load addresses in the header (flag bit 16)"});
    if (!file.contains(0, sizeof(Elf32_Ehdr)))
        file.refuse({"ELF header", fmt::format("a file of {} bytes", file.size()),
                     fmt::format("at least {}", sizeof(Elf32_Ehdr)), "copy the file again"});
    const auto header = file.at<Elf32_Ehdr>(0);
    const HeaderCheck checks[] = {
        {"class (2: 64-bit)", EI_CLASS, header.e_ident[EI_CLASS], header.e_ident[EI_CLASS] == ELFCLASS32,
         "1, 32-bit", build_32bit},
        {"byte order (2: big-endian)", EI_DATA, header.e_ident[EI_DATA],
         header.e_ident[EI_DATA] == ELFDATA2LSB, "1, little-endian", "build it for i386"},
        {"e_machine", offsetof(Elf32_Ehdr, e_machine), header.e_machine, header.e_machine == EM_386,
         "3, Intel 80386", header.e_machine == EM_X86_64 ? build_32bit : "build it for i386"},
        {"e_type (1: object file)", offsetof(Elf32_Ehdr, e_type), header.e_type,
         header.e_type == ET_EXEC || header.e_type == ET_DYN, "2, an executable", "link it"},
        {"e_phentsize", offsetof(Elf32_Ehdr, e_phentsize), header.e_phentsize,
         header.e_phentsize == sizeof(Elf32_Phdr), "32", "link it anew"},
    };
    for (const HeaderCheck& check : checks)
        if (!check.good)
            file.refuse({fmt::format("ELF header, {} at offset {:#x}", check.field, check.offset),
                         fmt::format("{}", check.found), check.expected, check.remedy});
    if (const uint64_t bytes = uint64_t{header.e_phnum} * sizeof(Elf32_Phdr);
        !file.contains(header.e_phoff, bytes))
        file.refuse({fmt::format("program header table at offset {:#x}", header.e_phoff),
                     fmt::format("the end of the file at {:#x}", file.size()),
                     fmt::format("{} bytes for {} entries", bytes, header.e_phnum), "copy the file again"});
    return header;
}

Elf32_Phdr checked_segment(const BootFile& file, const Elf32_Ehdr& header, unsigned index) {
    const uint64_t at = header.e_phoff + uint64_t{index} * sizeof(Elf32_Phdr);
    const auto segment = file.at<Elf32_Phdr>(at);
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
        return segment;
    const auto place = [&](const char* field, size_t offset) {
        return fmt::format("program header {}, {} at offset {:#x}", index, field, at + offset);
    };
    if (segment.p_filesz > segment.p_memsz)
        file.refuse({place("p_filesz", offsetof(Elf32_Phdr, p_filesz)),
                     fmt::format("{:#x}", segment.p_filesz),
                     fmt::format("at most p_memsz, {:#x}", segment.p_memsz), "link it anew"});
    if (!file.contains(segment.p_offset, segment.p_filesz))
        file.refuse({place("p_offset", offsetof(Elf32_Phdr, p_offset)),
                     fmt::format("{:#x} bytes at {:#x}, beyond the end of the file", segment.p_filesz,
                                 segment.p_offset),
                     fmt::format("content before {:#x}", file.size()),
                     "copy the file again: it was cut short"});
    return segment;
}

} // namespace

KernelLayout layout_elf(const BootFile& file) {
    const Elf32_Ehdr header = checked_header(file);
    KernelLayout layout{{},
                        header.e_entry,
                        fmt::format("ELF header, e_entry at offset {:#x}", offsetof(Elf32_Ehdr, e_entry))};
    std::optional<uint32_t> translated;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        const Elf32_Phdr segment = checked_segment(file, header, i);
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
            continue;
        layout.pieces.push_back({segment.p_paddr, segment.p_memsz,
                                 file.range(segment.p_offset, segment.p_filesz),
                                 fmt::format("program header {}", i)});
        if (!translated && header.e_entry - segment.p_vaddr < segment.p_memsz)
            translated = header.e_entry - segment.p_vaddr + segment.p_paddr;
    }
    const bool is_physical = std::ranges::any_of(
        layout.pieces, [&](const KernelPiece& piece) { return piece.contains(header.e_entry); });
    if (translated && !is_physical)
        layout.entry = *translated;
    return layout;
}

std::optional<ElfSections> ElfSections::find(const BootFile& file) {
    const auto header = file.at<Elf32_Ehdr>(0);
    if (header.e_shnum == 0 || header.e_shoff == 0)
        return std::nullopt;
    ElfSections sections{file};
    sections.table_ = header.e_shoff;
    sections.count_ = header.e_shnum;
    sections.names_ = header.e_shstrndx;
    sections.sound_ = header.e_shentsize == sizeof(Elf32_Shdr) &&
                      file.contains(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf32_Shdr));
    if (sections.sound_)
        sections.lay_out();
    return sections;
}

void ElfSections::lay_out() {
    bytes_ = uint64_t{count_} * sizeof(Elf32_Shdr);
    for (uint32_t i = 0; i < count_; ++i) {
        const auto section = file_->at<Elf32_Shdr>(table_ + uint64_t{i} * sizeof(Elf32_Shdr));
        if (section.sh_type == SHT_NULL || section.sh_type == SHT_NOBITS || section.sh_addr != 0 ||
            section.sh_size == 0)
            continue;
        if (!file_->contains(section.sh_offset, section.sh_size)) {
            sound_ = false;
            return;
        }
        const uint64_t wanted = std::has_single_bit(section.sh_addralign) ? section.sh_addralign : 1;
        const uint64_t step = std::min<uint64_t>(wanted, alignment);
        bytes_ = (bytes_ + step - 1) & ~(step - 1);
        contents_.push_back({i, bytes_});
        bytes_ += section.sh_size;
    }
}

std::vector<uint8_t> ElfSections::at(uint32_t address) const {
    std::vector<uint8_t> image(bytes_);
    const auto table = file_->range(table_, uint64_t{count_} * sizeof(Elf32_Shdr));
    std::ranges::copy(table, image.begin());
    for (const Content& content : contents_) {
        uint8_t* const entry = image.data() + content.section * sizeof(Elf32_Shdr);
        Elf32_Shdr section;
        std::memcpy(&section, entry, sizeof section);
        section.sh_addr = address + static_cast<uint32_t>(content.offset);
        std::memcpy(entry, &section, sizeof section);
        std::ranges::copy(file_->range(section.sh_offset, section.sh_size),
                          image.begin() + static_cast<ptrdiff_t>(content.offset));
    }
    return image;
}

} // namespace fixpoint::sim
