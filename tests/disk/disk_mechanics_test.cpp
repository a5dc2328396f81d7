#include "models/disk/disk_mechanics.hpp"
#include "tests/disk/disk_fixtures.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr Picoseconds revolution = 10 * ps_per_ms, sector_time = 100 * ps_per_us;

class SmallDrive : public testing::Test {
protected:
    DiskParameters parameters = test::small_drive();
    DiskMechanics mechanics{parameters.mechanical};
    DiskPosition at(uint64_t lba) const { return mechanics.geometry().locate(lba); }
};

TEST_F(SmallDrive, HasTheSectorsOfItsZones) {
    EXPECT_EQ(mechanics.geometry().sector_count(), 50u * 2 * 100 + 50u * 2 * 50);
}

TEST_F(SmallDrive, NumbersSectorsHeadByHeadThenCylinderByCylinder) {
    EXPECT_EQ(at(99).head, 0u);
    EXPECT_EQ(at(100).head, 1u);
    EXPECT_EQ(at(100).sector, 0u);
    EXPECT_EQ(at(200).cylinder, 1u);
    EXPECT_EQ(at(10'000).cylinder, 50u); // the second zone
    EXPECT_EQ(at(10'000).sectors_per_track, 50u);
    EXPECT_EQ(at(14'999).cylinder, 99u);
}

TEST_F(SmallDrive, TurnsEachTrackByTheSkew) {
    EXPECT_EQ(at(0).slot, 0u);
    EXPECT_EQ(at(100).slot, 10u);       // track skew
    EXPECT_EQ(at(200).slot, 10u + 20u); // and cylinder skew
    EXPECT_EQ(at(400).slot, 2 * (10u + 20u));
    EXPECT_EQ(at(295).slot, (95u + 30u) % 100);
    EXPECT_EQ(at(10'000).slot, 0u); // a zone starts at the index mark
}

TEST_F(SmallDrive, SeeksAsTheCurveSays) {
    EXPECT_EQ(mechanics.seek(0), 0u);
    EXPECT_EQ(mechanics.seek(1), 1 * ps_per_ms);
    EXPECT_EQ(mechanics.seek(6), 2 * ps_per_ms); // halfway between 1 and 11
    EXPECT_EQ(mechanics.seek(11), 3 * ps_per_ms);
    EXPECT_EQ(mechanics.seek(99), 10 * ps_per_ms);
    EXPECT_EQ(mechanics.seek(500), 10 * ps_per_ms);
}

TEST_F(SmallDrive, SeeksThroughAFallingPieceOfAMeasuredCurve) {
    parameters.mechanical.seek = {{1, 2'000}, {3, 1'000}};
    EXPECT_EQ(DiskMechanics{parameters.mechanical}.seek(2), 1'500 * ps_per_us);
}

TEST_F(SmallDrive, WaitsForTheSectorToComeRound) {
    // Sector 30 starts at 3 ms of each revolution; at 45 ms the angle is 5 ms, so it comes at 53 ms.
    const auto access = mechanics.access(at(0), at(30), false, 45 * ps_per_ms);
    EXPECT_EQ(access.on_track, 45 * ps_per_ms);
    EXPECT_EQ(access.begin, 53 * ps_per_ms);
    EXPECT_EQ(access.done, 53 * ps_per_ms + sector_time);
}

TEST_F(SmallDrive, AddsSeekBeforeTheRotationalWait) {
    // LBA 200: cylinder 1, slot 30: seek 1 ms, then wait for angle 3 ms.
    const auto access = mechanics.access(at(0), at(200), false, 0);
    EXPECT_EQ(access.on_track, 1 * ps_per_ms);
    EXPECT_EQ(access.begin, 3 * ps_per_ms);
    // Started at 2.5 ms the arm is late and a revolution goes by.
    EXPECT_EQ(mechanics.access(at(0), at(200), false, 2'500 * ps_per_us).begin, 13 * ps_per_ms);
}

TEST_F(SmallDrive, SettlesLongerBeforeAWriteButOnlyAfterMoving) {
    EXPECT_EQ(mechanics.access(at(0), at(200), true, 0).on_track, 1'500 * ps_per_us);
    EXPECT_EQ(mechanics.access(at(0), at(5), true, 0).on_track, 0u);
}

TEST_F(SmallDrive, SwitchesHeadsInTheirOwnTime) {
    // LBA 100: head 1, slot 10: the switch takes just the 1 ms of the skew.
    const auto access = mechanics.access(at(99), at(100), false, revolution);
    EXPECT_EQ(access.on_track, revolution + 1 * ps_per_ms);
    EXPECT_EQ(access.begin, revolution + 1 * ps_per_ms);
}

TEST_F(SmallDrive, ConsecutiveSectorsFollowWithoutAGapWhateverTheRounding) {
    parameters.mechanical.rotation_rpm = 7'200; // 8,333,333,333 ps: nothing divides evenly
    parameters.mechanical.zones = {{0, 97, 0, 0}};
    const DiskMechanics odd{parameters.mechanical};
    Picoseconds time = 123'456'789;
    time = odd.access(odd.geometry().locate(0), odd.geometry().locate(0), false, time).begin;
    const Picoseconds first = time;
    for (uint64_t lba = 0; lba < 97; ++lba) {
        const auto access = odd.access(odd.geometry().locate(lba), odd.geometry().locate(lba), false, time);
        EXPECT_EQ(access.begin, time) << lba;
        time = access.done;
    }
    EXPECT_EQ(time - first, odd.revolution());
}

TEST_F(SmallDrive, NamesAnImpossibleParameter) {
    const auto message = [](const MechanicalDiskParameters& p) {
        try {
            DiskMechanics{p};
        } catch (const std::invalid_argument& error) {
            return std::string{error.what()};
        }
        return std::string{};
    };
    auto broken = parameters.mechanical;
    broken.rotation_rpm = 5;
    EXPECT_NE(message(broken).find("rotation_rpm"), std::string::npos);
    broken = parameters.mechanical;
    broken.zones[1].first_cylinder = 0;
    EXPECT_NE(message(broken).find("zones"), std::string::npos);
    broken = parameters.mechanical;
    broken.seek[1].cylinders = 1;
    EXPECT_NE(message(broken).find("seek"), std::string::npos);
}

} // namespace
} // namespace fixpoint::models
