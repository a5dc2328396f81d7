// Ready queues against a list of lists, after every operation of a random sequence.
#include "kernel-model/thread/ready_queues.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

namespace {

struct Entry {
    kernel::ReadyLink ready;
    std::uint8_t priority = 0;
};

constexpr unsigned thread_count = 64;

class ReadyQueuesTest : public testing::Test {
protected:
    std::vector<Entry> entries_ = std::vector<Entry>(thread_count);
    kernel::ReadyQueues<Entry*> queues_{entries_.data()};

    std::vector<std::uint16_t> ring(unsigned priority) const {
        std::vector<std::uint16_t> threads;
        const std::uint16_t head = queues_.first(priority);
        if (head == kernel::end_of_queue)
            return threads;
        std::uint16_t thread = head;
        do {
            threads.push_back(thread);
            EXPECT_EQ(entries_[entries_[thread].ready.next].ready.previous, thread);
            thread = entries_[thread].ready.next;
        } while (thread != head && threads.size() <= thread_count);
        return threads;
    }
};

TEST_F(ReadyQueuesTest, EmptyHasNoPriority) {
    EXPECT_EQ(queues_.highest_priority(), kernel::no_priority);
}

TEST_F(ReadyQueuesTest, EveryPriorityIsFound) {
    for (unsigned priority = 0; priority < kernel::priority_count; ++priority) {
        entries_[0].priority = static_cast<std::uint8_t>(priority);
        queues_.push_back(0);
        EXPECT_EQ(queues_.highest_priority(), static_cast<int>(priority));
        queues_.remove(0);
        EXPECT_EQ(queues_.highest_priority(), kernel::no_priority);
    }
}

TEST_F(ReadyQueuesTest, FrontComesBeforeBack) {
    queues_.push_back(1);
    queues_.push_back(2);
    queues_.push_front(3);
    EXPECT_EQ(ring(0), (std::vector<std::uint16_t>{3, 1, 2}));
}

TEST_F(ReadyQueuesTest, RandomOperationsAgreeWithTheModel) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937 random(seed);
        std::array<std::deque<std::uint16_t>, kernel::priority_count> model;
        for (Entry& entry : entries_)
            entry = {};
        queues_ = kernel::ReadyQueues<Entry*>(entries_.data());
        for (unsigned step = 0; step < 3000; ++step) {
            const auto thread = static_cast<std::uint16_t>(random() % thread_count);
            Entry& entry = entries_[thread];
            if (queues_.contains(thread)) {
                std::erase(model[entry.priority], thread);
                queues_.remove(thread);
            } else {
                entry.priority = static_cast<std::uint8_t>(random() % 4 * 77);
                if (random() % 4 == 0) {
                    model[entry.priority].push_front(thread);
                    queues_.push_front(thread);
                } else {
                    model[entry.priority].push_back(thread);
                    queues_.push_back(thread);
                }
            }
            int highest = kernel::no_priority;
            for (unsigned priority = 0; priority < 4 * 77; priority += 77) {
                const auto& expected = model[priority];
                ASSERT_EQ(ring(priority), std::vector<std::uint16_t>(expected.begin(), expected.end()));
                if (!expected.empty())
                    highest = static_cast<int>(priority);
            }
            ASSERT_EQ(queues_.highest_priority(), highest);
        }
    }
}

} // namespace
