// The wakeup queue against an ordered set, and the arithmetic of timeouts.
#include "kernel-model/abi/types.hpp"
#include "kernel-model/thread/wakeup_queue.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>
#include <vector>

namespace {

struct Entry {
    std::uint64_t wakeup_us = 0;
    std::uint16_t heap_position = kernel::not_in_heap;
};

constexpr unsigned thread_count = 200;

TEST(WakeupQueue, RandomOperationsAgreeWithTheModel) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937 random(seed);
        std::vector<Entry> entries(thread_count);
        std::vector<std::uint16_t> slots(thread_count);
        kernel::WakeupQueue<Entry*, std::uint16_t*> queue(entries.data(), slots.data());
        std::set<std::pair<std::uint64_t, std::uint16_t>> model;
        for (unsigned step = 0; step < 4000; ++step) {
            const auto thread = static_cast<std::uint16_t>(random() % thread_count);
            if (queue.contains(thread)) {
                model.erase({entries[thread].wakeup_us, thread});
                queue.remove(thread);
            } else {
                const std::uint64_t at_us = random() % 100; // many equal times
                model.insert({at_us, thread});
                queue.insert(thread, at_us);
            }
            ASSERT_EQ(queue.empty(), model.empty());
            if (!model.empty()) {
                ASSERT_EQ(queue.first(), model.begin()->second);
                ASSERT_EQ(queue.first_us(), model.begin()->first);
            }
        }
        std::uint64_t last_us = 0;
        while (!queue.empty()) { // and all come out in order
            ASSERT_EQ(queue.first(), model.begin()->second);
            ASSERT_GE(queue.first_us(), last_us);
            last_us = queue.first_us();
            model.erase(model.begin());
            queue.remove(queue.first());
        }
        ASSERT_TRUE(model.empty());
    }
}

TEST(WakeupQueue, ShiftingKeepsTheOrder) {
    std::vector<Entry> entries(3);
    std::vector<std::uint16_t> slots(3);
    kernel::WakeupQueue<Entry*, std::uint16_t*> queue(entries.data(), slots.data());
    queue.insert(0, 30);
    queue.insert(1, 10);
    queue.insert(2, 20);
    queue.shift_all(1'000'000);
    EXPECT_EQ(queue.first(), 1);
    EXPECT_EQ(queue.first_us(), 1'000'010u);
}

TEST(Timeouts, ZeroAndInfiniteAreThemselves) {
    EXPECT_EQ(l4::Timeouts::zero().send_us(), 0u);
    EXPECT_EQ(l4::Timeouts::zero().receive_us(), 0u);
    EXPECT_EQ(l4::Timeouts::infinite().send_us(), l4::Timeouts::infinite_us);
    EXPECT_EQ(l4::Timeouts::infinite().receive_us(), l4::Timeouts::infinite_us);
}

TEST(Timeouts, AFiniteTimeoutIsNeverShorterAndHardlyLonger) {
    std::mt19937_64 random(7);
    for (unsigned round = 0; round < 100'000; ++round) {
        const std::uint64_t us = (1 + random() % 60'000'000'000ull) >> random() % 30;
        const std::uint64_t decoded = l4::Timeouts::make(us, us).send_us();
        ASSERT_EQ(decoded, l4::Timeouts::make(us, us).receive_us());
        if (us <= l4::Timeouts::decode_us(1, 255)) {
            ASSERT_GE(decoded, us);
            ASSERT_LE(decoded, us + us / 16 + 4) << us;
        }
    }
}

TEST(Timeouts, FieldsLieWhereTheManualHasThem) {
    // m_r 8 | m_s 8 | p_s 4 | p_r 4 | e_s 4 | e_r 4
    const l4::Timeouts timeouts{0x05'07'00'EFu};
    EXPECT_EQ(timeouts.receive_us(), 5u);                // 4^0 * 5
    EXPECT_EQ(timeouts.send_us(), 4u * 7u);              // 4^1 * 7
    EXPECT_EQ(l4::Timeouts{0x000000'11u}.send_us(), 0u); // m = 0, e != 0
}

} // namespace
