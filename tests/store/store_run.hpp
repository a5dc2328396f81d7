// A world of pages that lives on a store: each checkpoint changes some, makes new ones, writes some twice, removes some.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "tests/store/crash_checker.hpp"
#include "tests/store/opened_store.hpp"

namespace fixpoint::test {

struct StoreRun {
    StoreRun(RecordingDisk& recording, store::StoreKind kind)
        : disk{recording}, on_disk{recording, kind}, opened{on_disk.opened} {}

    // What the server does at a start.
    bool start(const History& worlds);
    // False: the disk failed. last_of_session: it is a controlled shutdown's.
    bool checkpoint(std::mt19937_64& random, History& worlds, bool last_of_session = false);
    bool commit_moves();

    RecordingDisk& disk;
    OpenedStore on_disk;
    store::Store& opened;
    std::map<store::PageKey, uint32_t> slots;
    World world;
    uint32_t next_page = 1, session = 0;
    uint32_t refusals = 0, moves = 0; // pages that had to wait; times that pages were moved
    uint32_t removals = 0;
    std::vector<store::PageKey> removed; // some come again, in other slots

private:
    bool reserve(uint32_t slot);
    bool move(store::Moving how);
    void make_pages(std::mt19937_64& random);
    std::vector<uint32_t> choose_removals(std::mt19937_64& random);
};

} // namespace fixpoint::test
