#include "workloads/crowd/member.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace workloads {
namespace {

constexpr Roster roster_of(uint32_t threads, uint32_t tasks, uint32_t active) {
    return {threads, tasks, active};
}

TEST(CrowdRoster, EveryThreadIsInOneTaskAtOnePlace) {
    for (const Roster& roster : {roster_of(10, 1, 2), roster_of(10, 3, 4), roster_of(2000, 32, 7),
                                 roster_of(64, 64, 64), roster_of(101, 100, 99)}) {
        uint32_t thread = 0;
        for (uint32_t task = 0; task < roster.tasks; ++task) {
            ASSERT_GT(roster.count_of(task), 0u);
            ASSERT_LE(roster.count_of(task), (roster.threads + roster.tasks - 1) / roster.tasks);
            for (uint32_t lthread = 0; lthread < roster.count_of(task); ++lthread, ++thread) {
                ASSERT_EQ(roster.task_of(thread), task);
                ASSERT_EQ(roster.lthread_of(thread), lthread);
            }
        }
        ASSERT_EQ(thread, roster.threads);
    }
}

TEST(CrowdRoster, TheActiveAreSpreadAndKnowTheirRank) {
    for (const Roster& roster : {roster_of(10, 1, 2), roster_of(10, 3, 10), roster_of(2000, 32, 7)}) {
        std::vector<uint32_t> ranks(roster.threads, roster.active);
        for (uint32_t k = 0; k < roster.active; ++k)
            ranks[roster.active_thread(k)] = k;
        for (uint32_t thread = 0; thread < roster.threads; ++thread)
            ASSERT_EQ(roster.active_rank(thread), ranks[thread]) << thread;
        for (uint32_t k = 0; k + 1 < roster.active; ++k)
            ASSERT_GE(roster.active_thread(k + 1) - roster.active_thread(k), roster.threads / roster.active);
    }
}

// A crowd whose messages are carried out one by one.
struct Crowd {
    static constexpr uint32_t pages_each = 2;
    CrowdParameters parameters{roster_of(23, 3, 5), 9, 40, pages_each};
    std::vector<std::vector<uint32_t>> memory{parameters.roster.threads,
                                              std::vector<uint32_t>(pages_each* CrowdMember::words_per_page)};
    std::vector<CrowdMember> members;

    explicit Crowd(uint64_t seed = 9, uint32_t tours = 40) {
        parameters.seed = seed, parameters.tours = tours;
        for (uint32_t thread = 0; thread < parameters.roster.threads; ++thread)
            members.emplace_back(parameters, thread, memory[thread].data());
    }

