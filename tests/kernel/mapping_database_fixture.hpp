// The mapping database on the real page tables and page pool, beside the model (mapping_model.hpp): after an operation
// the page tables are read back page by page and compared with it, trees, counts and accounts of memory are checked, and
// a TLB that held every translation before must hold none that the tables do not allow any more.
#pragma once

#include "kernel-model/memory/mapping_database.hpp"
#include "kernel-model/memory/page_pool.hpp"
#include "tests/kernel/mapping_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace mapping_test {

using kernel::MappingDatabase;
using kernel::MappingForest;
using kernel::MappingNode;
using kernel::NodeNumber;
using kernel::PageEntry;
namespace pte = kernel::pte;

inline constexpr std::uint32_t physical_bytes = 128 * l4::page_size;

struct FakeMemory {
    static std::vector<std::uint32_t>& words() {
        static std::vector<std::uint32_t> memory(physical_bytes / 4);
        return memory;
    }
    static std::uint32_t* pointer(std::uint32_t physical) { return words().data() + physical / 4; }
};

// Counts what is out.
class CountingPool {
public:
    void reset(unsigned pairs) {
        pool_ = {l4::page_size, l4::page_size + pairs * 2 * l4::page_size};
        pairs_used = 0;
    }
    std::uint32_t allocate_pair() {
        const std::uint32_t pair = pool_.allocate_pair();
        pairs_used += pair != 0;
        return pair;
    }
    void release_pair(std::uint32_t pair) {
        --pairs_used;
        pool_.release_pair(pair);
    }
    unsigned pairs_used = 0;

private:
    kernel::PagePool<FakeMemory> pool_;
};

struct Translation {
    bool present = false, writable = false;
    std::uint32_t frame = 0;
    std::uint32_t marks = 0; // accessed, dirty: with these the processor does not look at the table again

    // May it still be used when the tables say `now`?
    bool allowed_by(const Translation& now) const {
        return !present || (now.present && now.frame == frame && now.writable >= writable &&
                            (now.marks & marks) == marks);
    }
};

// The worst TLB: it has everything and forgets only what it is told to.
struct FakeTlb {
    Translation pages[end_task][pages_per_task];
    Translation superpages[end_task][region_count];

    void invalidate(unsigned task, std::uint32_t page) {
        pages[task][page / l4::page_size] = {};
        superpages[task][page / l4::superpage_size] = {};
    }
};

struct Machine {
    std::uint32_t directories[end_task] = {};
    CountingPool pool;
    FakeTlb tlb;
};

struct FakeSpaces {
    Machine* machine = nullptr;

    kernel::PageTables<FakeMemory> tables(unsigned task) const {
        return kernel::PageTables<FakeMemory>(machine->directories[task]);
    }
    PageEntry find(unsigned task, std::uint32_t page) const { return tables(task).find(page); }
    PageEntry create(unsigned task, std::uint32_t page) {
        return tables(task).find_or_create(page, machine->pool);
    }
    PageEntry superpage_entry(unsigned task, std::uint32_t page) const {
        return tables(task).superpage_entry(page);
    }
    bool split(unsigned task, std::uint32_t page) {
        return tables(task).split_superpage(page, machine->pool);
    }
    // The TCB array's tables stay.
    void filled(unsigned task, std::uint32_t page) {
        if (task != tcb_array)
            tables(task).entry_filled(page);
    }
    void cleared(unsigned task, std::uint32_t page) {
        if (task != tcb_array)
            tables(task).entry_cleared(page, machine->pool);
    }
    std::uint32_t flags(unsigned) const { return pte::user; }
    void changed(unsigned task, std::uint32_t page) { machine->tlb.invalidate(task, page); }
};
class MappingDatabaseTest : public testing::Test {
protected:
    void SetUp() override { restart(16 * entries_per_table, 56); }

    void restart(std::uint32_t node_count, unsigned pairs) {
        nodes_.assign(node_count, {});
        machine_.pool.reset(pairs);
        for (unsigned task = 0; task < end_task; ++task) {
            const std::uint32_t directory = machine_.pool.allocate_pair();
            machine_.directories[task] = directory;
            std::fill_n(FakeMemory::pointer(directory), 2 * entries_per_table, 0u);
        }
        for (unsigned region = 0; region < region_count; ++region)
            spaces().create(tcb_array, region * l4::superpage_size);
        database_ = {FakeSpaces{&machine_}, nodes_.data(), node_count};
        model_ = {};
    }

