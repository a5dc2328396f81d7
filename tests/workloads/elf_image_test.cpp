#include "workloads/root/elf_image.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace {

using workloads::ElfImage;

constexpr uint32_t low = 0x00400000, high = 0x10000000, page = 4096;

struct Segment {
    uint32_t address, offset, file_bytes, memory_bytes, type = 1;
};

class ElfFile {
public:
    explicit ElfFile(const std::vector<Segment>& segments, uint32_t entry = low, uint32_t bytes = 3 * page)
        : bytes_(bytes) {
        for (uint32_t i = 0; i < bytes; ++i)
            bytes_[i] = static_cast<uint8_t>(i * 7 + i / 256);
        std::memset(bytes_.data(), 0, 52 + 32 * segments.size());
        const uint8_t ident[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
        std::memcpy(bytes_.data(), ident, sizeof ident);
        put16(16, 2);
        put16(18, 3);
        put32(24, entry);
        put32(28, 52);
        put16(42, 32);
        put16(44, static_cast<uint16_t>(segments.size()));
        uint32_t at = 52;
        for (const Segment& s : segments) {
            put32(at, s.type);
            put32(at + 4, s.offset);
            put32(at + 8, s.address);
            put32(at + 12, s.address);
            put32(at + 16, s.file_bytes);
            put32(at + 20, s.memory_bytes);
            at += 32;
        }
    }
    void put16(uint32_t at, uint16_t value) { std::memcpy(&bytes_[at], &value, 2); }
    void put32(uint32_t at, uint32_t value) { std::memcpy(&bytes_[at], &value, 4); }
    uint8_t operator[](uint32_t at) const { return bytes_[at]; }
    std::vector<uint8_t>& bytes() { return bytes_; }
    const char* parse(ElfImage& image) const {
        return image.parse(bytes_.data(), static_cast<uint32_t>(bytes_.size()), low, high);
    }

private:
    std::vector<uint8_t> bytes_;
};

TEST(ElfImage, FillsPagesFromAllSegmentsThatTouchThem) {
    // Text ends and data begins in the same page; bss follows.
    const ElfFile file({{low, 200, 5000, 5000}, {low + 5500, 6000, 1000, 9000}});
    ElfImage image;
    ASSERT_EQ(file.parse(image), nullptr);
    EXPECT_EQ(image.low(), low);
    EXPECT_EQ(image.file_high(), low + 6500);
    EXPECT_EQ(image.high(), low + 14500);
    std::vector<uint8_t> content(page);
    image.copy_page(low + page, content.data());
    for (uint32_t i = 0; i < page; ++i) {
        const uint32_t at = page + i;
        uint8_t expected = 0;
        if (at < 5000)
            expected = file[200 + at];
        else if (at >= 5500 && at < 6500)
            expected = file[6000 + at - 5500];
        ASSERT_EQ(content[i], expected) << at;
    }
    EXPECT_TRUE(image.page_has_content(low + page));
    EXPECT_FALSE(image.page_has_content(low + 2 * page));
}

TEST(ElfImage, GivesBytesOnlyFromWithinASegment) {
    const ElfFile file({{low, 200, 5000, 6000}});
    ElfImage image;
    ASSERT_EQ(file.parse(image), nullptr);
    ASSERT_NE(image.bytes_at(low + 10, 28), nullptr);
    EXPECT_EQ(*image.bytes_at(low + 10, 28), file[210]);
    EXPECT_NE(image.bytes_at(low + 4990, 10), nullptr);
    EXPECT_EQ(image.bytes_at(low + 4990, 11), nullptr);
    EXPECT_EQ(image.bytes_at(low - 1, 2), nullptr);
    EXPECT_EQ(image.bytes_at(low, 0xFFFFFFFFu), nullptr);
}

TEST(ElfImage, RefusesWhatIsNoExecutableForThisMachine) {
    ElfImage image;
    ElfFile text({{low, 200, 100, 100}});
    std::memcpy(text.bytes().data(), "#!/bin/sh", 9);
    EXPECT_STREQ(text.parse(image), "is no ELF file");
    ElfFile wide({{low, 200, 100, 100}});
    wide.bytes()[4] = 2;
    EXPECT_STREQ(wide.parse(image), "is no 32-bit i386 ELF file");
    ElfFile shared({{low, 200, 100, 100}});
    shared.put16(16, 3);
    EXPECT_STREQ(shared.parse(image), "is no executable ELF file");
    EXPECT_STREQ(ElfFile({}).parse(image), "has nothing to load");
}

TEST(ElfImage, RefusesSegmentsOutsideTheFileOrTheirAddresses) {
    ElfImage image;
    const char* not_in_file = "has a segment that is not in the file";
    const char* bad_address = "has a segment outside the addresses it may use";
    EXPECT_STREQ(ElfFile({{low, 200, 0xFFFFFF00u, 0xFFFFFF00u}}).parse(image), not_in_file);
    EXPECT_STREQ(ElfFile({{low, 0xFFFFFFF0u, 100, 100}}).parse(image), not_in_file);
    EXPECT_STREQ(ElfFile({{low, 200, 100, 50}}).parse(image), not_in_file);
    EXPECT_STREQ(ElfFile({{low - page, 200, 100, 100}}).parse(image), bad_address);
    EXPECT_STREQ(ElfFile({{low, 200, 100, 0xFFFFFFFFu}}).parse(image), bad_address);
    EXPECT_STREQ(ElfFile({{high, 200, 100, 100}}).parse(image), bad_address);
    EXPECT_STREQ(ElfFile({{low, 200, 100, 100}}, low + 100).parse(image),
                 "has its entry point outside its segments");
}

TEST(ElfImage, NeverReadsOutsideADamagedFile) {
    std::mt19937 random(17); // under the address sanitizer an overrun ends the test
    std::vector<uint8_t> content(page);
    unsigned accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        ElfFile file({{low, 200, 5000, 5000}, {low + 5500, 6000, 1000, 9000}});
        for (int i = 0; i < 3; ++i)
            file.bytes()[random() % 116] = static_cast<uint8_t>(random());
        if (random() % 4 == 0)
            file.bytes().resize(random() % file.bytes().size());
        ElfImage image;
        if (file.parse(image))
            continue;
        ++accepted;
        image.copy_page(low, content.data());
        image.copy_page(low + page, content.data());
        image.bytes_at(low, 28);
    }
    EXPECT_GT(accepted, 100u);
}

} // namespace
