#include "sim/observe/guest_module.hpp"

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <memory>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

std::string demangle(const char* name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain{
        abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free};
    return status == 0 ? plain.get() : name;
}

class OpenFile {
public:
    explicit OpenFile(const std::filesystem::path& path) : file_{open(path.c_str(), O_RDONLY | O_CLOEXEC)} {}
    ~OpenFile() {
        if (file_ >= 0)
            close(file_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int get() const { return file_; }

private:
    int file_;
};

bool is_executable(const GElf_Shdr& section) {
    return section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_ALLOC) != 0 &&
           (section.sh_flags & SHF_EXECINSTR) != 0 && section.sh_size != 0;
}

// Where the loader put what was linked at `address`.
uint32_t load_address(Elf* elf, uint64_t address) {
    size_t count = 0;
    (void)elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; ++i) {
        GElf_Phdr program;
        if (gelf_getphdr(elf, static_cast<int>(i), &program) != nullptr && program.p_type == PT_LOAD &&
            address >= program.p_vaddr && address < program.p_vaddr + program.p_memsz)
            return static_cast<uint32_t>(address - program.p_vaddr + program.p_paddr);
    }
    return static_cast<uint32_t>(address);
}

} // namespace

GuestModule::GuestModule(const std::filesystem::path& file) : file_{file} {
    const OpenFile opened(file);
    if (opened.get() < 0 || elf_version(EV_CURRENT) == EV_NONE)
        return;
    const std::unique_ptr<Elf, int (*)(Elf*)> elf{elf_begin(opened.get(), ELF_C_READ, nullptr), elf_end};
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getclass(elf.get()) != ELFCLASS32)
        return;
    read_sections(elf.get());
    read_symbols(elf.get());
    read_lines(elf.get());
}

void GuestModule::read_sections(void* handle) {
    auto* const elf = static_cast<Elf*>(handle);
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || !is_executable(header))
            continue;
        const Elf_Data* data = elf_rawdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr)
            continue;
        const auto* bytes = static_cast<const uint8_t*>(data->d_buf);
        sections_.push_back({static_cast<uint32_t>(header.sh_addr),
                             load_address(elf, header.sh_addr),
                             {bytes, bytes + data->d_size}});
    }
}

// Functions, and the labels of assembly code, which reach to the next symbol of their section.
void GuestModule::read_symbols(void* handle) {
    auto* const elf = static_cast<Elf*>(handle);
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB ||
            header.sh_entsize == 0)
            continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        for (uint64_t i = 0; data != nullptr && i < header.sh_size / header.sh_entsize; ++i) {
            GElf_Sym symbol;
            if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr)
                continue;
            const unsigned type = GELF_ST_TYPE(symbol.st_info);
            const auto begin = static_cast<uint32_t>(symbol.st_value);
            const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if ((type != STT_FUNC && type != STT_NOTYPE) || symbol.st_shndx == SHN_ABS || name == nullptr ||
                name[0] == 0 || code_at(begin, 1).empty())
                continue;
            functions_.push_back({demangle(name), begin, begin + static_cast<uint32_t>(symbol.st_size), {}});
        }
    }
    std::ranges::stable_sort(functions_, [](const Function& a, const Function& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; // a sized one before labels
    });
    const auto same = std::unique(functions_.begin(), functions_.end(),
                                  [](const Function& a, const Function& b) { return a.begin == b.begin; });
    functions_.erase(same, functions_.end());
    for (size_t i = 0; i < functions_.size(); ++i)
        if (functions_[i].end == functions_[i].begin)
            functions_[i].end = i + 1 < functions_.size() ? functions_[i + 1].begin : ~0u;
}

void GuestModule::read_lines(void* elf) {
    Dwarf* const dwarf = dwarf_begin_elf(static_cast<Elf*>(elf), DWARF_C_READ, nullptr);
    if (dwarf == nullptr)
        return;
    Dwarf_Off offset = 0, next = 0;
    size_t header_bytes = 0;
    for (; dwarf_nextcu(dwarf, offset, &next, &header_bytes, nullptr, nullptr, nullptr) == 0; offset = next) {
        Dwarf_Die unit;
        if (dwarf_offdie(dwarf, offset + header_bytes, &unit) == nullptr)
            continue;
        read_line_table(&unit);
        read_definitions(&unit);
    }
    (void)dwarf_end(dwarf);
    // Where one sequence ends and another begins, the beginning counts; of several rows the last.
    std::ranges::stable_sort(lines_, [](const LineEntry& a, const LineEntry& b) {
        return a.address != b.address ? a.address < b.address
                                      : a.line.file == no_file && b.line.file != no_file;
    });
    for (Function& function : functions_)
        if (function.line.file == no_file)
            function.line = line_at(function.begin);
}

