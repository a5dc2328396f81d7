// The mapping database, one property a test.
#include "tests/kernel/mapping_database_fixture.hpp"

namespace mapping_test {
namespace {

constexpr unsigned task_a = 2, task_b = 3, task_c = 4;
constexpr unsigned whole = entries_per_table;

TEST_F(MappingDatabaseTest, RightsOnlyShrink) {
    map_root(0);
    map({sigma0, 0}, {task_a, 1}, 1, false);
    map({task_a, 1}, {task_b, 1}, 1, true);
    compare();
    EXPECT_FALSE(spaces().find(task_b, l4::page_size).writable());
}

TEST_F(MappingDatabaseTest, MappingAgainGivesMoreRightsAndTakesNone) {
    map_root(0);
    map({sigma0, 0}, {task_a, 1}, 1, false);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    compare();
    EXPECT_TRUE(spaces().find(task_a, l4::page_size).writable());
    map({sigma0, 0}, {task_a, 1}, 1, false);
    compare();
    EXPECT_TRUE(spaces().find(task_a, l4::page_size).writable());
}

TEST_F(MappingDatabaseTest, APageIsNotMappedOverItsOwnOrigin) {
    map_root(0);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    map({task_a, 1}, {task_b, 2}, 1, true);
    EXPECT_TRUE(map({task_b, 2}, {task_a, 1}, 1, true));
    EXPECT_TRUE(map({task_b, 2}, {task_a, 1}, 1, true, true));
    compare();
}

TEST_F(MappingDatabaseTest, ASuperpageTakesOneNodeAndNoTable) {
    map_root_superpage(0);
    EXPECT_TRUE(map({sigma0, 0}, {task_a, whole}, whole, true));
    EXPECT_TRUE(map({task_a, whole}, {task_b, 0}, whole, false));
    compare();
    EXPECT_EQ(nodes_used(), 3u);
    EXPECT_EQ(tables_used(), 0u);
    EXPECT_EQ(*spaces().find(task_a, l4::superpage_size).pte,
              frame_base | pte::present | pte::writable | pte::user | pte::superpage);
}

TEST_F(MappingDatabaseTest, PagesMappedFromASuperpageLeaveItWhole) {
    map_root_superpage(0);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    map({task_a, 16}, {task_b, 3}, 1, true);
    map({task_a, 32}, {task_b, 64}, 32, true);
    compare();
    EXPECT_TRUE(is_superpage({task_a, 0}));
    EXPECT_EQ(nodes_used(), 2u + 1 + 32);
    EXPECT_EQ(tables_used(), 1u);
}

TEST_F(MappingDatabaseTest, AnythingElseDoneToAPartSplitsTheSuperpageAndThoseBelowIt) {
    for (unsigned operation = 0; operation < 5; ++operation) {
        SCOPED_TRACE(operation);
        restart(16 * entries_per_table, 56);
        map_root_superpage(0);
        map_root_superpage(1);
        map({sigma0, 0}, {task_a, 0}, whole, true);
        map({task_a, 0}, {task_b, 0}, whole, true);
        switch (operation) {
        case 0:
            unmap({task_a, 7}, 1, false, true);
            break;
        case 1:
            unmap({task_a, 7}, 1, true, true);
            break;
        case 2:
            unmap({task_a, 7}, 1, false, false);
            break;
        case 3:
            map({task_a, 7}, {task_c, 0}, 1, true, true);
            break;
        default:
            map({sigma0, whole}, {task_a, 7}, 1, true);
        }
        compare();
        EXPECT_TRUE(is_superpage({sigma0, 0}));
        EXPECT_FALSE(is_superpage({task_a, 0}));
        EXPECT_FALSE(is_superpage({task_b, 0}));
    }
}

TEST_F(MappingDatabaseTest, APartOfASuperpageMayBeMappedOntoAnotherPart) {
    map_root_superpage(0);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    map({task_a, 5}, {task_a, 7}, 1, true);
    compare();
}

TEST_F(MappingDatabaseTest, ASuperpageIsGrantedWithItsChildren) {
    map_root_superpage(0);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    map({task_a, 3}, {task_b, 3}, 1, true);
    map({task_a, 0}, {task_c, whole}, whole, false, true);
    compare();
    EXPECT_TRUE(is_superpage({task_c, whole}));
    EXPECT_EQ(nodes_used(), 3u);
}

TEST_F(MappingDatabaseTest, ASuperpageTakesThePlaceOfPages) {
    map_root_superpage(0);
    map_root_superpage(1);
    map({sigma0, whole + 9}, {task_a, 9}, 1, true);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    compare();
    EXPECT_TRUE(is_superpage({task_a, 0}));
    EXPECT_EQ(tables_used(), 0u);
}

TEST_F(MappingDatabaseTest, AnEmptyTableIsGivenBack) {
    map_root(0);
    map_root(1);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    map({sigma0, 1}, {task_a, 2}, 1, true);
    EXPECT_EQ(tables_used(), 2u);
    unmap({sigma0, 0}, 1, false, true);
    EXPECT_EQ(tables_used(), 2u);
    unmap({sigma0, 1}, 1, false, true);
    EXPECT_EQ(tables_used(), 1u);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    map({task_a, 1}, {task_b, 1}, 1, true, true);
    compare();
    EXPECT_EQ(tables_used(), 2u);
}

TEST_F(MappingDatabaseTest, WithoutNodesOrTablesNothingIsMappedAndNothingLeaks) {
    restart(2, pairs_at_start + 2);
    EXPECT_TRUE(map_root(0));
    EXPECT_FALSE(database_.map(sigma0, 0, task_a, 0, l4::page_size, true, false));
    compare();
    restart(8, pairs_at_start + 1);
    EXPECT_TRUE(map_root(0));
    EXPECT_FALSE(database_.map(sigma0, 0, task_a, 0, l4::page_size, true, false));
    EXPECT_FALSE(database_.map(sigma0, 0, task_a, 0, l4::page_size, true, true));
    compare();
}

TEST_F(MappingDatabaseTest, WithoutMemoryToSplitTheWholeSuperpageIsRevoked) {
    restart(8, pairs_at_start + 1);
    map_root_superpage(0);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    map({task_a, 0}, {task_b, 0}, whole, true);
    database_.unmap(task_a, 0, l4::page_size, false, false);
    EXPECT_TRUE(spaces().find(task_a, 0).writable());
    EXPECT_FALSE(spaces().find(task_b, 0).writable());
    database_.unmap(task_a, 0, l4::page_size, true, true);
    EXPECT_FALSE(spaces().find(task_a, 0).present());
    EXPECT_FALSE(spaces().find(task_b, 0).present());
    EXPECT_FALSE(database_.map(sigma0, 0, task_b, 0, l4::page_size, true, true));
    check_structure(observed());
}

TEST_F(MappingDatabaseTest, ForgettingLeavesWhatIsKeptAndWhatThatComesFrom) {
    map_root_superpage(0);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    map({task_a, 0}, {task_b, 0}, whole, true);
    map({task_a, 5}, {task_c, 5}, 1, true);
    forget([](unsigned task) { return task == sigma0 || task == task_c; });
    check_structure(observed());
    EXPECT_TRUE(spaces().find(task_a, 0).present());
    EXPECT_FALSE(spaces().find(task_b, 0).present());
    EXPECT_TRUE(spaces().find(task_c, 5 * l4::page_size).present());
    forget([](unsigned task) { return task == sigma0; });
    compare();
    EXPECT_EQ(nodes_used(), 1u);
    EXPECT_EQ(tables_used(), 0u);
}

TEST_F(MappingDatabaseTest, StatusTellsOfMappingsBelowAndOnce) {
    map_root(0);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    map({task_a, 1}, {task_b, 2}, 1, true);
    use({task_b, 2}, false);
    EXPECT_EQ(database_.take_status(task_a, l4::page_size, 2 * l4::page_size), l4::page_accessed);
    EXPECT_EQ(database_.take_status(task_a, l4::page_size, 2 * l4::page_size), 0u);
    use({task_b, 2}, true);
    EXPECT_EQ(database_.take_status(sigma0, 0, l4::page_size), l4::page_accessed | l4::page_written);
    EXPECT_EQ(database_.take_status(task_a, l4::page_size, 2 * l4::page_size),
              l4::page_accessed | l4::page_written)
        << "what one mapper has asked for the other still learns";
}

TEST_F(MappingDatabaseTest, StatusByPageTellsWhichWereWritten) {
    constexpr unsigned pages = 40;
    for (unsigned page = 0; page < pages; ++page) {
        map_root(page);
        map({sigma0, page}, {task_a, page}, 1, true);
        use({task_a, page}, page == 3 || page == 31 || page == 36);
    }
    const uint32_t end = 32 * l4::page_size;
    EXPECT_EQ(database_.take_written(sigma0, 0, end), 1u << 3 | 1u << 31);
    EXPECT_EQ(database_.take_written(sigma0, 0, end), 0u);
    use({task_a, 7}, true);
    EXPECT_EQ(database_.take_written(sigma0, 0, pages * l4::page_size), 1u << 7 | 1u << (36 - 32));
    EXPECT_EQ(database_.take_status(sigma0, 0, end), 0u) << "accesses are taken, too";
}

TEST_F(MappingDatabaseTest, AskingForAPartSplitsASuperpage) {
    map_root_superpage(0);
    map({sigma0, 0}, {task_a, 0}, whole, true);
    EXPECT_EQ(database_.take_status(sigma0, l4::page_size, 2 * l4::page_size), 0u);
    EXPECT_FALSE(spaces().find(sigma0, 0).superpage);
    EXPECT_FALSE(spaces().find(task_a, 0).superpage);
    use({task_a, 5}, true);
    EXPECT_EQ(database_.take_written(sigma0, 0, 32 * l4::page_size), 1u << 5);
    check_structure(observed());
}

TEST_F(MappingDatabaseTest, StatusSurvivesTheMappingThatWasWrittenTo) {
    map_root(0);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    map({task_a, 1}, {task_b, 2}, 1, true);
    use({task_b, 2}, true);
    unmap({task_a, 1}, 1, true, true);
    EXPECT_EQ(database_.take_status(sigma0, 0, l4::page_size), l4::page_accessed | l4::page_written);
}

TEST_F(MappingDatabaseTest, StatusOfAGrantedPageStaysWithItsOrigin) {
    map_root(0);
    map({sigma0, 0}, {task_a, 1}, 1, true);
    use({task_a, 1}, true);
    map({task_a, 1}, {task_b, 2}, 1, true, true);
    EXPECT_EQ(database_.take_status(sigma0, 0, l4::page_size), l4::page_accessed | l4::page_written);
    EXPECT_EQ(database_.take_status(sigma0, 0, l4::page_size), 0u);
    use({task_b, 2}, true);
    EXPECT_EQ(database_.take_status(sigma0, 0, l4::page_size), l4::page_accessed | l4::page_written);
}

class PinnedMappings : public MappingDatabaseTest {
protected:
    static constexpr unsigned pages = 4;

