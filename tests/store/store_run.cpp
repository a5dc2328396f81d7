#include "tests/store/store_run.hpp"

#include "tests/store/write_pages.hpp"

#include <algorithm>

namespace fixpoint::test {
namespace {

bool is_tcb(store::PageKey key) {
    return store::key_task(key) == 0;
}

} // namespace

bool StoreRun::start(const History& worlds) {
    if (on_disk.status == store::OpenStatus::blank && !opened.format())
        return false;
    if (opened.epoch() != 0)
        world = worlds.at(opened.epoch());
    for (uint32_t slot = 0; slot < opened.slots(); ++slot)
        if (opened.entry(slot).is_used())
            slots[opened.entry(slot).key()] = slot;
    if (!opened.repair())
        return false;
    session = opened.begin_session();
    return session != 0;
}

bool StoreRun::move(store::Moving how) {
    const bool moved = opened.move_some(how) == store::MoveStatus::moved;
    moves += moved ? 1 : 0;
    return moved;
}

bool StoreRun::commit_moves() {
    disk.begin_commit();
    const bool ok = opened.commit_moves() == store::CommitStatus::ok;
    disk.report_committed(opened.epoch());
    return ok;
}

// As the server: what the store has no room for waits until pages were moved, or for the next checkpoint.
bool StoreRun::reserve(uint32_t slot) {
    while (!opened.reserve(slot)) {
        ++refusals;
        if (!move(store::Moving::for_writers) && !opened.has_moved())
            return false;
        if (!commit_moves())
            return false;
    }
    return true;
}

void StoreRun::make_pages(std::mt19937_64& random) {
    for (unsigned i = 0; i < 2 + random() % 4; ++i) {
        const uint32_t task = random() % 8 == 0 ? 0 : 16 + static_cast<uint32_t>(random() % 3);
        store::PageKey key = store::page_key(task, next_page++ << 12);
        if (!removed.empty() && random() % 2 == 0) {
            key = removed.back();
            removed.pop_back();
        }
        if (opened.first_free_slot() == store::no_slot || (is_tcb(key) && !opened.can_reserve()))
            continue;
        const uint32_t slot = opened.allocate(key);
        if (!is_tcb(key) || opened.reserve(slot))
            slots[key] = slot;
    }
}

// Pages that go: those that the newest checkpoint has leave the next one, whose slots these are; others go at once.
std::vector<uint32_t> StoreRun::choose_removals(std::mt19937_64& random) {
    std::vector<uint32_t> leaving;
    for (auto page = slots.begin(); page != slots.end();) {
        const auto [key, slot] = *page;
        if (is_tcb(key) || random() % 8 != 0) {
            ++page;
            continue;
        }
        if (opened.entry(slot).is_used())
            leaving.push_back(slot);
        else
            opened.free(slot);
        world.erase(key);
        removed.push_back(key);
        page = slots.erase(page);
        ++removals;
    }
    return leaving;
}

bool StoreRun::checkpoint(std::mt19937_64& random, History& worlds, bool last_of_session) {
    while (random() % 3 == 0 && move(store::Moving::lazily)) {
    }
    std::vector<uint32_t> leaving = choose_removals(random);
    make_pages(random);
    std::vector<store::PageWrite> writes;
    for (const auto& [key, slot] : slots)
        if (is_tcb(key) ? !world.contains(key) || random() % 2 == 0
                        : (!world.contains(key) || random() % 4 == 0) && reserve(slot)) {
            world[key] = random() % 8 == 0 ? zero_page : random();
            writes.push_back({slot, nullptr});
        }
    // The store chooses the order, and the server sometimes another one.
    if (random() % 4 == 0)
        std::shuffle(writes.begin(), writes.end(), random);
    else
        std::sort(writes.begin(), writes.end(), [&](const auto& a, const auto& b) {
            return opened.target_sector(a.slot) < opened.target_sector(b.slot);
        });
    std::vector<std::vector<uint8_t>> contents;
    for (store::PageWrite& write : writes) {
        contents.push_back(page_content(world[opened.entry(write.slot).key()]));
        write.content = contents.back().data();
    }
    while (!opened.can_begin())
        if ((!move(store::Moving::for_stop) && !opened.has_moved()) || !commit_moves())
            return false;
    for (size_t first = 0; first < writes.size(); first += store::transfer_segments_max) {
        if (!leaving.empty() && random() % 2 == 0) {
            opened.remove(leaving.back());
            leaving.pop_back();
        }
        const size_t count = std::min<size_t>(store::transfer_segments_max, writes.size() - first);
        write_pages_at_once(opened, disk, {&writes[first], count}, random);
    }
    if (!writes.empty() && random() % 2 == 0)
        write_pages_at_once(opened, disk, {&writes[random() % writes.size()], 1}, random);
    for (const uint32_t slot : leaving)
        opened.remove(slot);
    worlds[opened.epoch() + 1] = world;
    disk.begin_commit();
    const bool ok =
        opened.commit({.clock_us = random(), .session = session, .last_of_session = last_of_session}) ==
        store::CommitStatus::ok;
    disk.report_committed(opened.epoch());
    return ok;
}

} // namespace fixpoint::test
