// A 32-bit little-endian i386 executable in memory, checked once and then read page by page. The file comes
// from a boot loader, so every offset is checked before it is used. Portable: host tests feed it damaged
// files.
#pragma once

#include <cstdint>

namespace workloads {

struct ElfSegment {
    uint32_t address, file_offset, file_bytes, memory_bytes;
};

class ElfImage {
public:
    static constexpr unsigned max_segments = 8; // loadable ones

    // nullptr if `file` is an executable whose loadable segments lie in the file and in [low, high), else
    // what is wrong.
    const char* parse(const uint8_t* file, uint32_t file_bytes, uint32_t low, uint32_t high);

    uint32_t entry() const { return entry_; }
    unsigned segment_count() const { return segment_count_; }
    const ElfSegment& segment(unsigned i) const { return segments_[i]; }

    // Lowest address, first address behind the contents that the file holds, first address behind everything
    // (bss).
    uint32_t low() const { return low_; }
    uint32_t file_high() const { return file_high_; }
    uint32_t high() const { return high_; }

    // Whether the file holds content for the page; without, the page is all zero.
    bool page_has_content(uint32_t page_address) const;
    // The page as it is at the program's start: contents of all segments that touch it, zero elsewhere.
    void copy_page(uint32_t page_address, uint8_t* page) const;
    // `bytes` of the image at `address`, or nullptr if they are not in one segment of the file.
    const uint8_t* bytes_at(uint32_t address, uint32_t bytes) const;

private:
    const uint8_t* file_ = nullptr;
    uint32_t entry_ = 0, low_ = 0, file_high_ = 0, high_ = 0;
    ElfSegment segments_[max_segments] = {};
    unsigned segment_count_ = 0;
};

} // namespace workloads
