// The stress program's plan: everything that it does is drawn from the seed, and partners draw the same.
#include "workloads/stress/plan.hpp"

#include <gtest/gtest.h>

namespace stress {
namespace {

TEST(StressPlan, EveryWorkerHasOnePartnerThatHasIt) {
    for (uint32_t round = 1; round < 50; ++round) {
        Pairing pairing{};
        draw_pairing(pairing, 7, round);
        for (unsigned slot = 0; slot < workers; ++slot) {
            ASSERT_LT(pairing.partner[slot], workers);
            EXPECT_NE(pairing.partner[slot], slot);
            EXPECT_EQ(pairing.partner[pairing.partner[slot]], slot);
        }
    }
}

TEST(StressPlan, PairsChangeWithRoundAndSeed) {
    Pairing one{}, next{}, other{};
    draw_pairing(one, 1, 1);
    draw_pairing(next, 1, 2);
    draw_pairing(other, 2, 1);
    EXPECT_FALSE(std::equal(std::begin(one.partner), std::end(one.partner), std::begin(next.partner)));
    EXPECT_FALSE(std::equal(std::begin(one.partner), std::end(one.partner), std::begin(other.partner)));
}

TEST(StressPlan, StreamsOfOneSeedDiffer) {
    EXPECT_EQ(stream(1, Stream::pair, 3, 4).next(), stream(1, Stream::pair, 3, 4).next());
    EXPECT_NE(stream(1, Stream::pair, 3, 4).next(), stream(1, Stream::pair, 4, 3).next());
    EXPECT_NE(stream(1, Stream::pair, 3, 4).next(), stream(1, Stream::worker, 3, 4).next());
    EXPECT_NE(stream(1, Stream::pair, 3, 4).next(), stream(2, Stream::pair, 3, 4).next());
}

// The registers of others can be exchanged within a task only; within a task nothing is mapped.
TEST(StressPlan, AllKindsOfStepsOccurWhereTheyCan) {
    for (const bool same_task : {false, true}) {
        unsigned counts[static_cast<unsigned>(StepKind::interrupt) + 1] = {};
        workloads::Random random(1);
        for (unsigned step = 0; step < 10'000; ++step)
            ++counts[static_cast<unsigned>(draw_step(random, same_task).kind)];
        for (unsigned kind = 0; kind < std::size(counts); ++kind) {
            const bool within = StepKind{static_cast<uint8_t>(kind)} >= StepKind::cancel;
            const bool between = StepKind{static_cast<uint8_t>(kind)} == StepKind::map;
            EXPECT_EQ(counts[kind] != 0, same_task ? !between : !within) << kind;
        }
    }
}

TEST(StressPlan, RoundsCoverTheOperationsThatWereOrdered) {
    EXPECT_EQ(rounds_for(1), 1u);
    EXPECT_EQ(rounds_for(operations_per_round), 1u);
    EXPECT_EQ(rounds_for(operations_per_round + 1), 2u);
}

TEST(StressPlan, SlotsHaveTheirTasks) {
    EXPECT_EQ(task_of(worker_slot(3, 29)), first_worker_task + 3);
    EXPECT_EQ(task_of(descendant_slot(3, 2)), first_child_task + 3);
    EXPECT_EQ(task_of(descendant_slot(3, threads_per_child)), first_grandchild_task + 3);
    EXPECT_EQ(descendant_slot(worker_tasks - 1, threads_per_child) + 1, slots);
}

} // namespace
} // namespace stress
