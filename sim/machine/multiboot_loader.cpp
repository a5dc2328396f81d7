#include "sim/machine/multiboot_loader.hpp"

#include "sim/machine/elf_kernel.hpp"
#include "sim/machine/memory_map.hpp"
#include "sim/machine/multiboot_header.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr uint32_t page_bytes = 4096;
constexpr uint64_t largest_file = uint64_t{4} << 30;

// The block of memory map and information, where QEMU has it.
constexpr uint32_t block_address = 0x9000, information_offset = 0x500;
constexpr uint32_t block_bytes = information_offset + sizeof(MultibootInformation), block_alignment = 16;

constexpr uint32_t stack_top = 0x6F08;           // what SeaBIOS leaves; the specification promises none
constexpr uint32_t firmware_low_memory = 0x7000; // vectors, BIOS data, stack
constexpr uint32_t first_disk_no_partition = 0x8000'FFFF; // whatever disks there are, as QEMU

// QEMU's loader is an adapter's ROM, and its descriptor table is in it. The specification lets the table be
// gone, but there are kernels that load a segment register before they have their own.
constexpr uint32_t descriptor_table = 0xCA000;
constexpr uint16_t code_selector = 0x08, data_selector = 0x10;
constexpr uint64_t descriptors[] = {0, 0x00CF'9A00'0000'FFFF, 0x00CF'9300'0000'FFFF, // flat
                                    0x0000'9E00'0000'FFFF, 0x0000'9200'0000'FFFF};   // 16-bit, 64 KB

constexpr uint64_t align_page(uint64_t address) {
    return (address + page_bytes - 1) & ~uint64_t{page_bytes - 1};
}

template<typename T>
std::span<const uint8_t> bytes_of(const T& object) {
    return {reinterpret_cast<const uint8_t*>(&object), sizeof object};
}

void append(std::vector<uint8_t>& bytes, std::span<const uint8_t> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

// Returns where in `strings` it begins.
uint32_t append_string(std::vector<uint8_t>& strings, const std::string& text) {
    const auto begin = static_cast<uint32_t>(strings.size());
    append(strings, {reinterpret_cast<const uint8_t*>(text.c_str()), text.size() + 1});
    return begin;
}

// QEMU passes a module's string as it was given, but joins the kernel's from two.
std::string module_string(const BootImage::Module& module) {
    return module.arguments.empty() ? module.file.string() : module.file.string() + " " + module.arguments;
}

} // namespace

MultibootLoader::MultibootLoader(const BootImage& image, uint64_t memory_bytes)
    : memory_bytes_{memory_bytes}, kernel_{image.kernel, largest_file} {
    load_kernel();
    free_memory();
    add_information_block();
    add_modules(image);
    if (is_elf_)
        add_elf_sections();
    add_memory_map();
    add_descriptors();
    add(block_ + information_offset, bytes_of(information_));
}

void MultibootLoader::load_kernel() {
    const MultibootHeader header = read_multiboot_header(kernel_);
    is_elf_ = !header.addresses;
    const KernelLayout layout = is_elf_ ? layout_elf(kernel_) : layout_by_addresses(kernel_, header);
    check_layout(kernel_, layout, memory_bytes_);
    if (header.video_mode)
        warnings_.push_back(fmt::format("{}: wants the video mode {}, is started in text mode 80x25 without "
                                        "information on video",
                                        kernel_.path().string(), *header.video_mode));
    for (const KernelPiece& piece : layout.pieces)
        pieces_.push_back({piece.address, piece.memory_bytes, piece.content});
    entry_ = layout.entry;
    kernel_end_ = std::max(layout.end(), upper_memory);
}

// Usable memory without the kernel and without what the firmware has below 28 KB.
void MultibootLoader::free_memory() {
    for (const MemoryRange& range : firmware_memory_map(memory_bytes_))
        if (range.type == MemoryRange::usable)
            free_.add(range.base, range.base + range.bytes);
    free_.remove(0, firmware_low_memory);
    for (const Piece& piece : pieces_)
        free_.remove(piece.address, piece.address + piece.memory_bytes);
}

std::optional<uint32_t> MultibootLoader::find_room(uint64_t bytes, std::initializer_list<uint64_t> from) {
    for (const uint64_t start : from)
        if (const auto place = free_.take(bytes, page_bytes, start))
            return static_cast<uint32_t>(*place);
    return std::nullopt;
}

Refusal MultibootLoader::no_room(std::string place, uint64_t bytes) const {
    return {
        std::move(place),
        fmt::format("{} bytes, but no more than {} free in one piece beside the kernel and what came before",
                    bytes, free_.largest()),
        fmt::format("room for them in the machine's {} bytes of memory", memory_bytes_),
        more_memory(memory_bytes_ + align_page(bytes) + page_bytes)};
}

void MultibootLoader::add(uint32_t address, std::span<const uint8_t> content) {
    if (!content.empty())
        pieces_.push_back({address, content.size(), content});
}

void MultibootLoader::add_made(uint32_t address, std::vector<uint8_t> content) {
    add(address, made_.emplace_back(std::move(content)));
}

void MultibootLoader::add_information_block() {
    std::optional<uint64_t> place =
        free_.take(block_bytes, block_alignment, block_address, block_address + block_bytes);
    for (const uint64_t start : {uint64_t{0}, kernel_end_, upper_memory})
        if (!place)
            place = free_.take(block_bytes, block_alignment, start,
                               start == 0 ? base_memory_end : FreeRanges::no_limit);
    if (!place)
        kernel_.refuse(no_room("memory map and boot information", block_bytes));
    block_ = static_cast<uint32_t>(*place);
}

