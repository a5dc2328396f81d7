// Clan arithmetic against a model that knows each task's ancestors as a list.
#include "kernel-model/thread/clans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace {

using l4::ClanRelation;

constexpr unsigned root = 4;

class Clans : public testing::Test {
protected:
    std::array<unsigned, l4::task_count> chief_{};

    Clans() { chief_.fill(root); }

    auto chief_of() const {
        return [this](unsigned task) { return chief_[task]; };
    }
    kernel::NearestTask nearest(unsigned sender, unsigned dest) const {
        return kernel::nearest_task(sender, dest, chief_of());
    }
    void expect(unsigned sender, unsigned dest, ClanRelation relation, unsigned task) const {
        const kernel::NearestTask found = nearest(sender, dest);
        EXPECT_EQ(found.relation, relation) << sender << " to " << dest;
        EXPECT_EQ(found.task, task) << sender << " to " << dest;
    }
    std::vector<unsigned> above(unsigned task) const { // nearest first, the root task last
        std::vector<unsigned> tasks;
        while (task != root)
            tasks.push_back(task = chief_[task]);
        return tasks;
    }
};

// The tree of the header's picture.
TEST_F(Clans, NearestIsThatOfThePicture) {
    constexpr unsigned a = 10, b = 11, c = 12, a1 = 20, a2 = 21, b1 = 22, b2 = 23, a11 = 30;
    for (const unsigned task : {a1, a2})
        chief_[task] = a;
    for (const unsigned task : {b1, b2})
        chief_[task] = b;
    chief_[a11] = a1;
    for (const unsigned direct : {root, a, b, c, a1, a2, 2u})
        expect(a, direct, ClanRelation::same_clan, direct);
    expect(a, b1, ClanRelation::inner_clan, b);
    expect(a, a11, ClanRelation::inner_clan, a1);
    expect(root, a11, ClanRelation::inner_clan, a);
    for (const unsigned outside : {b, b1, c, root, 2u})
        expect(a1, outside, ClanRelation::outer_clan, a);
    expect(a2, a11, ClanRelation::inner_clan, a1);
    expect(a11, a1, ClanRelation::same_clan, a1);
    expect(a11, a, ClanRelation::outer_clan, a1);
    expect(b1, b2, ClanRelation::same_clan, b2);
}

TEST_F(Clans, RandomTreesAgreeWithTheModel) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937 random(seed);
        std::vector<unsigned> tasks{root};
        for (unsigned task = root + 1; task < l4::task_count; ++task) {
            chief_[task] = tasks[tasks.size() - 1 - random() % std::min<std::size_t>(tasks.size(), 1 + seed)];
            tasks.push_back(task);
        }
        for (unsigned round = 0; round < 5000; ++round) {
            const unsigned sender = tasks[random() % tasks.size()], dest = tasks[random() % tasks.size()];
            const std::vector<unsigned> over_dest = above(dest);
            const bool below =
                dest == sender || std::find(over_dest.begin(), over_dest.end(), sender) != over_dest.end();
            ASSERT_EQ(kernel::is_at_or_below(dest, sender, chief_of()), below);

            // The members of the clans that the sender belongs to: its siblings with their chief, its own members.
            const auto reaches = [&](unsigned task) {
                return task == sender || task == chief_[sender] || chief_[task] == chief_[sender] ||
                       chief_[task] == sender;
            };
            const auto member = std::find_if(over_dest.begin(), over_dest.end(), reaches);
            if (reaches(dest))
                expect(sender, dest, ClanRelation::same_clan, dest);
            else if (member != over_dest.end())
                expect(sender, dest, ClanRelation::inner_clan, *member);
            else
                expect(sender, dest, ClanRelation::outer_clan, chief_[sender]);
        }
    }
}

// However many redirections, each step comes nearer: the message arrives.
TEST_F(Clans, FollowingTheNearestArrives) {
    std::mt19937 random(3);
    for (unsigned task = root + 1; task < l4::task_count; ++task)
        chief_[task] = root + static_cast<unsigned>(random() % (task - root));
    for (unsigned sender = root; sender < l4::task_count; ++sender) {
        for (unsigned dest = root; dest < l4::task_count; dest += 3) {
            unsigned at = sender, steps = 0;
            while (at != dest && steps++ < l4::task_count)
                at = nearest(at, dest).task;
            ASSERT_EQ(at, dest) << "from " << sender;
        }
    }
}

// Chiefs come back from a disk: a damaged chain must not hang the kernel.
TEST_F(Clans, ACircleOfChiefsEnds) {
    chief_[20] = 21;
    chief_[21] = 22;
    chief_[22] = 20;
    EXPECT_FALSE(kernel::is_at_or_below(20, root, chief_of()));
    EXPECT_TRUE(kernel::is_at_or_below(20, 22, chief_of()));
    expect(root, 20, ClanRelation::outer_clan, root);
}

} // namespace
