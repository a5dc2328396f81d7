// Page tables and the kernel's page pool on an array that stands for physical memory.
#include "kernel-model/memory/page_pool.hpp"
#include "kernel-model/memory/page_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace {

constexpr std::uint32_t memory_bytes = 64 * l4::page_size;

struct FakeMemory {
    static std::vector<std::uint32_t>& words() {
        static std::vector<std::uint32_t> memory(memory_bytes / 4);
        return memory;
    }
    static std::uint32_t* pointer(std::uint32_t physical) { return &words().at(physical / 4); }
};

using Pool = kernel::PagePool<FakeMemory>;

TEST(PagePool, SinglesAndPairsNeverOverlap) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937 random(seed);
        Pool pool(l4::page_size, memory_bytes);
        std::set<std::uint32_t> singles, pairs, used;
        for (unsigned step = 0; step < 500; ++step) {
            const bool pair = random() % 2 == 0;
            std::set<std::uint32_t>& blocks = pair ? pairs : singles;
            if (random() % 3 != 0) {
                const std::uint32_t block = pair ? pool.allocate_pair() : pool.allocate_page();
                if (block == 0)
                    continue;
                blocks.insert(block);
                ASSERT_TRUE(used.insert(block).second);
                if (pair) {
                    ASSERT_TRUE(used.insert(block + l4::page_size).second);
                }
            } else if (!blocks.empty()) {
                const std::uint32_t block = *blocks.begin();
                blocks.erase(block);
                used.erase(block);
                if (pair) {
                    used.erase(block + l4::page_size);
                    pool.release_pair(block);
                } else {
                    pool.release_page(block);
                }
            }
        }
    }
}

TEST(PagePool, AnExhaustedPoolSaysSo) {
    Pool pool(l4::page_size, 3 * l4::page_size);
    EXPECT_NE(pool.allocate_page(), 0u);
    EXPECT_EQ(pool.allocate_pair(), 0u);
    EXPECT_NE(pool.allocate_page(), 0u);
    EXPECT_EQ(pool.allocate_page(), 0u);
}

class PageTablesTest : public testing::Test {
protected:
    void SetUp() override { std::fill(FakeMemory::words().begin(), FakeMemory::words().end(), 0); }

    static constexpr std::uint32_t directory = l4::page_size; // and its shadow
    Pool pool_{3 * l4::page_size, 9 * l4::page_size};
    kernel::PageTables<FakeMemory> tables_{directory};
};

TEST_F(PageTablesTest, WithoutATableThereIsNoEntry) {
    EXPECT_EQ(tables_.find(0x12345000).pte, nullptr);
}

TEST_F(PageTablesTest, EntryAndShadowLieInThePairOfTheirTable) {
    const kernel::PageEntry entry = tables_.find_or_create(0x00801000, pool_);
    ASSERT_NE(entry.pte, nullptr);
    EXPECT_EQ(entry.node - entry.pte, 1024);
    *entry.pte = 0xABCDE007;
    EXPECT_EQ(*tables_.find(0x00801FFF).pte, 0xABCDE007u);
    EXPECT_EQ(FakeMemory::pointer(directory)[2] & 7u, 7u);
    EXPECT_EQ(FakeMemory::pointer(directory)[1], 0u);
}

TEST_F(PageTablesTest, ANewTableIsEmptyEvenInUsedMemory) {
    std::fill(FakeMemory::words().begin() + 3 * 1024, FakeMemory::words().end(), 0xFFFFFFFF);
    const kernel::PageEntry entry = tables_.find_or_create(0, pool_);
    for (unsigned index = 0; index < 1024; ++index) {
        ASSERT_EQ(entry.pte[index], 0u);
        ASSERT_EQ(entry.node[index], 0u);
    }
}

TEST_F(PageTablesTest, NoMemoryGivesNoEntry) {
    for (std::uint32_t address = 0; address < 3 * l4::superpage_size; address += l4::superpage_size)
        EXPECT_NE(tables_.find_or_create(address, pool_).pte, nullptr);
    EXPECT_EQ(tables_.find_or_create(3 * l4::superpage_size, pool_).pte, nullptr);
}

TEST_F(PageTablesTest, ATableIsReleasedWithItsLastEntry) {
    for (std::uint32_t address = 0; address < 3 * l4::superpage_size; address += l4::superpage_size)
        tables_.find_or_create(address, pool_);
    tables_.entry_filled(l4::superpage_size);
    tables_.entry_filled(l4::superpage_size + l4::page_size);
    tables_.entry_cleared(l4::superpage_size, pool_);
    EXPECT_NE(tables_.find(l4::superpage_size).pte, nullptr);
    tables_.entry_cleared(l4::superpage_size + l4::page_size, pool_);
    EXPECT_EQ(tables_.find(l4::superpage_size).pte, nullptr);
    EXPECT_NE(tables_.find_or_create(3 * l4::superpage_size, pool_).pte, nullptr);
}

TEST_F(PageTablesTest, ASuperpageIsAnEntryOfTheDirectory) {
    const kernel::PageEntry entry = tables_.superpage_entry(0x00C00000);
    *entry.pte = 0x12C00000 | kernel::pte::present | kernel::pte::superpage;
    *entry.node = 77;
    EXPECT_EQ(FakeMemory::pointer(directory)[3], *entry.pte);
    const kernel::PageEntry found = tables_.find(0x00D23456);
    EXPECT_TRUE(found.superpage && found.present());
    EXPECT_EQ(*found.node, 77u);
    EXPECT_EQ(found.frame_of(0x00D23456), 0x12D23000u);
}

TEST_F(PageTablesTest, ASplitSuperpageTranslatesAsBefore) {
    namespace pte = kernel::pte;
    const std::uint32_t flags = pte::present | pte::user | pte::cache_disable | pte::dirty;
    *tables_.superpage_entry(0x00C00000).pte = 0x12C00000 | flags | pte::superpage;
    ASSERT_TRUE(tables_.split_superpage(0x00C00000, pool_));
    for (std::uint32_t offset = 0; offset < l4::superpage_size; offset += l4::page_size) {
        const kernel::PageEntry entry = tables_.find(0x00C00000 + offset);
        ASSERT_FALSE(entry.superpage);
        ASSERT_EQ(*entry.pte, (0x12C00000 + offset) | flags);
        ASSERT_EQ(*entry.node, 0u);
    }
    for (std::uint32_t offset = 0; offset < l4::superpage_size; offset += l4::page_size)
        tables_.entry_cleared(0x00C00000 + offset, pool_);
    EXPECT_EQ(tables_.find(0x00C00000).pte, nullptr);
}

TEST_F(PageTablesTest, WithoutMemoryASuperpageIsNotSplit) {
    while (pool_.allocate_pair() != 0) {
    }
    *tables_.superpage_entry(0).pte = kernel::pte::present | kernel::pte::superpage;
    EXPECT_FALSE(tables_.split_superpage(0, pool_));
    EXPECT_TRUE(tables_.find(0).superpage);
}

} // namespace
