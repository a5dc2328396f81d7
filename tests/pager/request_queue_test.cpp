// The order in which requests go to the disk.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "pager/ide/request_queue.hpp"

namespace fixpoint::test {
namespace {

using pager::RequestQueue;

TEST(RequestQueue, IsEmptyAtFirstAndAgainWhenAllIsTaken) {
    RequestQueue queue;
    EXPECT_EQ(queue.take(), RequestQueue::none);
    queue.add_write_or_flush(3);
    EXPECT_EQ(queue.take(), 3u);
    EXPECT_EQ(queue.take(), RequestQueue::none);
}

TEST(RequestQueue, AReadOvertakesAllWritesThatWait) {
    RequestQueue queue;
    for (const uint32_t write : {5u, 6u, 7u})
        queue.add_write_or_flush(write);
    queue.add_read(0);
    EXPECT_EQ(queue.take(), 0u);
    EXPECT_EQ(queue.take(), 5u);
}

TEST(RequestQueue, WritesAndFlushesNeverOvertakeEachOther) {
    RequestQueue queue;
    for (const uint32_t area : {9u, 2u, 7u, 4u})
        queue.add_write_or_flush(area);
    for (const uint32_t area : {9u, 2u, 7u, 4u})
        EXPECT_EQ(queue.take(), area);
}

TEST(RequestQueue, AStreamOfReadsLetsAWriteThroughInTime) {
    RequestQueue queue;
    queue.add_write_or_flush(15);
    for (uint32_t reads = 0;; ++reads) {
        ASSERT_LE(reads, RequestQueue::reads_in_a_row_max);
        queue.add_read(reads % 2);
        if (queue.take() == 15) {
            EXPECT_EQ(reads, RequestQueue::reads_in_a_row_max);
            return;
        }
    }
}

// Against what the rules say of any sequence.
TEST(RequestQueue, KeepsItsRulesUnderRandomRequests) {
    for (uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937_64 random{seed};
        RequestQueue queue;
        std::deque<uint32_t> reads, others;
        std::map<uint32_t, uint32_t> may_still_wait; // a write or flush: requests that may go before it
        std::set<uint32_t> free;
        for (uint32_t area = 0; area < pager::disk_request_areas; ++area)
            free.insert(area);
        const unsigned reads_in_ten = static_cast<unsigned>(random() % 11);
        for (unsigned step = 0; step < 2000; ++step) {
            if (!free.empty() && random() % 2 == 0) {
                const uint32_t area = *std::next(free.begin(), static_cast<long>(random() % free.size()));
                free.erase(area);
                if (random() % 10 < reads_in_ten) {
                    reads.push_back(area);
                    queue.add_read(area);
                } else {
                    others.push_back(area);
                    queue.add_write_or_flush(area);
                    may_still_wait[area] =
                        static_cast<uint32_t>(others.size()) * (RequestQueue::reads_in_a_row_max + 1);
                }
                continue;
            }
            const uint32_t area = queue.take();
            if (area == RequestQueue::none) {
                ASSERT_TRUE(reads.empty() && others.empty());
                continue;
            }
            const bool is_read = !reads.empty() && reads.front() == area;
            ASSERT_TRUE(is_read || (!others.empty() && others.front() == area)) << "out of its order";
            (is_read ? reads : others).pop_front();
            free.insert(area);
            if (!is_read)
                may_still_wait.erase(area);
            for (auto& [waiting, left] : may_still_wait)
                ASSERT_GT(left--, 1u) << "area " << waiting << " starves";
        }
    }
}

} // namespace
} // namespace fixpoint::test
