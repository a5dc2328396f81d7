#include "sim/observe/code_names.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace fixpoint::sim {
namespace {

// How much of a function is compared with memory: breakpoints and self-modifying code are rare at its start.
constexpr uint32_t compared_bytes = 16;
// A label of assembly code has no size: it goes to the next one, but no further than this.
constexpr uint32_t label_bytes_max = 4096;

// A structure of the file, if the file is long enough.
template<class T>
std::optional<T> structure_at(const std::vector<char>& file, uint64_t offset) {
    if (offset > file.size() || file.size() - offset < sizeof(T))
        return std::nullopt;
    T value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
}

std::vector<Elf32_Shdr> sections(const std::vector<char>& file) {
    std::vector<Elf32_Shdr> list;
    const auto header = structure_at<Elf32_Ehdr>(file, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS32)
        return list;
    for (unsigned i = 0; i < header->e_shnum; ++i)
        if (const auto section =
                structure_at<Elf32_Shdr>(file, header->e_shoff + uint64_t{i} * header->e_shentsize))
            list.push_back(*section);
    return list;
}

std::string name_at(const std::vector<char>& file, uint64_t offset) {
    if (offset >= file.size())
        return "";
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(offset);
    const std::string name{begin, std::find(begin, file.end(), '\0')};
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain{
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free};
    return status == 0 ? plain.get() : name;
}

std::vector<uint8_t> bytes_of(const std::vector<char>& file, const std::vector<Elf32_Shdr>& list,
                              uint32_t address, uint32_t bytes) {
    for (const Elf32_Shdr& section : list) {
        const uint64_t offset = uint64_t{section.sh_offset} + (address - section.sh_addr);
        if (section.sh_type == SHT_PROGBITS && section.sh_addr <= address &&
            address - section.sh_addr < section.sh_size && offset + bytes <= file.size())
            return {file.begin() + static_cast<std::ptrdiff_t>(offset),
                    file.begin() + static_cast<std::ptrdiff_t>(offset + bytes)};
    }
    return {};
}

} // namespace

CodeNames::CodeNames(const BootImage& image, const models::Cpu& cpu, const models::PhysicalMemory& memory)
    : cpu_{cpu}, memory_{memory} {
    add_file(image.kernel);
    for (const BootImage::Module& module : image.modules)
        add_file(module.file);
}

void CodeNames::add_file(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    const std::vector<char> file{std::istreambuf_iterator<char>{in}, {}};
    const std::vector<Elf32_Shdr> list = sections(file);
    Functions functions;
    for (const Elf32_Shdr& table : list) {
        if (table.sh_type != SHT_SYMTAB || table.sh_link >= list.size())
            continue;
        for (uint64_t at = 0; at + sizeof(Elf32_Sym) <= table.sh_size; at += sizeof(Elf32_Sym)) {
            const auto symbol = structure_at<Elf32_Sym>(file, table.sh_offset + at);
            if (!symbol || symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= list.size() ||
                (list[symbol->st_shndx].sh_flags & SHF_EXECINSTR) == 0 ||
                ELF32_ST_TYPE(symbol->st_info) > STT_FUNC || ELF32_ST_TYPE(symbol->st_info) == STT_OBJECT)
                continue;
            const uint32_t address = symbol->st_value;
            const uint32_t compared = std::min(symbol->st_size != 0 ? symbol->st_size : 1, compared_bytes);
            functions.try_emplace(
                address, Function{name_at(file, list[table.sh_link].sh_offset + uint64_t{symbol->st_name}),
                                  symbol->st_size, bytes_of(file, list, address, compared)});
        }
    }
    files_.push_back(std::move(functions));
}

bool CodeNames::is_there(uint32_t linear, const Function& function) const {
    for (const uint8_t byte : function.first_bytes) {
        uint32_t physical = 0;
        if (!cpu_.translate(linear++, physical) || physical >= memory_.size() ||
            memory_.data()[physical] != byte)
            return false;
    }
    return !function.first_bytes.empty();
}

std::string CodeNames::operator()(uint32_t linear) const {
    for (const Functions& functions : files_) {
        auto function = functions.upper_bound(linear);
        if (function == functions.begin())
            continue;
        --function;
        const uint32_t offset = linear - function->first;
        const uint32_t bytes = function->second.bytes != 0 ? function->second.bytes : label_bytes_max;
        if (offset < bytes && is_there(function->first, function->second))
            return offset == 0 ? function->second.name
                               : fmt::format("{}+{:#x}", function->second.name, offset);
    }
    return "";
}

} // namespace fixpoint::sim
