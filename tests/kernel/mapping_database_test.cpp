// The mapping database against a model that is a plain table: page -> (frame, rights, the page it came from).
//
// After every operation of a random sequence all page table entries are compared with the model, every node
// is checked to sit in a sound tree, and the nodes in use are counted.
#include "kernel-model/memory/mapping_database.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace {

using kernel::MapOutcome;
using kernel::MappingDatabase;
using kernel::MappingNode;
using kernel::PageEntry;
namespace pte = kernel::pte;

constexpr unsigned task_count = 6, pages_per_task = 8, root_task = 2;
constexpr std::uint32_t page_of(unsigned number) {
    return number * l4::page_size;
}
constexpr std::uint32_t frame_of(unsigned number) {
    return 0x01000000 + number * l4::page_size;
}

struct FakeSpaces {
    struct State {
        std::uint32_t pte[task_count][pages_per_task] = {};
        std::uint32_t node[task_count][pages_per_task] = {};
        std::set<std::pair<unsigned, std::uint32_t>> changed;
        bool tables_left = true;
    };
    State* state = nullptr;

    PageEntry find(unsigned task, std::uint32_t page) const {
        const unsigned index = page / l4::page_size;
        return {&state->pte[task][index], &state->node[task][index]};
    }
    PageEntry create(unsigned task, std::uint32_t page) {
        return state->tables_left ? find(task, page) : PageEntry{};
    }
    std::uint32_t flags(unsigned) const { return pte::user; }
    void changed(unsigned task, std::uint32_t page) { state->changed.insert({task, page}); }
};

// A page of a task.
using Place = std::pair<unsigned, unsigned>;

class Model {
public:
    struct Mapping {
        std::uint32_t frame;
        bool writable;
        std::optional<Place> from; // none: a root
    };

    std::map<Place, Mapping> mappings;

    bool descends(Place place, Place ancestor) const {
        for (std::optional<Place> at = place; at; at = mappings.at(*at).from)
            if (*at == ancestor)
                return true;
        return false;
    }
    std::vector<Place> below(Place top) const {
        std::vector<Place> result;
        for (const auto& [place, mapping] : mappings)
            if (place != top && descends(place, top))
                result.push_back(place);
        return result;
    }
    void remove(Place top) {
        for (const Place& place : below(top))
            mappings.erase(place);
        mappings.erase(top);
    }
    void map(Place from, Place to, bool writable, bool grant) {
        const auto source = mappings.find(from);
        if (source == mappings.end())
            return;
        const Mapping made{source->second.frame, writable && source->second.writable, from};
        if (mappings.contains(to)) {
            if (descends(from, to))
                return;
            const Mapping& old = mappings.at(to);
            if (!grant && old.from == from && old.frame == made.frame) {
                mappings.at(to).writable |= made.writable;
                return;
            }
            remove(to);
        }
        if (!grant) {
            mappings.emplace(to, made);
            return;
        }
        const Mapping moved{made.frame, made.writable, mappings.at(from).from};
        mappings.erase(from);
        for (auto& [place, mapping] : mappings)
            if (mapping.from == from)
                mapping.from = to;
        mappings.emplace(to, moved);
        if (!moved.writable)
            for (const Place& place : below(to))
                mappings.at(place).writable = false;
    }
    void unmap(Place place, bool own_too, bool fully) {
        if (!mappings.contains(place))
            return;
        for (const Place& other : below(place)) {
            if (fully)
                mappings.erase(other);
            else
                mappings.at(other).writable = false;
        }
        if (!own_too)
            return;
        if (fully)
            mappings.erase(place);
        else
            mappings.at(place).writable = false;
    }
};

class MappingDatabaseTest : public testing::Test {
protected:
    static constexpr std::uint32_t node_count = 64;

    FakeSpaces::State state_;
    std::vector<MappingNode> nodes_ = std::vector<MappingNode>(node_count);
    MappingDatabase<FakeSpaces> database_{FakeSpaces{&state_}, nodes_.data(), node_count};
    Model model_;

    void map_root(unsigned page) {
        ASSERT_EQ(database_.map_root(root_task, page_of(page), frame_of(page), pte::writable),
                  MapOutcome::mapped);
        model_.mappings[{root_task, page}] = {frame_of(page), true, {}};
    }
    void map(Place from, Place to, bool writable, bool grant = false) {
        database_.map(from.first, page_of(from.second), to.first, page_of(to.second), writable, grant);
        model_.map(from, to, writable, grant);
    }
    void unmap(Place place, bool own_too, bool fully) {
        database_.unmap(place.first, page_of(place.second), own_too, fully);
        model_.unmap(place, own_too, fully);
    }

