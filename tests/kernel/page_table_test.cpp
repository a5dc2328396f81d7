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

    static constexpr std::uint32_t directory = l4::page_size;
    Pool pool_{2 * l4::page_size, 8 * l4::page_size};
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
    EXPECT_TRUE(tables_.has_table(2));
    EXPECT_FALSE(tables_.has_table(1));
}

TEST_F(PageTablesTest, ANewTableIsEmptyEvenInUsedMemory) {
    std::fill(FakeMemory::words().begin() + 2048, FakeMemory::words().end(), 0xFFFFFFFF);
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
    tables_.release_table(1, pool_);
    EXPECT_EQ(tables_.find(l4::superpage_size).pte, nullptr);
    EXPECT_NE(tables_.find_or_create(3 * l4::superpage_size, pool_).pte, nullptr);
}

} // namespace
