#include "sim/machine/multiboot_loader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <elf.h>

namespace fixpoint::sim {
namespace {

// The header in the kernel file.
constexpr uint32_t header_magic = 0x1BADB002, header_search_bytes = 8192;
constexpr uint32_t wants_aligned_modules = 1, wants_memory = 2, wants_video = 4, has_addresses = 1u << 16;
constexpr uint32_t features_understood = wants_aligned_modules | wants_memory | wants_video;
constexpr uint32_t features_required = 0xFFFF; // of these bits the unknown ones must stop the loader

// The information for the kernel.
constexpr uint32_t loader_magic = 0x2BADB002;
constexpr uint32_t has_memory = 1, has_command_line = 4, has_modules = 8, has_memory_map = 64,
                   has_loader_name = 512;
constexpr uint32_t memory_map_address = 0x9000, information_address = 0x9500, information_bytes = 88;
constexpr uint32_t base_memory_end = 0x9FC00, upper_memory = 0x100000, bios_area = 0xF0000;
constexpr uint32_t stack_top = 0x6F08; // what SeaBIOS leaves; the specification promises none
constexpr uint32_t page_bytes = 4096;

constexpr uint64_t align_page(uint64_t address) {
    return (address + page_bytes - 1) & ~uint64_t{page_bytes - 1};
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw BootError(file.string() + ": " + what);
}

std::vector<uint8_t> read_file(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error))
        fail(file, "is a folder, expected a file to boot");
    std::ifstream in{file, std::ios::binary};
    if (!in)
        fail(file, std::string{"cannot open: "} + std::strerror(errno));
    return {std::istreambuf_iterator<char>{in}, {}};
}

uint32_t word_at(const std::vector<uint8_t>& content, size_t offset) {
    uint32_t word = 0;
    std::memcpy(&word, content.data() + offset, sizeof word);
    return word;
}

void put_word(std::vector<uint8_t>& bytes, uint32_t word) {
    for (unsigned i = 0; i < 4; ++i)
        bytes.push_back(static_cast<uint8_t>(word >> 8 * i));
}

std::string with_arguments(const std::filesystem::path& file, const std::string& arguments) {
    return arguments.empty() ? file.string() : file.string() + " " + arguments;
}

// Offset of the header: 4-aligned in the first 8 KB, magic + flags + checksum = 0.
size_t find_header(const std::filesystem::path& file, const std::vector<uint8_t>& content) {
    const size_t end = std::min<size_t>(content.size(), header_search_bytes);
    for (size_t at = 0; at + 12 <= end; at += 4)
        if (word_at(content, at) == header_magic &&
            word_at(content, at) + word_at(content, at + 4) + word_at(content, at + 8) == 0)
            return at;
    fail(file, "is no Multiboot kernel: no header in its first 8192 bytes");
}

} // namespace

MultibootLoader::MultibootLoader(const BootImage& image, uint64_t memory_bytes)
    : memory_bytes_{memory_bytes} {
    load_kernel(image.kernel, read_file(image.kernel));
    add_boot_information(image);
}

void MultibootLoader::load_kernel(const std::filesystem::path& file, const std::vector<uint8_t>& content) {
    const size_t header = find_header(file, content);
    const uint32_t flags = word_at(content, header + 4);
    if (const uint32_t unknown = flags & features_required & ~features_understood; unknown != 0)
        fail(file, "asks for Multiboot features that do not exist, flags " + std::to_string(unknown));
    if (flags & has_addresses)
        load_by_header(file, content, header);
    else
        load_elf(file, content);
    for (const Segment& segment : segments_) {
        const uint64_t end = uint64_t{segment.address} + segment.memory_bytes;
        if (end > memory_bytes_)
            fail(file, "needs memory up to " + std::to_string(end) + " bytes, the machine has " +
                           std::to_string(memory_bytes_));
    }
}