    void SetUp() override {
        MappingDatabaseTest::SetUp();
        for (unsigned page = 0; page < pages; ++page) {
            map_root(page);
            map({sigma0, page}, {task_a, page}, 1, true);
            map({task_a, page}, {tcb_array, 32 + page * 7}, 1, true);
        }
    }
    void write(unsigned page) { use({tcb_array, 32 + page * 7}, true); }
    std::uint32_t take() { return database_.take_written_pinned(32 * l4::page_size, 32); }
};

TEST_F(PinnedMappings, TellWhichWereWrittenAndOnce) {
    EXPECT_EQ(take(), 0u);
    write(0);
    write(3);
    use({tcb_array, 32 + 7}, false);
    EXPECT_EQ(take(), 1u | 1u << 21);
    EXPECT_EQ(take(), 0u);
    write(1);
    EXPECT_EQ(take(), 1u << 7);
}

TEST_F(PinnedMappings, TellTheTcbPagerWhatOthersHaveAskedForBefore) {
    write(0);
    write(1);
    write(2);
    EXPECT_EQ(database_.take_written(sigma0, 0, 1 * l4::page_size), 1u);
    EXPECT_NE(database_.take_status(task_a, 1 * l4::page_size, 2 * l4::page_size), 0u);
    unmap({task_a, 2}, 1, true, true);
    EXPECT_EQ(take(), 1u | 1u << 7 | 1u << 14);
    EXPECT_EQ(take(), 0u);
}

TEST_F(PinnedMappings, TellThoseAboveWhatTheTcbPagerHasAskedForBefore) {
    write(2);
    EXPECT_EQ(take(), 1u << 14);
    EXPECT_EQ(database_.take_written(task_a, 0, pages * l4::page_size), 1u << 2);
    EXPECT_EQ(database_.take_written(sigma0, 0, pages * l4::page_size), 1u << 2);
    EXPECT_EQ(take(), 0u);
}

TEST_F(PinnedMappings, StayWhateverIsMappedThereOrTakenFromThoseAbove) {
    map_root(9);
    map({sigma0, 9}, {tcb_array, 32}, 1, true);
    unmap({sigma0, 0}, pages, true, false);
    unmap({sigma0, 0}, pages, true, true);
    compare();
    EXPECT_EQ(spaces().find(tcb_array, 32 * l4::page_size).frame_of(0), frame_base);
    write(0);
    EXPECT_EQ(take(), 1u) << "though it descends from nobody";
}

TEST_F(PinnedMappings, AreNoneOfWhatTheArrayHasFromNobody) {
    *spaces().find(tcb_array, 33 * l4::page_size).pte = pte::present | pte::writable | pte::dirty;
    EXPECT_EQ(take(), 0u);
    EXPECT_EQ(*spaces().find(tcb_array, 33 * l4::page_size).pte, pte::present | pte::writable | pte::dirty);
}

} // namespace
} // namespace mapping_test
