#include "kernel-model/abi/system_layout.hpp"
#include "sim/observe/recovery_times.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

constexpr models::Picoseconds ms = models::ps_per_ms;
constexpr l4::ThreadId worker = l4::ThreadId::make(17, 0, 1, 4);

Sample at(models::Picoseconds now) {
    return {now, now / 2'000, 0, 0};
} // 500 MHz

// Work at `units` a millisecond.
void work(RecoveryTimes& times, models::Picoseconds from, models::Picoseconds to, uint32_t units) {
    for (models::Picoseconds now = from; now < to; now += ms)
        times.work(at(now), units);
}

TEST(RecoveryTimes, RestartEndsWhereAPersistentThreadRunsOnAfterItsFaults) {
    RecoveryTimes times;
    times.power_cycle(at(500 * ms));
    times.kernel_entry(at(501 * ms));
    times.thread_switch(at(510 * ms), worker); // before recovery nothing counts
    times.disk_found(at(515 * ms));
    times.recovered(at(520 * ms), 3);
    times.thread_switch(at(530 * ms), worker);
    times.fault_begin(at(530 * ms), worker); // its code is not there yet
    times.thread_switch(at(531 * ms), l4::pager_thread);
    times.thread_switch(at(540 * ms), worker);
    times.fault_end(at(540 * ms), worker);
    times.fault_begin(at(541 * ms), worker); // a millisecond later: it has run
    const RecoveryTiming timing = times.timing();
    EXPECT_EQ(timing.kernel_entry, 501 * ms);
    EXPECT_EQ(timing.disk_found, 515 * ms);
    EXPECT_EQ(timing.threads_ready, 520 * ms);
    EXPECT_EQ(timing.first_user_instruction, 540 * ms);
}

TEST(RecoveryTimes, FullSpeedIsTheFirstWindowNearTheUndisturbedRate) {
    RecoveryTimes times;
    work(times, 200 * ms, 1'000 * ms, 10); // the boot before it does not count
    times.power_cycle(at(1'000 * ms));
    times.kernel_entry(at(1'000 * ms));
    times.recovered(at(1'050 * ms), 1);
    work(times, 1'100 * ms, 1'300 * ms, 5);
    work(times, 1'300 * ms, 1'600 * ms, 10);
    const RecoveryTiming timing = times.timing();
    ASSERT_TRUE(timing.full_speed);
    EXPECT_EQ(*timing.full_speed, 1'290 * ms); // nine tenths at full speed and one at half make 95 %
}

TEST(RecoveryTimes, NoFullSpeedWithoutEnoughWork) {
    RecoveryTimes times;
    work(times, 0, 500 * ms, 10);
    times.power_cycle(at(500 * ms));
    times.recovered(at(550 * ms), 1);
    work(times, 600 * ms, 900 * ms, 9);
    EXPECT_FALSE(times.timing().full_speed);
}

} // namespace
} // namespace fixpoint::sim
