#include "tests/machine/kernel_builder.hpp"

#include <algorithm>
#include <cstring>

namespace fixpoint::sim::test {
namespace {

template<typename T>
void put(Bytes& bytes, size_t offset, const T& object) {
    bytes.resize(std::max(bytes.size(), offset + sizeof object));
    std::memcpy(bytes.data() + offset, &object, sizeof object);
}

uint32_t append(Bytes& file, const Bytes& content) {
    const auto offset = static_cast<uint32_t>(file.size());
    file.insert(file.end(), content.begin(), content.end());
    return offset;
}

void put_sections(Bytes& file, const std::vector<ElfKernel::Section>& sections) {
    std::vector<Elf32_Shdr> table(1);
    Bytes names(1);
    const auto add = [&](const ElfKernel::Section& section, const Bytes& content) {
        const auto name = static_cast<uint32_t>(names.size() - section.name.size() - 1);
        table.push_back({name, section.type, 0, section.address, append(file, content),
                         static_cast<uint32_t>(content.size()), 0, 0, section.alignment, 0});
    };
    const auto name = [&](const std::string& text) {
        names.insert(names.end(), text.c_str(), text.c_str() + text.size() + 1);
    };
    for (const ElfKernel::Section& section : sections) {
        name(section.name);
        add(section, section.content);
    }
    name(".shstrtab");
    add({".shstrtab", SHT_STRTAB}, names);
    auto header = Elf32_Ehdr{};
    std::memcpy(&header, file.data(), sizeof header);
    header.e_shoff = static_cast<uint32_t>(file.size());
    header.e_shentsize = sizeof(Elf32_Shdr);
    header.e_shnum = static_cast<uint16_t>(table.size());
    header.e_shstrndx = static_cast<uint16_t>(table.size() - 1);
    put(file, 0, header);
    for (const Elf32_Shdr& section : table)
        put(file, file.size(), section);
}

} // namespace

void put_word(Bytes& bytes, size_t offset, uint32_t word) {
    put(bytes, offset, word);
}

void set_flags(Bytes& kernel, size_t header, uint32_t flags) {
    put(kernel, header + 4, flags);
    put(kernel, header + 8, 0u - multiboot_magic - flags);
}

Bytes FlatKernel::build() const {
    Bytes file(header);
    put(file, header, multiboot_magic);
    set_flags(file, header, flags);
    uint32_t offset = header + 12;
    for (const uint32_t field : {header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr}) {
        put(file, offset, field);
        offset += sizeof field;
    }
    file.resize(std::max<size_t>(file.size(), file_bytes), 'k');
    return file;
}

Bytes ElfKernel::build() const {
    Elf32_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_386;
    header.e_version = EV_CURRENT;
    header.e_entry = entry;
    header.e_phoff = segments_offset;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf32_Phdr);
    header.e_phnum = static_cast<uint16_t>(segments.size());
    Bytes file;
    put(file, 0, header);
    put(file, header_offset, multiboot_magic);
    set_flags(file, header_offset, flags);
    file.resize(segments_offset + segments.size() * sizeof(Elf32_Phdr));
    for (size_t i = 0; i < segments.size(); ++i) {
        const Segment& segment = segments[i];
        const auto bytes = static_cast<uint32_t>(segment.content.size());
        const uint32_t offset = append(file, segment.content);
        put(file, segments_offset + i * sizeof(Elf32_Phdr),
            Elf32_Phdr{segment.type, offset,
                       segment.virtual_address == ~0u ? segment.physical : segment.virtual_address,
                       segment.physical, bytes, std::max(bytes, segment.memory_bytes), PF_R | PF_W | PF_X,
                       1});
    }
    if (!sections.empty())
        put_sections(file, sections);
    return file;
}

} // namespace fixpoint::sim::test