    void compare() {
        for (unsigned task = 0; task < task_count; ++task) {
            for (unsigned page = 0; page < pages_per_task; ++page) {
                const auto expected = model_.mappings.find({task, page});
                const std::uint32_t entry = state_.pte[task][page];
                if (expected == model_.mappings.end()) {
                    ASSERT_EQ(entry, 0u) << task << " " << page;
                    ASSERT_EQ(state_.node[task][page], 0u);
                    continue;
                }
                ASSERT_TRUE(entry & pte::present) << task << " " << page;
                ASSERT_EQ(entry & pte::frame_mask, expected->second.frame);
                ASSERT_EQ((entry & pte::writable) != 0, expected->second.writable) << task << " " << page;
                const MappingNode& node = database_.node(state_.node[task][page]);
                ASSERT_EQ(node.task(), task);
                ASSERT_EQ(node.page(), page_of(page));
                ASSERT_EQ(node.parent == 0, !expected->second.from);
                if (expected->second.from) {
                    const MappingNode& parent = database_.node(node.parent);
                    ASSERT_EQ(parent.task(), expected->second.from->first);
                    ASSERT_EQ(parent.page(), page_of(expected->second.from->second));
                }
            }
        }
        ASSERT_EQ(database_.free_nodes(), node_count - 1 - model_.mappings.size());
    }
};

TEST_F(MappingDatabaseTest, RightsOnlyShrink) {
    map_root(0);
    map({root_task, 0}, {3, 1}, false);
    map({3, 1}, {4, 1}, true);
    compare();
    EXPECT_FALSE(state_.pte[4][1] & pte::writable);
}

TEST_F(MappingDatabaseTest, MappingAgainGivesMoreRightsAndTakesNone) {
    map_root(0);
    map({root_task, 0}, {3, 1}, false);
    map({root_task, 0}, {3, 1}, true);
    compare();
    EXPECT_TRUE(state_.pte[3][1] & pte::writable);
    map({root_task, 0}, {3, 1}, false);
    compare();
    EXPECT_TRUE(state_.pte[3][1] & pte::writable);
}

TEST_F(MappingDatabaseTest, RevokedEntriesAreReportedForTheTlb) {
    map_root(0);
    map({root_task, 0}, {3, 1}, true);
    map({3, 1}, {4, 2}, true);
    state_.changed.clear();
    unmap({root_task, 0}, false, false);
    EXPECT_EQ(state_.changed,
              (std::set<std::pair<unsigned, std::uint32_t>>{{3, page_of(1)}, {4, page_of(2)}}));
    state_.changed.clear();
    unmap({root_task, 0}, false, true);
    EXPECT_EQ(state_.changed,
              (std::set<std::pair<unsigned, std::uint32_t>>{{3, page_of(1)}, {4, page_of(2)}}));
}

TEST_F(MappingDatabaseTest, APageIsNotMappedOverItsOwnOrigin) {
    map_root(0);
    map({root_task, 0}, {3, 1}, true);
    map({3, 1}, {4, 2}, true);
    EXPECT_EQ(database_.map(4, page_of(2), 3, page_of(1), true, false), MapOutcome::kept);
    compare();
}

TEST_F(MappingDatabaseTest, OutOfNodesAndOutOfTablesChangeNothing) {
    map_root(0);
    state_.tables_left = false;
    EXPECT_EQ(database_.map(root_task, 0, 3, page_of(1), true, false), MapOutcome::out_of_memory);
    compare();
    state_.tables_left = true;
    std::vector<MappingNode> two(2);
    FakeSpaces::State other;
    MappingDatabase<FakeSpaces> tiny(FakeSpaces{&other}, two.data(), 2);
    EXPECT_EQ(tiny.map_root(root_task, 0, frame_of(0), 0), MapOutcome::mapped);
    EXPECT_EQ(tiny.map(root_task, 0, 3, page_of(1), true, false), MapOutcome::out_of_memory);
    EXPECT_EQ(other.pte[3][1], 0u);
}

TEST_F(MappingDatabaseTest, RandomOperationsAgreeWithTheModel) {
    for (unsigned seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937 random(seed);
        state_ = {};
        database_ = {FakeSpaces{&state_}, nodes_.data(), node_count};
        model_ = {};
        const auto place = [&random] {
            return Place{root_task + random() % (task_count - root_task), random() % pages_per_task};
        };
        for (unsigned step = 0; step < 2000; ++step) {
            const Place a = place(), b = place();
            switch (random() % 8) {
            case 0:
                if (!model_.mappings.contains({root_task, a.second}))
                    map_root(a.second);
                break;
            case 1:
            case 2:
            case 3:
            case 4:
                map(a, b, random() % 2 == 0);
                break;
            case 5:
                map(a, b, random() % 2 == 0, true);
                break;
            default:
                unmap(a, random() % 3 == 0, random() % 2 == 0);
            }
            ASSERT_NO_FATAL_FAILURE(compare()) << "step " << step;
        }
    }
}

} // namespace