void GuestModule::read_line_table(void* unit) {
    Dwarf_Lines* table = nullptr;
    size_t count = 0;
    if (dwarf_getsrclines(static_cast<Dwarf_Die*>(unit), &table, &count) != 0)
        return;
    for (size_t i = 0; i < count; ++i) {
        Dwarf_Line* row = dwarf_onesrcline(table, i);
        Dwarf_Addr address = 0;
        int number = 0;
        bool ends = false;
        if (dwarf_lineaddr(row, &address) != 0 || dwarf_lineno(row, &number) != 0 ||
            dwarf_lineendsequence(row, &ends) != 0)
            continue;
        const char* name = dwarf_linesrc(row, nullptr, nullptr);
        lines_.push_back(
            {static_cast<uint32_t>(address),
             ends || name == nullptr ? Line{} : Line{number_file(name), static_cast<uint32_t>(number)}});
    }
}

// The first instruction may come from a function that was inlined: the function itself is where it is defined.
void GuestModule::read_definitions(void* unit) {
    const auto visit = [](Dwarf_Die* die, void* module) {
        auto& self = *static_cast<GuestModule*>(module);
        Dwarf_Addr begin = 0;
        int number = 0;
        const char* name = dwarf_decl_file(die);
        if (dwarf_lowpc(die, &begin) != 0 || dwarf_decl_line(die, &number) != 0 || name == nullptr)
            return static_cast<int>(DWARF_CB_OK);
        const auto function = std::ranges::lower_bound(self.functions_, begin, {}, &Function::begin);
        if (function != self.functions_.end() && function->begin == begin)
            function->line = {self.number_file(name), static_cast<uint32_t>(number)};
        return static_cast<int>(DWARF_CB_OK);
    };
    (void)dwarf_getfuncs(static_cast<Dwarf_Die*>(unit), visit, this, 0);
}

uint32_t GuestModule::number_file(const std::string& name) {
    const auto [entry, is_new] = file_numbers_.try_emplace(name, static_cast<uint32_t>(file_names_.size()));
    if (is_new)
        file_names_.push_back(name);
    return entry->second;
}

std::vector<uint32_t> GuestModule::link_addresses(uint32_t linear) const {
    std::vector<uint32_t> found;
    for (const Section& section : sections_) {
        if (linear - section.address < section.bytes.size())
            found.push_back(linear);
        if (section.load_address != section.address && linear - section.load_address < section.bytes.size())
            found.push_back(linear - section.load_address + section.address);
    }
    return found;
}

std::span<const uint8_t> GuestModule::code_at(uint32_t address, size_t most) const {
    for (const Section& section : sections_)
        if (const uint32_t offset = address - section.address; offset < section.bytes.size())
            return std::span{section.bytes}.subspan(offset, std::min(most, section.bytes.size() - offset));
    return {};
}

const GuestModule::Function* GuestModule::function_at(uint32_t address) const {
    const auto after = std::ranges::upper_bound(functions_, address, {}, &Function::begin);
    if (after == functions_.begin())
        return nullptr;
    const Function& function = *std::prev(after);
    return address < function.end ? &function : nullptr;
}

const GuestModule::Function* GuestModule::function_named(std::string_view name) const {
    const auto found = std::ranges::find_if(functions_, [name](const Function& function) {
        return function.name.starts_with(name) &&
               (function.name.size() == name.size() || function.name[name.size()] == '(');
    });
    return found == functions_.end() ? nullptr : &*found;
}

GuestModule::Line GuestModule::line_at(uint32_t address) const {
    const auto after = std::ranges::upper_bound(lines_, address, {}, &LineEntry::address);
    return after == lines_.begin() ? Line{} : std::prev(after)->line;
}

} // namespace fixpoint::sim
