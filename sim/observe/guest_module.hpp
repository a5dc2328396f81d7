// One ELF file of the guest, for naming code: its executable bytes, function symbols and line table.
//
// Symbols come from the symbol table, lines from DWARF (through elfutils' libdw); a file may lack either.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::sim {

class GuestModule {
public:
    static constexpr uint32_t no_file = ~0u;
    struct Line {
        uint32_t file = no_file; // see file_name()
        uint32_t number = 0;     // 0: unknown
    };
    struct Function {
        std::string name; // demangled
        uint32_t begin = 0, end = 0;
        Line line; // where it is defined, else that of its first instruction
    };

    // A file that is no 32-bit ELF file has no code here: flat images are run all the same.
    explicit GuestModule(const std::filesystem::path& file);

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }
    // The address at which code at `linear` was linked: there by its virtual or by its load address.
    [[nodiscard]] std::vector<uint32_t> link_addresses(uint32_t linear) const;
    // The file's executable bytes from `address` (as linked) on, `most` at most; empty where there are none.
    [[nodiscard]] std::span<const uint8_t> code_at(uint32_t address, size_t most) const;

    [[nodiscard]] const Function* function_at(uint32_t address) const;
    // By its name, that of a C++ function without parameters; nullptr: none.
    [[nodiscard]] const Function* function_named(std::string_view name) const;
    [[nodiscard]] Line line_at(uint32_t address) const;
    [[nodiscard]] const std::string& file_name(uint32_t file) const { return file_names_[file]; }

private:
    struct Section { // executable
        uint32_t address = 0, load_address = 0;
        std::vector<uint8_t> bytes;
    };
    struct LineEntry {
        uint32_t address = 0;
        Line line; // no_file: a sequence ends here
    };

    void read_sections(void* elf);
    void read_symbols(void* elf);
    void read_lines(void* elf);
    void read_line_table(void* unit);
    void read_definitions(void* unit);
    [[nodiscard]] uint32_t number_file(const std::string& name);

    std::filesystem::path file_;
    std::vector<Section> sections_;
    std::vector<Function> functions_; // by address
    std::vector<LineEntry> lines_;    // by address
    std::vector<std::string> file_names_;
    std::map<std::string, uint32_t> file_numbers_;
};

} // namespace fixpoint::sim