    // Once round; the thread that found something wrong, or the number of threads.
    uint32_t round(Token* back = nullptr) {
        const Token first = members[0].first_token();
        Token token = first;
        uint32_t at = 0;
        do {
            EXPECT_EQ(members[at].next_kind(), first.kind);
            if (!members[at].visit(token))
                return at;
            const uint32_t next = members[at].receiver_after(first.kind);
            EXPECT_TRUE(next == 0 || members[next].next_sender() == at);
            at = next;
        } while (at != 0);
        EXPECT_TRUE(members[0].is_end_of_ring(token, first.kind, first.number));
        if (back != nullptr)
            *back = token;
        return parameters.roster.threads;
    }
    bool rounds(uint32_t count) {
        for (uint32_t i = 0; i < count; ++i)
            if (round() != parameters.roster.threads)
                return false;
        return true;
    }
    uint32_t checksum() {
        EXPECT_TRUE(rounds(1 + parameters.tours));
        Token farewell;
        EXPECT_EQ(round(&farewell), parameters.roster.threads);
        return farewell.value;
    }
};

TEST(Crowd, HoldsFromMusterToFarewell) {
    Crowd crowd;
    crowd.checksum();
    for (uint32_t thread = 0; thread < crowd.parameters.roster.threads; ++thread) {
        const CrowdMember& member = crowd.members[thread];
        EXPECT_EQ(member.tours(), member.is_active() ? 40u : 0u);
        EXPECT_EQ(member.visits(), member.tours() + 1);
    }
}

TEST(Crowd, ChecksumIsOfSeedAndWork) {
    EXPECT_EQ(Crowd(9).checksum(), Crowd(9).checksum());
    EXPECT_NE(Crowd(9).checksum(), Crowd(10).checksum());
    EXPECT_NE(Crowd(9).checksum(), Crowd(9, 41).checksum());
}

TEST(Crowd, PagesMayBeWrittenRoundMoreThanOnce) {
    Crowd crowd(9, 2 * CrowdMember::words_per_page + 3);
    crowd.checksum();
}

TEST(Crowd, AMemberOfAnotherInstantIsFoundByItsNeighbour) {
    Crowd crowd;
    ASSERT_TRUE(crowd.rounds(5));
    const uint32_t victim = crowd.parameters.roster.active_thread(2);
    const CrowdMember before = crowd.members[victim];
    const std::vector<uint32_t> pages = crowd.memory[victim];
    ASSERT_TRUE(crowd.rounds(1));
    crowd.members[victim] = before; // with its pages: only its neighbours know
    std::copy(pages.begin(), pages.end(), crowd.memory[victim].begin());
    EXPECT_EQ(crowd.round(), victim);
    EXPECT_STREQ(crowd.members[victim].error(), "a token that was not due");
}

TEST(Crowd, APageOfAnotherInstantThanItsStackIsFound) {
    Crowd crowd;
    ASSERT_TRUE(crowd.rounds(5));
    const uint32_t victim = crowd.parameters.roster.active_thread(3);
    const std::vector<uint32_t> pages = crowd.memory[victim];
    ASSERT_TRUE(crowd.rounds(1));
    std::copy(pages.begin(), pages.end(), crowd.memory[victim].begin());
    EXPECT_EQ(crowd.round(), victim);
    EXPECT_STREQ(crowd.members[victim].error(), "a page that contradicts its last visit");
}

TEST(Crowd, AnyWordThatChangedIsFoundAtTheFarewell) {
    for (const uint32_t word : {0u, 7u, 1023u, 1024u, 2047u}) {
        Crowd crowd;
        ASSERT_TRUE(crowd.rounds(1 + crowd.parameters.tours));
        crowd.memory[22][word] ^= 1; // of one that waits
        EXPECT_EQ(crowd.round(), 22u);
        EXPECT_STREQ(crowd.members[22].error(), "a page that contradicts its visits");
    }
}

TEST(Crowd, AMessageThatComesTwiceIsFound) {
    Crowd crowd;
    ASSERT_TRUE(crowd.rounds(1));
    Token token = crowd.members[0].first_token();
    ASSERT_TRUE(crowd.members[0].visit(token));
    CrowdMember& second = crowd.members[crowd.parameters.roster.active_thread(1)];
    Token again = token;
    ASSERT_TRUE(second.visit(token));
    EXPECT_FALSE(second.visit(again));
}

TEST(CrowdBallast, FindsAPageThatIsNotAsItWasFilled) {
    constexpr uint32_t pages = 50;
    std::vector<uint32_t> memory(pages * CrowdMember::words_per_page);
    const Ballast ballast(3, 1, pages, memory.data());
    EXPECT_EQ(ballast.first_wrong_page(pages), 0u);
    ballast.fill();
    EXPECT_EQ(ballast.first_wrong_page(pages), pages);
    EXPECT_EQ(Ballast(3, 2, pages, memory.data()).first_wrong_page(pages), 0u);
    memory[18 * CrowdMember::words_per_page + CrowdMember::words_per_page - 1] ^= 1;
    EXPECT_EQ(ballast.first_wrong_page(pages), 18u);
    EXPECT_EQ(ballast.first_wrong_page(25), 18u); // every second
    EXPECT_EQ(ballast.first_wrong_page(10), pages);
}

} // namespace
} // namespace workloads
