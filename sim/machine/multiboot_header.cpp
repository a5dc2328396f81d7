#include "sim/machine/multiboot_header.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr uint32_t magic = 0x1BADB002, search_bytes = 8192, alignment = 4;
constexpr uint32_t wants_aligned_modules = 1, wants_memory = 2, wants_video = 4, has_addresses = 1u << 16;
constexpr uint32_t required = 0xFFFF; // of these bits the unknown ones must stop the loader

// Offsets of the fields.
enum : uint32_t {
    at_flags = 4,
    at_checksum = 8,
    at_header_addr = 12,
    at_load_addr = 16,
    at_load_end_addr = 20,
    at_bss_end_addr = 24,
    at_entry_addr = 28,
    at_mode_type = 32,
    at_width = 36,
    at_height = 40,
    at_depth = 44,
};
constexpr uint32_t checked_bytes = at_checksum + 4, addresses_end = at_mode_type, video_end = at_depth + 4;

bool is_header(const BootFile& file, size_t at) {
    return file.at<uint32_t>(at) == magic &&
           magic + file.at<uint32_t>(at + at_flags) + file.at<uint32_t>(at + at_checksum) == 0;
}

size_t find_header(const BootFile& file) {
    const size_t end = std::min<size_t>(file.size(), search_bytes);
    std::optional<size_t> damaged;
    for (size_t at = 0; at + checked_bytes <= end; at += alignment) {
        if (is_header(file, at))
            return at;
        if (file.at<uint32_t>(at) == magic && !damaged)
            damaged = at;
    }
    if (damaged)
        file.refuse({fmt::format("Multiboot header at offset {:#x}, checksum", *damaged),
                     fmt::format("{:#x}", file.at<uint32_t>(*damaged + at_checksum)),
                     fmt::format("{:#x}, so that magic, flags and checksum add up to 0",
                                 0u - magic - file.at<uint32_t>(*damaged + at_flags)),
                     "correct the header"});
    file.refuse({fmt::format("first {} bytes", search_bytes), "no Multiboot 1 header",
                 fmt::format("{:#x}, flags and checksum at a multiple of {}", magic, alignment),
                 "boot a Multiboot kernel; if it is one, let the linker put the header first"});
}

std::string field(const MultibootHeader& header, const char* name, uint32_t offset) {
    return fmt::format("Multiboot header, {} at offset {:#x}", name, header.offset + offset);
}

void check_flags(const BootFile& file, const MultibootHeader& header, uint32_t flags) {
    const uint32_t unknown = flags & required & ~(wants_aligned_modules | wants_memory | wants_video);
    if (unknown == 0)
        return;
    std::string bits;
    for (unsigned bit = 0; bit < 16; ++bit)
        if (unknown >> bit & 1)
            bits += fmt::format("{}{}", bits.empty() ? "" : ", ", bit);
    file.refuse({field(header, "flags", at_flags),
                 fmt::format("{:#x}, required features of bits {}", flags, bits),
                 "bits 0 to 2 alone of the bits 0 to 15, Multiboot 1 has no others",
                 "clear them; a Multiboot 2 header is something else"});
}

std::string video_mode(const BootFile& file, size_t header) {
    if (!file.contains(header, video_end))
        return "of no kind";
    const auto field_at = [&](uint32_t offset) { return file.at<uint32_t>(header + offset); };
    constexpr uint32_t text_mode = 1;
    return field_at(at_mode_type) == text_mode
               ? fmt::format("text {}x{}", field_at(at_width), field_at(at_height))
               : fmt::format("graphics {}x{}x{}", field_at(at_width), field_at(at_height),
                             field_at(at_depth));
}

} // namespace

MultibootHeader read_multiboot_header(const BootFile& file) {
    MultibootHeader header{find_header(file), {}, {}};
    const auto flags = file.at<uint32_t>(header.offset + at_flags);
    check_flags(file, header, flags);
    if (flags & has_addresses) {
        if (!file.contains(header.offset, addresses_end))
            file.refuse({field(header, "address fields", at_header_addr),
                         fmt::format("the end of the file at {:#x}", file.size()),
                         fmt::format("{} bytes, as flag bit 16 promises", addresses_end - at_header_addr),
                         "clear flag bit 16 or add the fields"});
        header.addresses = file.at<MultibootHeader::AddressFields>(header.offset + at_header_addr);
    }
    if (flags & wants_video)
        header.video_mode = video_mode(file, header.offset);
    return header;
}

KernelLayout layout_by_addresses(const BootFile& file, const MultibootHeader& header) {
    const MultibootHeader::AddressFields& address = *header.addresses;
    constexpr const char* remedy = "correct the address fields, or clear flag bit 16 of an ELF file";
    const auto hex = [](uint64_t number) { return fmt::format("{:#x}", number); };

    if (address.header < address.load || address.header - address.load > header.offset)
        file.refuse({field(header, "header_addr", at_header_addr), hex(address.header),
                     fmt::format("load_addr {:#x} to load_addr + {:#x}, the header's offset", address.load,
                                 header.offset),
                     remedy});
    const size_t begin = header.offset - (address.header - address.load);
    const uint64_t file_end = uint64_t{address.load} + (file.size() - begin);
    const uint64_t load_end = address.load_end == 0 ? file_end : address.load_end;
    if (load_end < address.load || load_end > file_end)
        file.refuse(
            {field(header, "load_end_addr", at_load_end_addr), hex(address.load_end),
             fmt::format("load_addr {:#x} to {:#x}, the end of the file, or 0", address.load, file_end),
             remedy});
    if (address.bss_end != 0 && address.bss_end < load_end)
        file.refuse({field(header, "bss_end_addr", at_bss_end_addr), hex(address.bss_end),
                     fmt::format("load_end_addr {:#x} or more, or 0", load_end), remedy});
    const uint64_t end = std::max<uint64_t>(address.bss_end, load_end);

    KernelLayout layout{{}, address.entry, field(header, "entry_addr", at_entry_addr)};
    if (end > address.load)
        layout.pieces.push_back({address.load, end - address.load, file.range(begin, load_end - address.load),
                                 field(header, "load_addr", at_load_addr)});
    return layout;
}

} // namespace fixpoint::sim
