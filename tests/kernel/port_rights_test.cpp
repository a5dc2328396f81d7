// Port rights against a plain model: a set of (task, port) pairs with the parent of each.
#include "kernel-model/memory/port_rights.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <vector>

namespace {

using kernel::PortRange;
using kernel::PortTables;
using l4::IoFpage;

constexpr unsigned root = 4, first_without = 16;

class ArrayTables {
public:
    ArrayTables() = default;
    explicit ArrayTables(unsigned capacity) : capacity_(capacity) {}

    static bool holds_all(unsigned task) { return task < first_without; }
    PortTables find(unsigned task) const {
        const auto it = tables_.find(task);
        if (it == tables_.end())
            return {};
        return {const_cast<uint16_t*>(it->second.denied.data()),
                const_cast<uint8_t*>(it->second.parents.data())};
    }
    PortTables create(unsigned task) {
        if (tables_.size() == capacity_)
            return {};
        auto& table = tables_[task];
        table.denied.assign(kernel::port_group_count, 0xFFFF);
        table.parents.assign(kernel::port_group_count, 0);
        return find(task);
    }

private:
    struct Table {
        std::vector<uint16_t> denied;
        std::vector<uint8_t> parents;
    };
    unsigned capacity_ = l4::task_count;
    std::map<unsigned, Table> tables_;
};
using Rights = kernel::PortRights<ArrayTables>;

constexpr PortRange range(unsigned low, unsigned count) {
    return {low, low + count};
}

TEST(PortRange, IsWhatTheFpageNames) {
    EXPECT_EQ(kernel::ports_of(IoFpage::make(0x3F8, 3)).low, 0x3F8u);
    EXPECT_EQ(kernel::ports_of(IoFpage::make(0x3F8, 3)).high, 0x400u);
    EXPECT_EQ(kernel::ports_of(IoFpage::all_ports()).high, 0x10000u);
    EXPECT_EQ(kernel::ports_of(IoFpage::make(0xFFFF, 2)).high, 0x10000u);
    EXPECT_EQ(kernel::ports_of(IoFpage::make(0, 17)).high, 0u);
    EXPECT_EQ(kernel::ports_of({0xFFFFFFFFu}).high, 0u);
}

TEST(PortRange, InAGroup) {
    EXPECT_EQ(kernel::ports_in_group(range(0, 0x10000), 7), 0xFFFF);
    EXPECT_EQ(kernel::ports_in_group(range(0x3F8, 8), 0x3F), 0xFF00);
    EXPECT_EQ(kernel::ports_in_group(range(0x3F8, 9), 0x40), 0x0001);
    EXPECT_EQ(kernel::ports_in_group(range(0x3F8, 8), 0x40), 0);
    EXPECT_EQ(kernel::ports_in_group(range(0xFFFF, 1), 0xFFF), 0x8000);
}

TEST(PortRights, TasksThatHoldAllNeedNothingAndKeepIt) {
    Rights rights;
    EXPECT_TRUE(rights.may_use(root, range(0, 0x10000)));
    EXPECT_TRUE(rights.map(20, range(0, 16), root, false));
    rights.unmap(root, range(0, 0x10000), true);
    EXPECT_TRUE(rights.may_use(root, range(0, 0x10000)));
}

TEST(PortRights, OthersHaveWhatIsMappedAndNoMore) {
    Rights rights;
    EXPECT_FALSE(rights.may_use(20, range(0x3F8, 1)));
    EXPECT_TRUE(rights.map(root, range(0x3F8, 8), 20, false));
    EXPECT_TRUE(rights.may_use(20, range(0x3F8, 8)));
    EXPECT_FALSE(rights.may_use(20, range(0x3F7, 2)));
    EXPECT_FALSE(rights.may_use(20, range(0x3FF, 2)));
    EXPECT_TRUE(rights.map(20, range(0, 0x10000), 21, false)); // of all that was asked for, what 20 has
    EXPECT_TRUE(rights.may_use(21, range(0x3F8, 8)));
    EXPECT_FALSE(rights.may_use(21, range(0x3F7, 1)));
}

TEST(PortRights, RevokingReachesAllWhoDescend) {
    Rights rights;
    rights.map(root, range(0x100, 0x100), 20, false);
    rights.map(20, range(0x100, 0x100), 21, false);
    rights.map(21, range(0x100, 0x100), 22, false);
    rights.map(root, range(0x100, 0x100), 23, false);
    rights.unmap(20, range(0x184, 2), false);
    EXPECT_TRUE(rights.may_use(20, range(0x100, 0x100)));
    for (const unsigned task : {21u, 22u}) {
        EXPECT_TRUE(rights.may_use(task, range(0x180, 4)));
        EXPECT_FALSE(rights.may_use(task, range(0x184, 1)));
        EXPECT_FALSE(rights.may_use(task, range(0x185, 1)));
        EXPECT_TRUE(rights.may_use(task, range(0x186, 0x7A)));
    }
    EXPECT_TRUE(rights.may_use(23, range(0x100, 0x100)));
    rights.unmap(root, range(0, 0x10000), false);
    for (const unsigned task : {20u, 21u, 22u, 23u})
        EXPECT_FALSE(rights.may_use(task, range(0x100, 1)));
}

TEST(PortRights, GrantMovesTheRight) {
    Rights rights;
    rights.map(root, range(0x60, 16), 20, false);
    rights.map(20, range(0x60, 16), 21, true);
    EXPECT_FALSE(rights.may_use(20, range(0x60, 1)));
    EXPECT_TRUE(rights.may_use(21, range(0x60, 16)));
    rights.unmap(20, range(0x60, 16), true); // it has nothing to do with it any more
    EXPECT_TRUE(rights.may_use(21, range(0x60, 16)));
    rights.unmap(root, range(0x60, 16), false);
    EXPECT_FALSE(rights.may_use(21, range(0x60, 1)));
}

TEST(PortRights, NobodyGetsARightFromHisOwnDescendants) {
    Rights rights;
    rights.map(root, range(0x60, 16), 20, false);
    rights.map(20, range(0x60, 16), 21, false);
    rights.map(21, range(0x60, 16), 20, false); // no circle: 20 still has it from the root task
    rights.unmap(21, range(0x60, 16), false);
    EXPECT_TRUE(rights.may_use(20, range(0x60, 16)));
    rights.unmap(20, range(0x60, 16), false);
    EXPECT_FALSE(rights.may_use(21, range(0x60, 1)));
}

TEST(PortRights, WithoutMemoryNothingIsMapped) {
    Rights rights{ArrayTables(1)};
    EXPECT_TRUE(rights.map(root, range(0x60, 16), 20, false));
    EXPECT_FALSE(rights.map(root, range(0x60, 16), 21, false));
    EXPECT_FALSE(rights.map(20, range(0x60, 16), 21, true));
    EXPECT_TRUE(rights.may_use(20, range(0x60, 16)));
    EXPECT_FALSE(rights.may_use(21, range(0x60, 1)));
}

// Every port of a few groups has a parent in each task; a group's rights have one parent.
class Model {
public:
    static constexpr unsigned groups = 4, ports = groups * kernel::ports_per_group;