    bool map_root_superpage(unsigned region) {
        const Place first{sigma0, region * entries_per_table};
        const bool done =
            database_.map_root(sigma0, first.address(), frame_base + first.address(), pte::writable, true);
        for (unsigned page = 0; done && page < entries_per_table; ++page)
            model_.map_root({sigma0, first.page + page});
        return done;
    }
    bool map_root(unsigned page) {
        const Place place{sigma0, page};
        const bool done =
            database_.map_root(sigma0, place.address(), frame_base + place.address(), pte::writable, false);
        if (done)
            model_.map_root(place);
        return done;
    }
    bool map(Place from, Place to, unsigned pages, bool writable, bool grant = false) {
        model_.map(from, to, pages, writable, grant);
        return database_.map(from.task, from.address(), to.task, to.address(), pages * l4::page_size,
                             writable, grant);
    }
    void unmap(Place place, unsigned pages, bool own_too, bool fully) {
        model_.unmap(place, pages, own_too, fully);
        database_.unmap(place.task, place.address(), place.address() + pages * l4::page_size, own_too, fully);
    }
    // A thread of the task reads or writes there, if it may.
    void use(Place place, bool write) {
        const PageEntry entry = spaces().find(place.task, place.address());
        if (!entry.present() || (write && !entry.writable()))
            return;
        *entry.pte |= pte::accessed | (write ? pte::dirty : 0);
        model_.use(place, l4::page_accessed | (write ? l4::page_written : 0));
    }
    // What the database says and what the model says.
    std::pair<std::uint32_t, std::uint32_t> take_status(Place place, unsigned pages) {
        const std::uint32_t expected = model_.take_status(place, pages);
        return {database_.take_status(place.task, place.address(), place.address() + pages * l4::page_size),
                expected};
    }
    std::pair<std::uint32_t, std::uint32_t> take_written(Place place, unsigned pages) {
        const std::uint32_t expected = model_.take_written(place, pages);
        return {database_.take_written(place.task, place.address(), place.address() + pages * l4::page_size),
                expected};
    }
    std::pair<std::uint32_t, std::uint32_t> take_written_pinned(unsigned first_page, unsigned count) {
        const std::uint32_t expected = model_.take_written_pinned(first_page, count);
        return {database_.take_written_pinned(first_page * l4::page_size, count), expected};
    }
    template<class Keep>
    void forget(Keep keep) {
        model_.forget(keep);
        database_.forget(sigma0, space_end, keep);
    }

    static constexpr unsigned pairs_at_start = end_task + region_count; // directories, the TCB array's tables

    FakeSpaces spaces() { return FakeSpaces{&machine_}; }
    std::uint32_t nodes_used() const {
        return static_cast<std::uint32_t>(nodes_.size()) - 1 - database_.forest().free_nodes();
    }
    bool is_superpage(Place place) { return spaces().find(place.task, place.address()).superpage; }
    unsigned tables_used() const { return machine_.pool.pairs_used - pairs_at_start; }

    // The page tables as the model would have them.
    std::vector<Mapping> observed() {
        std::vector<Mapping> result(end_task * pages_per_task);
        for (unsigned task = 0; task < end_task; ++task) {
            for (unsigned page = 0; page < pages_per_task; ++page) {
                const Place place{task, page};
                const PageEntry entry = spaces().find(task, place.address());
                if (entry.pte == nullptr) {
                    page |= entries_per_table - 1;
                    continue;
                }
                if (!entry.present())
                    continue;
                Mapping& mapping = result[static_cast<std::size_t>(place.index())];
                mapping = {true, entry.writable(), entry.frame_of(place.address()), nobody};
                if (const NodeNumber parent = database_.forest()[*entry.node].parent; parent != 0) {
                    const MappingNode& node = database_.forest()[parent];
                    const std::uint32_t part = node.superpage() ? mapping.frame % l4::superpage_size : 0;
                    mapping.parent = Place{node.task(), (node.page() + part) / l4::page_size}.index();
                }
            }
        }
        return result;
    }