void MultibootLoader::load_elf(const std::filesystem::path& file, const std::vector<uint8_t>& content) {
    Elf32_Ehdr header{};
    if (content.size() < sizeof header || std::memcmp(content.data(), ELFMAG, SELFMAG) != 0)
        fail(file, "is no ELF file");
    std::memcpy(&header, content.data(), sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_machine != EM_386 || header.e_type != ET_EXEC)
        fail(file, "is no 32-bit x86 executable");
    if (header.e_phentsize != sizeof(Elf32_Phdr) ||
        uint64_t{header.e_phoff} + uint64_t{header.e_phnum} * sizeof(Elf32_Phdr) > content.size())
        fail(file, "has a broken program header table");
    entry_ = header.e_entry;
    bool entry_found = false;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr program{};
        std::memcpy(&program, content.data() + header.e_phoff + i * sizeof program, sizeof program);
        if (program.p_type != PT_LOAD || program.p_memsz == 0)
            continue;
        if (program.p_filesz > program.p_memsz ||
            uint64_t{program.p_offset} + program.p_filesz > content.size())
            fail(file, "has a segment beyond the end of the file");
        const auto begin = content.begin() + program.p_offset;
        segments_.push_back({program.p_paddr, program.p_memsz, {begin, begin + program.p_filesz}});
        // An entry given as a virtual address is where its segment was loaded.
        if (!entry_found && header.e_entry - program.p_vaddr < program.p_memsz) {
            entry_ = header.e_entry - program.p_vaddr + program.p_paddr;
            entry_found = true;
        }
    }
    for (const Segment& segment : segments_) // a physical entry address wins
        if (header.e_entry - segment.address < segment.memory_bytes)
            entry_ = header.e_entry;
    if (segments_.empty())
        fail(file, "has nothing to load");
}

void MultibootLoader::load_by_header(const std::filesystem::path& file, const std::vector<uint8_t>& content,
                                     size_t header) {
    if (content.size() < header + 32)
        fail(file, "ends within its Multiboot header");
    const uint32_t header_address = word_at(content, header + 12), load_begin = word_at(content, header + 16);
    uint32_t load_end = word_at(content, header + 20), zero_end = word_at(content, header + 24);
    entry_ = word_at(content, header + 28);
    if (header_address < load_begin || header_address - load_begin > header)
        fail(file, "has a Multiboot header whose addresses do not fit the file");
    const size_t begin = header - (header_address - load_begin);
    if (load_end == 0)
        load_end = static_cast<uint32_t>(load_begin + (content.size() - begin));
    zero_end = std::max(zero_end, load_end);
    if (load_end < load_begin || load_end - load_begin > content.size() - begin)
        fail(file, "has a Multiboot header whose load end is beyond the file");
    const auto first = content.begin() + static_cast<ptrdiff_t>(begin);
    segments_.push_back({load_begin, zero_end - load_begin, {first, first + (load_end - load_begin)}});
}

uint32_t MultibootLoader::add(uint32_t address, std::vector<uint8_t> content) {
    const auto bytes = static_cast<uint32_t>(content.size());
    segments_.push_back({address, bytes, std::move(content)});
    return address + bytes;
}

