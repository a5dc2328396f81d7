#include "models/disk/disk_mechanics.hpp"
#include "models/disk/seeded_random.hpp"
#include "tests/disk/disk_fixtures.hpp"

#include <gtest/gtest.h>

#include <map>

namespace fixpoint::models {
namespace {

using test::filled;
using test::InstantHost;
using test::on_media;
using test::SectorBytes;

constexpr Picoseconds sector_time = 100 * ps_per_us, revolution = 10 * ps_per_ms;

struct Drive {
    explicit Drive(const DiskParameters& parameters = test::small_drive())
        : disk{make_disk(parameters, image)}, host{*disk} {}
    DiskImage image{15'000};
    std::unique_ptr<Disk> disk;
    InstantHost host;
};

DiskParameters with_read_ahead(uint32_t sectors) {
    DiskParameters parameters = test::small_drive();
    parameters.mechanical.read_ahead_sectors = sectors;
    return parameters;
}

TEST(MechanicalDisk, AReadTakesSeekRotationAndTransfer) {
    Drive drive;
    // LBA 2,200: cylinder 11 (seek 3 ms), slot 11 * 30 % 100 = 30: comes at 3 ms; 8 sectors of 100 us.
    EXPECT_EQ(drive.host.read(2'200, 8), 3 * ps_per_ms + 8 * sector_time);
    // The next read of the same cylinder starts where the arm is: slot 50 comes at 5 ms.
    EXPECT_EQ(drive.host.read(2'220, 1), 5 * ps_per_ms + sector_time);
}

TEST(MechanicalDisk, TheCommandOverheadComesFirst) {
    DiskParameters parameters = test::small_drive();
    parameters.command_overhead_us = 300;
    Drive drive{parameters};
    EXPECT_EQ(drive.host.read(2, 1), revolution + 2 * sector_time + sector_time); // slot 2 has just gone by
}

TEST(MechanicalDisk, ATransferOverATrackBoundaryWaitsForHeadSwitchAndSkew) {
    Drive drive;
    // 90-99 from 9 ms to 10 ms, switch within the 1 ms of skew, then ten sectors of the next track.
    EXPECT_EQ(drive.host.read(90, 20), 10 * ps_per_ms + 1 * ps_per_ms + 10 * sector_time);
}

TEST(MechanicalDisk, ABufferedSectorNeedsNoMedia) {
    Drive drive;
    const Picoseconds first = drive.host.read(10, 4);
    EXPECT_EQ(drive.host.read(10, 4), first);
    EXPECT_EQ(drive.disk->counters().media_sectors_read, 4u);
    EXPECT_EQ(drive.disk->counters().sectors_read, 8u);
}

TEST(MechanicalDisk, ReadAheadServesASequentialStreamAtMediaSpeed) {
    Drive drive{with_read_ahead(16)};
    drive.host.read(0, 8);
    drive.host.wait_until(drive.host.now + 400 * ps_per_us); // four sectors pass meanwhile
    EXPECT_EQ(drive.host.read(8, 8), 16 * sector_time);
    EXPECT_EQ(drive.host.read(16, 8), 24 * sector_time);
}

TEST(MechanicalDisk, WithoutReadAheadASequentialReaderLosesARevolution) {
    Drive drive;
    drive.host.read(0, 8);
    drive.host.wait_until(drive.host.now + 1);
    EXPECT_EQ(drive.host.read(8, 8), revolution + 16 * sector_time);
}

TEST(MechanicalDisk, ReadAheadStopsAtItsLimitAndGoesOnWithTheStream) {
    Drive drive{with_read_ahead(16)};
    drive.host.read(0, 8);
    drive.host.wait_until(8 * ps_per_ms);
    EXPECT_EQ(drive.disk->counters().media_sectors_read, 24u);
    EXPECT_EQ(drive.host.read(8, 8), 8 * ps_per_ms); // all buffered
    drive.host.wait_until(30 * ps_per_ms);
    EXPECT_EQ(drive.disk->counters().media_sectors_read, 32u);
}

TEST(MechanicalDisk, AReadElsewhereEndsReadAheadAfterTheSectorUnderTheHead) {
    Drive drive{with_read_ahead(60)};
    drive.host.read(0, 1);
    drive.host.wait_until(450 * ps_per_us);
    // Sector 4 passes until 500 us; then the seek of 1 ms, slot 30 at 3 ms.
    EXPECT_EQ(drive.host.read(200, 1), 3 * ps_per_ms + sector_time);
    EXPECT_EQ(drive.disk->counters().media_sectors_read, 5u + 1u);
}

TEST(MechanicalDisk, ACachedWriteIsDoneAtOnceAndNotYetOnTheMedia) {
    Drive drive;
    EXPECT_EQ(drive.host.write(50, 4, 0xAB), 0u);
    EXPECT_EQ(drive.disk->unflushed_sectors(), 4u);
    EXPECT_EQ(on_media(drive.image, 50), filled(0));
}

TEST(MechanicalDisk, TheCacheIsDestagedInTheBackgroundSectorBySector) {
    Drive drive;
    drive.host.write(50, 2, 0xAB);
    // The delay of 2 ms is over long before slot 50 comes at 5 ms.
    drive.host.wait_until(5 * ps_per_ms + sector_time - 1);
    EXPECT_EQ(on_media(drive.image, 50), filled(0));
    drive.host.wait_until(5 * ps_per_ms + sector_time);
    EXPECT_EQ(on_media(drive.image, 50), filled(0xAB));
    EXPECT_EQ(on_media(drive.image, 51), filled(0));
    drive.host.wait_until(5 * ps_per_ms + 2 * sector_time);
    EXPECT_EQ(on_media(drive.image, 51), filled(0xAB));
    EXPECT_EQ(drive.disk->unflushed_sectors(), 0u);
}

TEST(MechanicalDisk, AFlushWaitsForTheMediaAndSkipsTheDelay) {
    Drive drive;
    drive.host.write(10, 3, 1);
    EXPECT_EQ(drive.host.flush(), 13 * sector_time);
    EXPECT_EQ(on_media(drive.image, 12), filled(1));
    EXPECT_EQ(drive.disk->counters().flushes, 1u);
}

TEST(MechanicalDisk, AFlushOfAnEmptyCacheIsDoneAtOnce) {
    Drive drive;
    EXPECT_EQ(drive.host.flush(), 0u);
}

TEST(MechanicalDisk, AReadSeesTheCachedWrite) {
    Drive drive;
    drive.host.write(50, 1, 0x77);
    SectorBytes data{};
    EXPECT_EQ(drive.host.read(50, 1, &data), 0u);
    EXPECT_EQ(data, filled(0x77));
}

TEST(MechanicalDisk, ARewriteOfACachedSectorTakesNoMoreRoom) {
    Drive drive;
    drive.host.write(50, 1, 1);
    drive.host.write(50, 1, 2);
    EXPECT_EQ(drive.disk->unflushed_sectors(), 1u);
    drive.host.flush();
    EXPECT_EQ(on_media(drive.image, 50), filled(2));
}

TEST(MechanicalDisk, AFullCacheAcceptsAtTheSpeedOfTheMedia) {
    Drive drive;
    // 32 sectors fit; 8 more need the first 8 to be on the media: slots 0-7 pass from 0 on.
    EXPECT_EQ(drive.host.write(0, 40, 9), 8 * sector_time);
    EXPECT_LE(drive.disk->unflushed_sectors(), 32u);
}

TEST(MechanicalDisk, WithoutWriteCacheAWriteIsDoneWhenTheMediaHasIt) {
    Drive drive;
    drive.disk->enable_write_cache(false, 0);
    EXPECT_EQ(drive.host.write(10, 3, 1), 13 * sector_time);
    EXPECT_EQ(on_media(drive.image, 12), filled(1));
}

TEST(MechanicalDisk, ReadsGoBeforeTheDestaging) {
    Drive drive;
    drive.host.write(2'000, 8, 1); // cylinder 10: 2.8 ms away
    drive.host.wait_until(2'500 * ps_per_us);
    // The arm is on its way since 2 ms and settles at 2 + 2.8 + 0.5 ms; back again takes 2.8 ms.
    const Picoseconds back = (2'000 + 2 * 2'800 + 500) * ps_per_us;
    EXPECT_EQ(drive.host.read(90, 1), 9 * ps_per_ms + sector_time);
    EXPECT_LT(back, 9 * ps_per_ms);
    EXPECT_EQ(drive.disk->unflushed_sectors(), 8u);
    drive.host.flush();
    EXPECT_EQ(on_media(drive.image, 2'007), filled(1));
}

TEST(MechanicalDisk, AnUnreadableSectorEndsTheReadUntilItIsRewritten) {
    Drive drive;
    drive.image.mark_unreadable(6);
    drive.host.read(5, 3);
    EXPECT_TRUE(drive.host.read_error);
    EXPECT_TRUE(drive.disk->command_done());
    drive.host.write(6, 1, 3);
    drive.host.flush();
    drive.host.read_error = false;
    drive.host.read(5, 3);
    EXPECT_FALSE(drive.host.read_error);
}

TEST(MechanicalDisk, ASectorThatCannotBeWrittenIsNotedAndGivenUp) {
    Drive drive;
    drive.image.mark_unwritable(6);
    drive.image.mark_unwritable(7);
    drive.host.write(5, 4, 1);
    EXPECT_EQ(drive.disk->take_write_error(), std::nullopt);
    drive.host.flush();
    EXPECT_EQ(drive.disk->unflushed_sectors(), 0u);
    EXPECT_EQ(on_media(drive.image, 8), filled(1));
    EXPECT_EQ(drive.disk->take_write_error(), 6u);
    EXPECT_EQ(drive.disk->take_write_error(), std::nullopt);
}

TEST(MechanicalDisk, AnAbortedCommandKeepsTheCache) {
    Drive drive;
    drive.disk->begin_write(50, 4, 0);
    drive.disk->put_sector(filled(1), 0);
    drive.disk->abort_command(0);
    EXPECT_TRUE(drive.disk->command_done());
    EXPECT_EQ(drive.disk->unflushed_sectors(), 1u);
    drive.host.flush();
    EXPECT_EQ(on_media(drive.image, 50), filled(1));
}

TEST(MechanicalDisk, RefusesAnImageLargerThanTheDrive) {
    DiskImage image{15'001};
    EXPECT_THROW(make_disk(test::small_drive(), image), std::invalid_argument);
}

// Reads return what was written, the media has all of it after a flush, and looking often changes nothing.
TEST(MechanicalDisk, RandomCommandsAgreeWithAPlainArrayHoweverOftenTimeIsAdvanced) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        std::vector<Picoseconds> completions[2];
        for (const bool impatient : {false, true}) {
            DiskParameters parameters = with_read_ahead(24);
            parameters.command_overhead_us = 200;
            Drive drive{parameters};
            SeededRandom random{seed};
            std::map<uint64_t, uint8_t> expected;
            for (int command = 0; command < 200; ++command) {
                const uint64_t sectors = 1 + random.below(12);
                const uint64_t lba = random.below(2) != 0 ? random.below(400) : random.below(15'000 - 12);
                const uint64_t think = random.below(2) != 0 ? 0 : random.below(5 * ps_per_ms);
                switch (random.below(8)) {
                case 0:
                    drive.host.flush();
                    break;
                case 1:
                case 2:
                case 3: {
                    const auto value = static_cast<uint8_t>(random.below(256));
                    drive.host.write(lba, sectors, value);
                    for (uint64_t i = 0; i < sectors; ++i)
                        expected[lba + i] = value;
                    break;
                }
                default: {
                    SectorBytes last{};
                    drive.host.read(lba, sectors, &last);
                    const auto value = expected.find(lba + sectors - 1);
                    EXPECT_EQ(last, filled(value == expected.end() ? 0 : value->second));
                }
                }
                completions[impatient].push_back(drive.host.now);
                const Picoseconds end = drive.host.now + think;
                while (impatient && drive.host.now + 70 * ps_per_us < end)
                    drive.host.wait_until(drive.host.now + 70 * ps_per_us);
                drive.host.wait_until(end);
            }
            drive.host.flush();
            for (const auto& [lba, value] : expected)
                EXPECT_EQ(on_media(drive.image, lba), filled(value));
        }
        EXPECT_EQ(completions[0], completions[1]);
    }
}

} // namespace
} // namespace fixpoint::models