    // What must hold at any moment, whatever happened before.
    void check_structure(const std::vector<Mapping>& state) {
        const MappingForest& forest = database_.forest();
        unsigned entries = 0, tables = 0, in_trees = 0;
        for (unsigned task = 0; task < end_task; ++task) {
            for (unsigned region = 0; region < region_count; ++region) {
                const std::uint32_t base = region * l4::superpage_size;
                const PageEntry first = spaces().find(task, base);
                if (first.pte == nullptr)
                    continue;
                const unsigned count = first.superpage ? 1 : entries_per_table;
                unsigned present = 0;
                for (std::uint32_t address = base; address < base + count * l4::page_size;
                     address += l4::page_size) {
                    const PageEntry entry = spaces().find(task, address);
                    if (!entry.present()) {
                        ASSERT_EQ(*entry.pte, 0u);
                        ASSERT_EQ(*entry.node, 0u);
                        continue;
                    }
                    ++present;
                    const MappingNode& node = forest[*entry.node];
                    ASSERT_EQ(node.task(), task);
                    ASSERT_EQ(node.page(), address);
                    ASSERT_EQ(node.superpage(), entry.superpage);
                    ASSERT_NO_FATAL_FAILURE(check_children(*entry.node));
                    if (node.parent == 0)
                        for (NodeNumber below = *entry.node; below != 0;
                             below = forest.next_in_preorder(below, *entry.node))
                            ++in_trees;
                }
                entries += present;
                if (!first.superpage && task != tcb_array) {
                    ++tables;
                    ASSERT_GT(present, 0u) << "an empty table is kept";
                    ASSERT_EQ(*spaces().superpage_entry(task, base).node, present);
                }
            }
        }
        ASSERT_EQ(nodes_used(), entries);
        ASSERT_EQ(in_trees, entries);
        ASSERT_EQ(tables_used(), tables);
        for (std::size_t index = 0; index < state.size(); ++index) {
            const Mapping& mapping = state[index];
            if (!mapping.present || mapping.parent == nobody)
                continue;
            const Mapping& parent = state[static_cast<std::size_t>(mapping.parent)];
            ASSERT_TRUE(parent.present);
            ASSERT_EQ(mapping.frame, parent.frame);
            ASSERT_TRUE(mapping.writable <= parent.writable || index / pages_per_task == tcb_array);
        }
    }
    void check_children(NodeNumber parent) {
        const MappingForest& forest = database_.forest();
        bool pages_seen = false;
        for (NodeNumber child = forest[parent].first_child; child != 0; child = forest[child].next_sibling) {
            ASSERT_EQ(forest[child].parent, parent);
            ASSERT_FALSE(forest[child].superpage() && (pages_seen || !forest[parent].superpage()));
            pages_seen |= !forest[child].superpage();
        }
    }

    void fill_tlb(const std::vector<Mapping>& state) {
        machine_.tlb = {};
        for (unsigned task = 0; task < end_task; ++task)
            for (unsigned page = 0; page < pages_per_task; ++page) {
                const Place place{task, page};
                const Translation now = translation(state, place);
                if (!is_superpage(place))
                    machine_.tlb.pages[task][page] = now;
                else if (page % entries_per_table == 0)
                    machine_.tlb.superpages[task][page / entries_per_table] = now;
            }
    }
    Translation translation(const std::vector<Mapping>& state, Place place) {
        const Mapping& mapping = state[static_cast<std::size_t>(place.index())];
        const PageEntry entry = spaces().find(place.task, place.address());
        const std::uint32_t marks = entry.present() ? *entry.pte & (pte::accessed | pte::dirty) : 0;
        return {mapping.present, mapping.writable, mapping.frame, marks};
    }
    void check_tlb(const std::vector<Mapping>& state) {
        for (unsigned task = 0; task < end_task; ++task)
            for (unsigned page = 0; page < pages_per_task; ++page) {
                const Translation now = translation(state, {task, page});
                ASSERT_TRUE(machine_.tlb.pages[task][page].allowed_by(now)) << task << " " << page;
                Translation part = machine_.tlb.superpages[task][page / entries_per_table];
                part.frame += page % entries_per_table * l4::page_size;
                ASSERT_TRUE(part.allowed_by(now)) << task << " " << page << " of a superpage";
            }
    }

    void compare() {
        const std::vector<Mapping> state = observed();
        for (std::size_t index = 0; index < state.size(); ++index)
            ASSERT_EQ(state[index], model_.mappings[index])
                << index / pages_per_task << " " << index % pages_per_task;
        check_structure(state);
    }

    std::vector<MappingNode> nodes_;
    Machine machine_;
    MappingDatabase<FakeSpaces> database_;
    Model model_;
};

} // namespace mapping_test
