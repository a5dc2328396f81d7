#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "pager/checkpoint/page_index.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/recording_disk.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t disk_sectors = 3664;

TEST(PageIndex, FindsWhatIsThereWhateverCameAndWent) {
    MediaDisk disk{std::vector<Sector>(disk_sectors)};
    OpenedStore on_disk{disk, store::StoreKind::ab};
    store::Store& slots = on_disk.opened;
    ASSERT_TRUE(slots.format());
    // As full as it gets, and so few pages that most collide and some run round the table's end.
    const uint32_t pages = 32;
    ASSERT_EQ(pager::PageIndex::places_for(pages), 2 * pages);
    std::vector<uint32_t> storage(pager::PageIndex::words_for(pages), 7); // anything
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        std::mt19937_64 random{seed};
        pager::PageIndex index;
        index.initialise(storage.data(), pages, slots);
        std::map<store::PageKey, uint32_t> expected;
        for (unsigned step = 0; step < 2000; ++step) {
            const store::PageKey key =
                store::page_key(16, 0x400000u + static_cast<uint32_t>(random() % 100) * store::block_bytes);
            if (const auto page = expected.find(key); page != expected.end()) {
                index.erase(key);
                slots.free(page->second);
                expected.erase(page);
            } else if (expected.size() < pages) {
                expected[key] = slots.allocate(key);
                index.insert(key, expected[key]);
            }
            for (uint32_t number = 0; number < 100; ++number) {
                const store::PageKey looked_for =
                    store::page_key(16, 0x400000u + number * store::block_bytes);
                const auto page = expected.find(looked_for);
                ASSERT_EQ(index.find(looked_for), page == expected.end() ? store::no_slot : page->second)
                    << "seed " << seed << " step " << step;
            }
        }
        for (const auto& [key, slot] : expected)
            slots.free(slot);
    }
    EXPECT_EQ(slots.free_slots(), slots.slots());
}

} // namespace
} // namespace fixpoint::test
