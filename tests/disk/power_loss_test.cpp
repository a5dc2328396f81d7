#include "tests/disk/disk_fixtures.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fixpoint::models {
namespace {

using test::filled;
using test::InstantHost;
using test::on_media;

constexpr uint8_t old_value = 0x11, new_value = 0x22;
constexpr uint64_t first = 10, sectors = 8;

// Sectors 10-17 hold the old value; new ones are in the cache and being written; sector 12 is half under the
// head.
struct CutInTheMiddle {
    explicit CutInTheMiddle(PowerLoss mode, uint64_t seed = 1, Picoseconds cut = 1'250 * ps_per_us) {
        for (uint64_t lba = 0; lba < 100; ++lba)
            image.write(lba, filled(old_value));
        const auto disk = make_disk(test::small_drive(), image);
        InstantHost host{*disk};
        host.write(first, sectors, new_value);
        disk->begin_flush(0);
        disk->power_loss(mode, seed, cut);
        EXPECT_TRUE(disk->command_done());
        EXPECT_EQ(disk->unflushed_sectors(), 0u);
    }
    bool is_old(uint64_t lba) const { return on_media(image, lba) == filled(old_value); }
    bool is_new(uint64_t lba) const { return on_media(image, lba) == filled(new_value); }
    DiskImage image{15'000};
};

TEST(PowerLoss, WhatReachedTheMediaStaysInEveryMode) {
    for (const PowerLoss mode : all_power_loss_modes) {
        const CutInTheMiddle disk{mode};
        EXPECT_TRUE(disk.is_new(10) && disk.is_new(11)) << to_string(mode);
        EXPECT_TRUE(disk.is_old(first - 1) && disk.is_old(first + sectors)) << to_string(mode);
    }
}

TEST(PowerLoss, ALostCacheLeavesTheSectorInFlightOldNewOrUnreadable) {
    std::set<int> seen;
    for (uint64_t seed = 0; seed < 50; ++seed) {
        const CutInTheMiddle disk{PowerLoss::lose_cache, seed};
        for (uint64_t lba = 13; lba < first + sectors; ++lba)
            EXPECT_TRUE(disk.is_old(lba));
        if (disk.image.is_unreadable(12))
            seen.insert(2);
        else
            seen.insert(disk.is_new(12) ? 1 : 0);
        EXPECT_TRUE(disk.is_old(12) || disk.is_new(12));
    }
    EXPECT_EQ(seen, (std::set<int>{0, 1, 2}));
}

TEST(PowerLoss, BetweenSectorsNothingIsInFlight) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        const CutInTheMiddle disk{PowerLoss::lose_cache, seed, 500 * ps_per_us}; // still waiting for slot 10
        for (uint64_t lba = first; lba < first + sectors; ++lba)
            EXPECT_TRUE(disk.is_old(lba) && !disk.image.is_unreadable(lba));
    }
}

TEST(PowerLoss, ATornWriteIsNewUpToASectorThatIsMixed) {
    std::set<uint64_t> cuts;
    for (uint64_t seed = 0; seed < 50; ++seed) {
        const CutInTheMiddle disk{PowerLoss::torn, seed};
        uint64_t cut = 12;
        while (disk.is_new(cut))
            ++cut;
        cuts.insert(cut);
        ASSERT_LT(cut, first + sectors);
        const auto mixed = on_media(disk.image, cut);
        EXPECT_EQ(mixed.front(), new_value);
        EXPECT_EQ(mixed.back(), old_value);
        EXPECT_FALSE(disk.image.is_unreadable(cut));
        for (uint64_t lba = cut + 1; lba < first + sectors; ++lba)
            EXPECT_TRUE(disk.is_old(lba));
    }
    EXPECT_EQ(cuts.size(), 6u); // every place from the sector in flight on
}

TEST(PowerLoss, AnySubsetOfTheUnflushedSectorsMayHaveBeenReordered) {
    std::set<unsigned> subsets;
    for (uint64_t seed = 0; seed < 400; ++seed) {
        const CutInTheMiddle disk{PowerLoss::reordered, seed};
        unsigned subset = 0;
        for (uint64_t lba = 13; lba < first + sectors; ++lba)
            subset |= static_cast<unsigned>(disk.is_new(lba)) << (lba - 13);
        subsets.insert(subset);
    }
    EXPECT_EQ(subsets.size(), 32u);
}

TEST(PowerLoss, ADriveThatKeepsItsCacheLosesNothing) {
    const CutInTheMiddle disk{PowerLoss::keep};
    for (uint64_t lba = first; lba < first + sectors; ++lba)
        EXPECT_TRUE(disk.is_new(lba));
}

TEST(PowerLoss, ABadSectorIsTheOneInFlight) {
    const CutInTheMiddle disk{PowerLoss::bad_sector};
    EXPECT_EQ(disk.image.unreadable_sectors(), (std::set<uint64_t>{12}));
    for (uint64_t lba = 13; lba < first + sectors; ++lba)
        EXPECT_TRUE(disk.is_old(lba));
}

TEST(PowerLoss, ASeedAlwaysGivesTheSameMedia) {
    for (const PowerLoss mode : all_power_loss_modes) {
        const CutInTheMiddle a{mode, 77}, b{mode, 77};
        for (uint64_t lba = 0; lba < 100; ++lba)
            EXPECT_EQ(on_media(a.image, lba), on_media(b.image, lba));
        EXPECT_EQ(a.image.unreadable_sectors(), b.image.unreadable_sectors());
    }
}

TEST(PowerLoss, ADriveWithAnEmptyCacheIsUntouched) {
    for (const PowerLoss mode : all_power_loss_modes) {
        DiskImage image{100};
        const auto disk = make_disk(test::small_drive(), image);
        disk->power_loss(mode, 1, 5 * ps_per_ms);
        for (uint64_t lba = 0; lba < 100; ++lba)
            EXPECT_EQ(on_media(image, lba), filled(0));
        EXPECT_TRUE(image.unreadable_sectors().empty());
    }
}

TEST(PowerLoss, ModesHaveNames) {
    for (const PowerLoss mode : all_power_loss_modes)
        EXPECT_EQ(power_loss_from_string(to_string(mode)), mode);
    EXPECT_EQ(power_loss_from_string("lose"), std::nullopt);
}

} // namespace
} // namespace fixpoint::models
