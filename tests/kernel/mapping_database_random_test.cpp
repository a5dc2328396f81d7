// The mapping database under random sequences of operations. With too little memory an operation may fail: then each
// page must be as before, as the model says, or absent.
#include "tests/kernel/mapping_database_fixture.hpp"

#include <cstdlib>
#include <random>

namespace mapping_test {
namespace {

// FIXPOINT_MAPPING_SEEDS: how many, for longer campaigns.
unsigned seed_count() {
    const char* wanted = std::getenv("FIXPOINT_MAPPING_SEEDS");
    return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 60;
}

class MappingDatabaseRandomTest : public MappingDatabaseTest {
protected:
    struct Conditions {
        std::uint32_t node_count = 16 * entries_per_table;
        unsigned pairs = 56;
        bool scarce = false, superpages = true;
    };
    void run_random_operations(unsigned seed, const Conditions& conditions);
};

void MappingDatabaseRandomTest::run_random_operations(unsigned seed, const Conditions& conditions) {
    const bool scarce = conditions.scarce;
    std::mt19937 generator(seed);
    const auto random = [&generator] { return static_cast<unsigned>(generator()); };
    restart(conditions.node_count, conditions.pairs);
    const auto chance = [&random](unsigned one_in) { return random() % one_in == 0; };
    const auto size = [&] {
        constexpr unsigned logs[] = {0, 0, 0, 1, 2, 4, 8, 10, 10, 10};
        return 1u << logs[random() % std::size(logs)];
    };
    const auto place = [&](unsigned pages) {
        constexpr unsigned favourites[] = {0, 1, 2, 3, 5, 16, 511, 1023};
        const unsigned page =
            chance(4) ? random() % entries_per_table : favourites[random() % std::size(favourites)];
        return Place{first_task + random() % (end_task - first_task),
                     random() % region_count * entries_per_table + page / pages * pages};
    };
    const auto array_place = [&] { // few, so that what happens to one follows
        return Place{tcb_array, random() % region_count * entries_per_table + random() % 4 * 9};
    };
    for (unsigned step = 0; step < 60; ++step) {
        SCOPED_TRACE(testing::Message() << "step " << step);
        const std::vector<Mapping> before = observed();
        fill_tlb(before);
        const unsigned pages = size();
        const Place a = place(pages), b = place(pages);
        const bool writable = !chance(3);
        bool forgetting = false;
        for (unsigned uses = 0; uses < 20; ++uses) {
            const Place used = place(1);
            use(used, chance(2));
            use(array_place(), chance(4));
        }
        const Place array_page = array_place();
        switch (random() % 15) {
        case 0: {
            const unsigned region = a.page / entries_per_table;
            if (conditions.superpages && spaces().find(sigma0, region * l4::superpage_size).pte == nullptr &&
                !chance(4))
                map_root_superpage(region);
            else
                for (unsigned page = a.page; page < a.page + std::min(pages, 16u); ++page)
                    map_root(page);
            break;
        }
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            map(a, b, pages, writable, false);
            break;
        case 6:
            map(a, b, pages, writable, true);
            break;
        case 7:
            if (chance(8)) {
                forgetting = true;
                const unsigned kept = random();
                forget([kept](unsigned task) { return task == sigma0 || (kept >> task & 1) != 0; });
                break;
            }
            [[fallthrough]];
        case 8: {
            const auto [status, expected] = chance(2) ? take_status(a, pages) : take_written(a, pages);
            ASSERT_EQ(status & expected, expected) << "an access is forgotten";
            ASSERT_TRUE(status == expected || conditions.superpages || !model_.status_is_exact);
            break;
        }
        case 9:
        case 10:
            map(a, array_page, 1, writable, false);
            break;
        case 11:
        case 12: {
            const auto [written, expected] = take_written_pinned(array_page.page / 32 * 32, 32);
            ASSERT_EQ(written, expected);
            break;
        }
        default: {
            // sigma0 is seldom the one who flushes: everything would be gone.
            const bool own_too = chance(a.task == sigma0 ? 10 : 3);
            if (chance(10))
                unmap({a.task, 0}, pages_per_task, own_too, chance(2));
            else
                unmap(a, pages, own_too, chance(2));
        }
        }
        const std::vector<Mapping> after = observed();
        for (std::size_t index = 0; index < after.size(); ++index) {
            const bool as_asked = after[index] == model_.mappings[index];
            const bool failed = scarce && (!after[index].present || after[index] == before[index]);
            // Revoked without memory to split: less than asked for, in rights too.
            Mapping weaker = model_.mappings[index];
            weaker.writable = false;
            // What a page that is kept comes from may be a superpage, which stays whole; and so does a tree whose
            // root sigma0 has granted away.
            const bool kept = forgetting && after[index] == before[index];
            // And then a pinned mapping descends from one higher up.
            Mapping handed_over = model_.mappings[index];
            handed_over.parent = after[index].parent;
            const bool moved_up = index / pages_per_task == tcb_array && after[index] == handed_over;
            ASSERT_TRUE(as_asked || failed || kept || (scarce && (after[index] == weaker || moved_up)))
                << index / pages_per_task << " " << index % pages_per_task;
        }
        ASSERT_NO_FATAL_FAILURE(check_structure(after));
        ASSERT_NO_FATAL_FAILURE(check_tlb(after));
        if (scarce || forgetting)
            model_.adopt(after);
    }
    for (unsigned task = first_task; task < end_task; ++task)
        database_.unmap(task, 0, space_end, true, true);
    const std::vector<Mapping> left = observed();
    ASSERT_EQ(nodes_used(), std::ranges::count_if(left, &Mapping::present)) << "those of the TCB array";
    ASSERT_EQ(tables_used(), 0u);
}

TEST_F(MappingDatabaseRandomTest, OperationsAgreeWithTheModel) {
    for (unsigned seed = 1; seed <= seed_count(); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        ASSERT_NO_FATAL_FAILURE(run_random_operations(seed, {}));
    }
}

TEST_F(MappingDatabaseRandomTest, WithoutSuperpagesTheStatusIsExact) {
    for (unsigned seed = 1; seed <= seed_count(); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        ASSERT_NO_FATAL_FAILURE(run_random_operations(seed, {.superpages = false}));
    }
}

TEST_F(MappingDatabaseRandomTest, OperationsWithTooLittleMemoryRevokeMoreAtMost) {
    for (unsigned seed = 1; seed <= seed_count(); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        const std::uint32_t node_count = 2 + seed * 37 % 4000;
        const unsigned pairs = pairs_at_start + seed % 6;
        ASSERT_NO_FATAL_FAILURE(
            run_random_operations(seed, {.node_count = node_count, .pairs = pairs, .scarce = true}));
    }
}

} // namespace
} // namespace mapping_test