void MultibootLoader::add_boot_information(const BootImage& image) {
    uint64_t kernel_end = upper_memory;
    for (const Segment& segment : segments_)
        kernel_end = std::max(kernel_end, uint64_t{segment.address} + segment.memory_bytes);
    const auto need = [&](const std::filesystem::path& file, const char* complaint, uint64_t end) {
        if (end > memory_bytes_)
            fail(file, std::string{complaint} + ": that takes memory up to " + std::to_string(end) +
                           " bytes, the machine has " + std::to_string(memory_bytes_));
    };
    const char* const no_room = "leaves no room behind it for the command line and the module table";
    need(image.kernel, no_room, align_page(kernel_end));
    const auto table = static_cast<uint32_t>(align_page(kernel_end));

    // The strings stand behind the module table, the modules behind them.
    const auto table_bytes = static_cast<uint32_t>(16 * image.modules.size());
    std::vector<uint8_t> strings;
    const auto add_string = [&](const std::string& text) {
        const auto address = table + table_bytes + static_cast<uint32_t>(strings.size());
        strings.insert(strings.end(), text.begin(), text.end());
        strings.push_back(0);
        return address;
    };
    const uint32_t command_line = add_string(with_arguments(image.kernel, image.append));
    const uint32_t loader_name = add_string("fixpoint");
    std::vector<uint32_t> module_strings;
    for (const BootImage::Module& module : image.modules)
        module_strings.push_back(add_string(with_arguments(module.file, module.arguments)));

    const uint64_t strings_end = uint64_t{table} + table_bytes + strings.size();
    need(image.kernel, no_room, strings_end);

    std::vector<uint8_t> module_table;
    uint64_t next = align_page(strings_end);
    for (size_t i = 0; i < image.modules.size(); ++i) {
        const std::filesystem::path& file = image.modules[i].file;
        std::vector<uint8_t> content = read_file(file);
        need(file, "does not fit behind the kernel and the modules before it", next + content.size());
        const auto begin = static_cast<uint32_t>(next);
        const uint32_t end = add(begin, std::move(content));
        for (const uint32_t word : {begin, end, module_strings[i], 0u})
            put_word(module_table, word);
        next = align_page(end);
    }
    add(table, std::move(module_table));
    add(table + table_bytes, std::move(strings));

    struct MapEntry {
        uint64_t base, bytes;
        uint32_t type; // 1 usable, 2 reserved
    };
    const std::array<MapEntry, 4> map{{{0, base_memory_end, 1},
                                       {base_memory_end, 0xA0000 - base_memory_end, 2},
                                       {bios_area, upper_memory - bios_area, 2},
                                       {upper_memory, memory_bytes_ - upper_memory, 1}}};
    std::vector<uint8_t> memory_map;
    for (const MapEntry& entry : map)
        for (const uint64_t word : {uint64_t{20}, entry.base & 0xFFFF'FFFF, entry.base >> 32,
                                    entry.bytes & 0xFFFF'FFFF, entry.bytes >> 32, uint64_t{entry.type}})
            put_word(memory_map, static_cast<uint32_t>(word));
    const auto map_bytes = static_cast<uint32_t>(memory_map.size());
    add(memory_map_address, std::move(memory_map));

    std::vector<uint8_t> information;
    const uint32_t flags = has_memory | has_command_line | (image.modules.empty() ? 0 : has_modules) |
                           has_memory_map | has_loader_name;
    for (const uint32_t word :
         {flags, base_memory_end / 1024, static_cast<uint32_t>((memory_bytes_ - upper_memory) / 1024),
          0u /* boot device */, command_line, static_cast<uint32_t>(image.modules.size()),
          image.modules.empty() ? 0 : table, 0u, 0u, 0u, 0u /* symbols */, map_bytes, memory_map_address, 0u,
          0u /* drives */, 0u /* configuration table */, loader_name})
        put_word(information, word);
    information.resize(information_bytes);
    add(information_address, std::move(information));
}

void MultibootLoader::place(models::PhysicalMemory& memory) const {
    for (const Segment& segment : segments_) {
        const std::span<uint8_t> place = memory.span(segment.address, segment.memory_bytes);
        std::copy(segment.content.begin(), segment.content.end(), place.begin());
        std::fill(place.begin() + static_cast<ptrdiff_t>(segment.content.size()), place.end(), uint8_t{0});
    }
}

models::CpuState MultibootLoader::entry_state() const {
    using models::SegmentState;
    models::CpuState state;
    const auto flat = [](uint16_t selector, uint16_t type) {
        return SegmentState{.selector = selector,
                            .attributes =
                                static_cast<uint16_t>(type | SegmentState::s_bit | SegmentState::present |
                                                      SegmentState::big | SegmentState::granular),
                            .base = 0,
                            .limit = 0xFFFF'FFFF};
    };
    constexpr uint16_t code_read_accessed = 0xB, data_write_accessed = 0x3;
    state.segment.fill(flat(0x10, data_write_accessed));
    state.segment[models::seg_cs] = flat(0x08, code_read_accessed);
    state.ldtr = {.selector = 0, .attributes = 0x82, .base = 0, .limit = 0xFFFF};
    state.tr = {.selector = 0, .attributes = 0x8B, .base = 0, .limit = 0xFFFF};
    state.gdtr = {.base = 0, .limit = 0}; // the kernel brings its own, as the specification demands
    state.idtr = {.base = 0, .limit = 0x3FF};
    state.cr0 = 0x11; // PE, ET
    state.general[models::reg_eax] = loader_magic;
    state.general[models::reg_ebx] = information_address;
    state.general[models::reg_esp] = stack_top;
    state.eip = entry_;
    return state;
}

} // namespace fixpoint::sim
