#include "tests/disk/disk_fixtures.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

class IdealDrive : public testing::Test {
protected:
    IdealDrive() {
        DiskParameters parameters = test::small_drive();
        parameters.kind = DiskKind::ideal;
        parameters.command_overhead_us = 1;
        parameters.ideal = {.read_latency_ns = 10'000,
                            .write_latency_ns = 20'000,
                            .flush_latency_ns = 30'000,
                            .sector_ns = 500};
        disk = make_disk(parameters, image);
    }
    DiskImage image{1'000};
    std::unique_ptr<Disk> disk;
};

TEST_F(IdealDrive, TakesItsLatencyAndThenTheTimeOfEachSector) {
    test::InstantHost user{*disk};
    EXPECT_EQ(user.read(0, 4), (1'000 + 10'000 + 4 * 500) * ps_per_ns);
    const Picoseconds start = user.now;
    EXPECT_EQ(user.write(0, 4, 1) - start, (1'000 + 20'000 + 4 * 500) * ps_per_ns);
    const Picoseconds flush_start = user.now;
    EXPECT_EQ(user.flush() - flush_start, (1'000 + 30'000) * ps_per_ns);
}

TEST_F(IdealDrive, HasOnTheMediaWhatItAccepted) {
    test::InstantHost user{*disk};
    user.write(7, 1, 0x55);
    EXPECT_EQ(test::on_media(image, 7), test::filled(0x55));
    disk->power_loss(PowerLoss::lose_cache, 1, user.now);
    EXPECT_EQ(test::on_media(image, 7), test::filled(0x55));
}

} // namespace
} // namespace fixpoint::models