    bool has(unsigned task, unsigned port) const { return task < first_without || parent_[task][port] != 0; }
    void map(unsigned from, PortRange range, unsigned to, bool grant) {
        if (from == to || to < first_without)
            return;
        const bool moves = grant && from >= first_without;
        for (unsigned group = 0; group < groups; ++group) {
            std::vector<unsigned> given;
            for (unsigned port = group * 16; port < group * 16 + 16; ++port)
                if (port >= range.low && port < range.high && has(from, port))
                    given.push_back(port);
            if (given.empty() || descends(from, to, given.front()))
                continue;
            const unsigned parent = moves ? parent_[from][given.front()] : from;
            for (unsigned port = group * 16; port < group * 16 + 16; ++port)
                if (parent_[to][port] != 0 && parent_[to][port] != parent)
                    revoke(to, port, true);
            for (const unsigned port : given) {
                if (moves)
                    revoke(from, port, true);
                parent_[to][port] = parent;
            }
        }
    }
    void unmap(unsigned task, PortRange range, bool own_too) {
        for (unsigned port = range.low; port < range.high && port < ports; ++port)
            if (has(task, port))
                revoke(task, port, own_too);
    }

private:
    bool descends(unsigned task, unsigned ancestor, unsigned port) const {
        for (unsigned at = task; at != 0; at = parent_[at][port])
            if (at == ancestor)
                return true;
        return false;
    }
    void revoke(unsigned top, unsigned port, bool own_too) {
        std::vector<unsigned> doomed;
        for (unsigned task = first_without; task < parent_.size(); ++task)
            if (parent_[task][port] != 0 && (task == top ? own_too : descends(task, top, port)))
                doomed.push_back(task);
        for (const unsigned task : doomed)
            parent_[task][port] = 0;
    }

    std::array<std::array<unsigned, ports>, 24> parent_{};
};

TEST(PortRights, BehaveAsThePlainModel) {
    for (unsigned seed = 1; seed <= 40; ++seed) {
        std::mt19937 random(seed);
        const auto draw = [&random](unsigned below) { return static_cast<unsigned>(random() % below); };
        Rights rights;
        Model model;
        for (unsigned step = 0; step < 400; ++step) {
            const unsigned log2 = draw(7), low = draw(Model::ports);
            const PortRange some{low, std::min(low + (1u << log2), Model::ports)};
            const unsigned task = draw(9) == 0 ? root : first_without + draw(8),
                           other = first_without + draw(8);
            if (draw(4) != 0) {
                const bool grant = draw(4) == 0;
                rights.map(task, some, other, grant);
                model.map(task, some, other, grant);
            } else {
                const bool own_too = draw(2) == 0;
                rights.unmap(task, some, own_too);
                model.unmap(task, some, own_too);
            }
            for (unsigned checked = first_without; checked < first_without + 8; ++checked)
                for (unsigned port = 0; port < Model::ports; ++port)
                    ASSERT_EQ(rights.may_use(checked, range(port, 1)), model.has(checked, port))
                        << "seed " << seed << " step " << step << " task " << checked << " port " << port;
        }
    }
}

} // namespace
