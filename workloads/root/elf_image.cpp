#include "workloads/root/elf_image.hpp"

#include "kernel-model/abi/types.hpp"

#include <cstddef>

namespace workloads {

namespace {

// Offsets and values of the ELF specification (System V ABI, 1997, chapter 4 and 5).
constexpr uint32_t header_bytes = 52, program_header_bytes = 32, type_load = 1;

uint16_t read16(const uint8_t* at) {
    return static_cast<uint16_t>(at[0] | at[1] << 8);
}
uint32_t read32(const uint8_t* at) {
    return read16(at) | static_cast<uint32_t>(read16(at + 2)) << 16;
}

} // namespace

const char* ElfImage::parse(const uint8_t* file, uint32_t file_bytes, uint32_t low, uint32_t high) {
    *this = {};
    if (file_bytes < header_bytes || read32(file) != 0x464C457Fu)
        return "is no ELF file";
    if (file[4] != 1 || file[5] != 1 || read16(file + 18) != 3)
        return "is no 32-bit i386 ELF file";
    if (read16(file + 16) != 2)
        return "is no executable ELF file";
    const uint32_t table = read32(file + 28);
    const unsigned entries = read16(file + 44);
    if (read16(file + 42) != program_header_bytes || table > file_bytes ||
        entries * program_header_bytes > file_bytes - table)
        return "has a damaged program header table";

    low_ = ~0u;
    for (unsigned i = 0; i < entries; ++i) {
        const uint8_t* header = file + table + size_t{i} * program_header_bytes;
        if (read32(header) != type_load || read32(header + 20) == 0)
            continue;
        const ElfSegment segment = {read32(header + 8), read32(header + 4), read32(header + 16),
                                    read32(header + 20)};
        if (segment.file_offset > file_bytes || segment.file_bytes > file_bytes - segment.file_offset ||
            segment.file_bytes > segment.memory_bytes)
            return "has a segment that is not in the file";
        if (segment.address < low || segment.address >= high || segment.memory_bytes > high - segment.address)
            return "has a segment outside the addresses it may use";
        if (segment_count_ == max_segments)
            return "has too many segments";
        segments_[segment_count_++] = segment;
        low_ = segment.address < low_ ? segment.address : low_;
        const uint32_t file_end = segment.address + segment.file_bytes,
                       end = segment.address + segment.memory_bytes;
        file_high_ = file_end > file_high_ ? file_end : file_high_;
        high_ = end > high_ ? end : high_;
    }
    if (segment_count_ == 0)
        return "has nothing to load";
    entry_ = read32(file + 24);
    if (entry_ < low_ || entry_ >= high_)
        return "has its entry point outside its segments";
    file_ = file;
    return nullptr;
}

bool ElfImage::page_has_content(uint32_t page_address) const {
    for (unsigned i = 0; i < segment_count_; ++i) {
        const ElfSegment& s = segments_[i];
        if (s.file_bytes != 0 && s.address < page_address + l4::page_size &&
            page_address < s.address + s.file_bytes)
            return true;
    }
    return false;
}

void ElfImage::copy_page(uint32_t page_address, uint8_t* page) const {
    for (uint32_t i = 0; i < l4::page_size; ++i)
        page[i] = 0;
    for (unsigned i = 0; i < segment_count_; ++i) {
        const ElfSegment& s = segments_[i];
        const uint32_t end = s.address + s.file_bytes;
        const uint32_t from = s.address > page_address ? s.address : page_address;
        const uint32_t to = end < page_address + l4::page_size ? end : page_address + l4::page_size;
        for (uint32_t at = from; at < to; ++at)
            page[at - page_address] = file_[s.file_offset + (at - s.address)];
    }
}

const uint8_t* ElfImage::bytes_at(uint32_t address, uint32_t bytes) const {
    for (unsigned i = 0; i < segment_count_; ++i) {
        const ElfSegment& s = segments_[i];
        if (address >= s.address && address - s.address < s.file_bytes &&
            bytes <= s.file_bytes - (address - s.address))
            return file_ + s.file_offset + (address - s.address);
    }
    return nullptr;
}

} // namespace workloads