// Module table and strings behind the kernel, the modules behind them.
void MultibootLoader::add_modules(const BootImage& image) {
    const auto count = static_cast<uint32_t>(image.modules.size());
    const uint64_t table_bytes = count * sizeof(MultibootModule);
    std::vector<uint8_t> strings;
    std::vector<MultibootModule> table;
    for (const BootImage::Module& module : image.modules)
        table.push_back({0, 0, append_string(strings, module_string(module)), 0});
    const uint32_t command_line = append_string(strings, image.kernel.string() + " " + image.append);
    const uint32_t loader_name = append_string(strings, "fixpoint");

    const auto place = find_room(table_bytes + strings.size(), {kernel_end_, upper_memory, 0});
    if (!place)
        kernel_.refuse(no_room("module table and command lines", table_bytes + strings.size()));
    const auto first_string = static_cast<uint32_t>(*place + table_bytes);
    modules_end_ = std::max(kernel_end_, first_string + strings.size());

    modules_.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
        const BootFile& module = modules_.emplace_back(image.modules[i].file, memory_bytes_);
        const auto begin = find_room(module.size(), {modules_end_, kernel_end_, upper_memory, 0});
        if (!begin)
            module.refuse(no_room(fmt::format("module {} of {}", i + 1, count), module.size()));
        table[i].begin = *begin;
        table[i].end = *begin + static_cast<uint32_t>(module.size());
        table[i].string += first_string;
        add(*begin, module.range(0, module.size()));
        modules_end_ = std::max<uint64_t>(modules_end_, table[i].end);
    }

    std::vector<uint8_t> content;
    for (const MultibootModule& entry : table)
        append(content, bytes_of(entry));
    append(content, strings);
    add_made(*place, std::move(content));

    information_.flags |= MultibootInformation::has_command_line | MultibootInformation::has_modules |
                          MultibootInformation::has_loader_name;
    information_.command_line = first_string + command_line;
    information_.loader_name = first_string + loader_name;
    information_.module_count = count;
    information_.modules = *place;
}

void MultibootLoader::add_elf_sections() {
    const std::optional<ElfSections> sections = ElfSections::find(kernel_);
    if (!sections)
        return;
    const auto leave_out = [&](const std::string& reason) {
        warnings_.push_back(
            fmt::format("{}: its section headers are not passed to it: {}", kernel_.path().string(), reason));
    };
    if (!sections->sound())
        return leave_out("they or a section are beyond the end of the file");
    const auto place = find_room(sections->bytes(), {modules_end_, upper_memory, 0});
    if (!place)
        return leave_out(fmt::format("no room for {} bytes", sections->bytes()));
    add_made(*place, sections->at(*place));
    information_.flags |= MultibootInformation::has_elf_sections;
    information_.elf_sections = {sections->count(), ElfSections::entry_bytes, *place, sections->names()};
}

void MultibootLoader::add_memory_map() {
    const auto map = firmware_memory_map(memory_bytes_);
    std::vector<uint8_t> content;
    for (const MemoryRange& range : map) {
        const MultibootMapEntry entry{sizeof entry - sizeof entry.bytes_that_follow, range.base, range.bytes,
                                      range.type};
        append(content, bytes_of(entry));
        if (range.base == upper_memory)
            information_.memory_upper_kb = static_cast<uint32_t>(range.bytes / 1024);
    }
    information_.flags |= MultibootInformation::has_memory | MultibootInformation::has_boot_device |
                          MultibootInformation::has_memory_map;
    information_.memory_lower_kb = base_memory_end / 1024;
    information_.boot_device = first_disk_no_partition;
    information_.memory_map_bytes = static_cast<uint32_t>(content.size());
    information_.memory_map = block_;
    add_made(block_, std::move(content));
}

void MultibootLoader::add_descriptors() {
    add(descriptor_table, {reinterpret_cast<const uint8_t*>(descriptors), sizeof descriptors});
}

void MultibootLoader::place(models::PhysicalMemory& memory) const {
    for (const Piece& piece : pieces_) {
        const uint64_t zeros = piece.memory_bytes - piece.content.size();
        if (zeros != 0)
            std::ranges::fill(memory.span(piece.address + piece.content.size(), zeros), uint8_t{0});
    }
    for (const Piece& piece : pieces_)
        if (!piece.content.empty())
            std::ranges::copy(piece.content, memory.span(piece.address, piece.content.size()).begin());
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
    state.segment.fill(flat(data_selector, data_write_accessed));
    state.segment[models::seg_cs] = flat(code_selector, code_read_accessed);
    state.ldtr = {.selector = 0, .attributes = 0x82, .base = 0, .limit = 0xFFFF};
    state.tr = {.selector = 0, .attributes = 0x8B, .base = 0, .limit = 0xFFFF};
    state.gdtr = {.base = descriptor_table, .limit = sizeof descriptors - 1};
    state.idtr = {.base = 0, .limit = 0x3FF};
    state.cr0 = 0x11; // PE, ET
    state.general[models::reg_eax] = multiboot_loader_magic;
    state.general[models::reg_ebx] = block_ + information_offset;
    state.general[models::reg_esp] = stack_top;
    state.eip = entry_;
    return state;
}

} // namespace fixpoint::sim
