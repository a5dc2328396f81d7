#include "workloads/writer/page_writer.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using workloads::PageWriter;
using workloads::Random;

constexpr uint32_t pages = 20;

struct Memory {
    std::vector<uint64_t> content = std::vector<uint64_t>(size_t{pages} * PageWriter::slots_per_page);
    std::vector<uint32_t> counters = std::vector<uint32_t>(pages);
    PageWriter writer{pages, 9, content.data(), counters.data()};

    void write(unsigned count, uint64_t seed = 1) {
        Random random(seed);
        for (unsigned i = 0; i < count; ++i)
            ASSERT_TRUE(writer.write(random.below(pages)));
    }
};

TEST(PageWriter, HoldsWhenNothingWasWritten) {
    const Memory memory;
    EXPECT_EQ(memory.writer.first_wrong_page(), pages);
    EXPECT_EQ(memory.writer.writes(), 0u);
}

TEST(PageWriter, HoldsAfterAnyNumberOfWrites) {
    Memory memory;
    for (unsigned round = 0; round < 30; ++round) {
        memory.write(1000, round);
        ASSERT_EQ(memory.writer.first_wrong_page(), pages);
    }
    EXPECT_EQ(memory.writer.writes(), 30'000u); // pages have gone round their slots more than once
}

TEST(PageWriter, FindsAPageOlderThanItsCounter) {
    Memory memory;
    memory.write(5000);
    const std::vector<uint64_t> before = memory.content;
    memory.write(400, 2); // every page has some of them
    for (uint32_t page = 0; page < pages; ++page) {
        const std::vector<uint64_t> now = memory.content;
        const auto first = page * PageWriter::slots_per_page;
        std::copy_n(before.begin() + first, PageWriter::slots_per_page, memory.content.begin() + first);
        EXPECT_EQ(memory.writer.first_wrong_page(), page);
        EXPECT_FALSE(memory.writer.write(page));
        memory.content = now;
    }
}

TEST(PageWriter, FindsAnySingleBitThatChanged) {
    Memory memory;
    memory.write(9000);
    Random random(4);
    for (int i = 0; i < 200; ++i) {
        const auto at = random.below(static_cast<uint32_t>(memory.content.size()));
        const uint64_t bit = uint64_t{1} << random.below(64);
        memory.content[at] ^= bit;
        EXPECT_EQ(memory.writer.first_wrong_page(), at / PageWriter::slots_per_page);
        memory.content[at] ^= bit;
    }
    EXPECT_EQ(memory.writer.first_wrong_page(), pages);
}

TEST(PageWriter, SameWritesGiveTheSameChecksum) {
    Memory a, b, c;
    a.write(700);
    b.write(700);
    c.write(701);
    EXPECT_EQ(a.writer.checksum(), b.writer.checksum());
    EXPECT_NE(a.writer.checksum(), c.writer.checksum());
}

} // namespace
