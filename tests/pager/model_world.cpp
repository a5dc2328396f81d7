#include "tests/pager/model_world.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "tests/store/opened_store.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace pager {
void assertion_failed(const char* what) {
    std::fprintf(stderr, "broken invariant: %s\n", what);
    std::abort();
}
} // namespace pager

namespace fixpoint::test {
namespace {

constexpr uint32_t page_bytes = store::block_bytes, client_pages = 40, tcb_pages = 5;
constexpr uint32_t tcb_used_bytes = 3 * page_bytes / 4; // of a TCB page; the rest is zero
constexpr uint32_t client_tasks[] = {16, 17}, first_client_page = 0x400000u;

std::vector<uint8_t> content_of(store::PageKey key, uint64_t seed) {
    std::vector<uint8_t> content = page_content(seed);
    if (store::key_task(key) == 0)
        std::fill(content.begin() + tcb_used_bytes, content.end(), uint8_t{0});
    return content;
}

pager::PageRange all_of_task(uint32_t task) {
    return {store::page_key(task, page_bytes), (l4::user_space_end >> l4::page_bits) - 1};
}

store::PageKey random_key(std::mt19937_64& random) {
    // A few tasks' pages; one in eight accesses is the kernel's, to a TCB.
    if (random() % 8 == 0)
        return store::page_key(0, 0xE0200000u + static_cast<uint32_t>(random() % tcb_pages) * page_bytes);
    return store::page_key(client_tasks[random() % 2],
                           first_client_page + static_cast<uint32_t>(random() % client_pages) * page_bytes);
}

} // namespace

ModelWorld::ModelWorld(store::StoreKind kind, std::vector<Sector> image, uint32_t frames, uint64_t seed,
                       PlantedBug bug)
    : bug_{bug}, random_{seed},
      memory_((frames + 1) * size_t{page_bytes}, uint8_t{0xA5}), frames_{frames}, disk_{std::move(image)},
      busy_disk_{*this}, queue_{disk_,
                                random_,
                                {.errors = true, .reads_after_end = bug.frames_freed_too_early},
                                [this] {
                                    clock_us_ += random_() % 10'000;
                                    act(4);
                                }},
      store_{stores_.of_kind(kind)} {}

void ModelWorld::start(const std::map<uint32_t, World>& earlier_snapshots, const pager::Policy& policy,
                       store::Reading reading) {
    snapshots = earlier_snapshots;
    stopped_ = true; // no clients yet
    // Memory has anything in it at a start.
    store_memory_.assign(store_.memory_bytes(disk_.sector_count()) / 8 + 1, random_());
    const store::OpenStatus status = store_.open(
        busy_disk_, store_memory_.data(), static_cast<uint32_t>(store_memory_.size() * 8), false, reading);
    if (status == store::OpenStatus::blank && !store_.format())
        fail("format");
    else if (status != store::OpenStatus::blank && status != store::OpenStatus::empty &&
             status != store::OpenStatus::checkpoint)
        fail("open says " + std::to_string(static_cast<int>(status)));
    const uint32_t session = store_.repair() ? store_.begin_session() : 0;
    if (session == 0)
        fail("start");
    if (store_.epoch() != 0)
        content_ = snapshots.at(store_.epoch());

    pages_memory_.assign(pager::Pages::memory_bytes(store_.slots(), frames_) / 8 + 1, random_());
    list_.resize(pager::Checkpoint::memory_bytes(frames_) / sizeof(uint32_t));
    pages_.initialise(pages_memory_.data(), frames_, store_, *this, policy);
    pages_.add_frames(page_bytes, (frames_ + 1) * page_bytes);
    if (pages_.recover_tcbs(busy_disk_) != store::no_slot)
        fail("a TCB page does not verify");
    checkpoint_.emplace(pages_, store_, queue_, *this, *this, policy,
                        pager::Checkpoint::World{.session = session}, list_.data());
    stopped_ = false;
    if (reading == store::Reading::whole)
        recover_other_tcbs();
}

void ModelWorld::recover_other_tcbs() {
    runs_in_reads_ = true;
    if (pages_.recover_other_tcbs(busy_disk_) != store::no_slot)
        fail("a TCB page does not verify");
    runs_in_reads_ = false;
}

bool ModelWorld::read_more_of_directory() {
    recover_other_tcbs();
    if (store_.is_complete())
        return false;
    runs_in_reads_ = true;
    store::SlotRange range;
    if (store_.read_more(range) != store::OpenStatus::checkpoint)
        fail("the directory cannot be read");
    pages_.learn(range);
    runs_in_reads_ = false;
    return !violation;
}

void ModelWorld::finish_recovery() {
    while (read_more_of_directory())
        act(5);
    runs_in_reads_ = true;
    std::vector<uint32_t> slots(frames_), scratch(frames_);
    uint32_t count = store_.read_working_set(slots.data(), frames_);
    count = pages_.prepare_prefetch(slots.data(), scratch.data(), count);
    for (uint32_t done = 0; done < count;) {
        done += pages_.prefetch(&slots[done], count - done, busy_disk_);
        act(2);
    }
    prefetched += count;
    runs_in_reads_ = false;
}

std::vector<uint8_t> ModelWorld::expected(store::PageKey key) const {
    const auto found = content_.find(key);
    return found == content_.end() ? std::vector<uint8_t>(page_bytes) : content_of(key, found->second);
}

void ModelWorld::page_placed(store::PageKey key, uint32_t frame, l4::PageSource) {
    if (std::memcmp(memory_of(frame), expected(key).data(), page_bytes) != 0)
        fail("a page was placed with other content");
}

void ModelWorld::revoke_write(uint32_t first_frame, uint32_t count) {
    longest_revocation = std::max(longest_revocation, count);
    for (uint32_t frame = first_frame; count > 0; frame += page_bytes, --count) {
        if (bug_.one_revocation_forgotten && ++revocations_ % 16 == 0)
            continue;
        for (auto& [key, mapping] : mappings_)
            if (mapping.frame == frame)
                mapping.writable = false;
    }
}

uint32_t ModelWorld::take_written(uint32_t first_frame, uint32_t log2_frames) {
    if (first_frame % (page_bytes << log2_frames) != 0)
        fail("a group of frames that is not aligned");
    uint32_t written = 0;
    for (uint32_t i = 0; i < 1u << log2_frames; ++i)
        if ((take_status(first_frame + i * page_bytes) & l4::page_written) != 0)
            written |= 1u << i;
    return written;
}

uint32_t ModelWorld::take_written_tcbs(uint32_t tcb_address) {
    if (tcb_address % l4::tcb_group_bytes != 0)
        fail("a group of TCB pages that is not aligned");
    uint32_t written = 0;
    for (uint32_t i = 0; i < l4::tcb_group_pages; ++i)
        if (written_tcbs_.erase(tcb_address + i * page_bytes) != 0 &&
            !(bug_.one_tcb_bit_forgotten && ++reported_tcbs_ % 16 == 0))
            written |= 1u << i;
    return written;
}

void ModelWorld::copy_tcbs(uint32_t to_frame, uint32_t from_frame) {
    std::memcpy(memory_of(to_frame), memory_of(from_frame), tcb_used_bytes);
}

uint32_t ModelWorld::take_status(uint32_t frame) {
    uint32_t status = std::exchange(status_[frame], 0);
    if (bug_.one_dirty_bit_forgotten && (status & l4::page_written) != 0 && ++reported_writes_ % 16 == 0)
        status &= ~l4::page_written;
    return status;
}

uint32_t ModelWorld::unmap(uint32_t frame) {
    std::erase_if(mappings_, [frame](const auto& mapping) { return mapping.second.frame == frame; });
    return take_status(frame);
}

void ModelWorld::act(unsigned steps) {
    if (stopped_) // I1: nothing persistent runs in a stop
        return fail("blocked within a stop");
    if (nesting_ > 0 || clients_ended_) // one pager thread: faults within its own page-in wait for it
        return;
    ++nesting_;
    for (unsigned i = 0; i < steps && !violation; ++i) {
        const store::PageKey key = random_key(random_);
        if (random_() % 16 == 0)
            mappings_.erase(key); // I7: page tables are soft state
        else if (random_() % 24 == 0)
            discard_pages(key);
        else if (random_() % 2 == 0)
            read_page(key);
        else
            write_page(key);
    }
    --nesting_;
}

void ModelWorld::take_checkpoint() {
    while (std::exchange(store_is_short_, false) && checkpoint_->make_room_for_writers()) {
        ++moves;
        disk_.report_committed(store_.epoch());
        act(10);
    }
    if (store_.should_move())
        (void)checkpoint_->move_some(store::Moving::lazily);
    checkpoint_->take();
    if (queue_.misuse())
        fail("the drain: " + *queue_.misuse());
    disk_.report_committed(store_.epoch());
}

void ModelWorld::take_last_checkpoint() {
    checkpoint_->make_room_for_stop();
    checkpoint_->stop();
    checkpoint_->stay_stopped();
    stays_stopped_ = true;
    checkpoint_->drain();
    checkpoint_->commit();
    disk_.report_committed(store_.epoch());
}

std::optional<ModelWorld::Mapping> ModelWorld::resolve(store::PageKey key, bool write) {
    const auto found = mappings_.find(key);
    if (found != mappings_.end() && (!write || found->second.writable))
        return found->second;
    if (stays_stopped_)
        return std::nullopt;
    const pager::FaultAnswer answer = pages_.fault(key, write, busy_disk_);
    if (answer.kind != pager::FaultAnswer::Kind::map) {
        waits += answer.kind == pager::FaultAnswer::Kind::wait_for_frame;
        if (!write && answer.kind == pager::FaultAnswer::Kind::no_slot)
            fail("a reader waits for a slot");
        waits_for_slot += answer.kind == pager::FaultAnswer::Kind::no_slot;
        if (answer.kind == pager::FaultAnswer::Kind::wait_for_recovery)
            ++(store::key_task(key) == 0 ? waits_for_tcb : waits_for_directory);
        if (answer.kind == pager::FaultAnswer::Kind::wait_for_store) {
            ++waits_for_store;
            store_is_short_ = true;
        }
        return std::nullopt;
    }
    if (write && !answer.writable)
        fail("a write fault got a read-only page");
    mappings_[key] = {answer.frame, answer.writable || bug_.mapped_writable_on_read};
    return mappings_[key];
}

void ModelWorld::read_page(store::PageKey key) {
    const auto mapping = resolve(key, false);
    if (mapping)
        status_[mapping->frame] |= l4::page_accessed;
    if (mapping && std::memcmp(memory_of(mapping->frame), expected(key).data(), page_bytes) != 0)
        fail("a client reads other content than it wrote");
}

void ModelWorld::write_page(store::PageKey key) {
    const auto mapping = resolve(key, true);
    if (!mapping)
        return;
    content_[key] = random_();
    if (store::key_task(key) == 0)
        written_tcbs_.insert(store::key_address(key));
    else
        status_[mapping->frame] |= l4::page_accessed | l4::page_written;
    std::memcpy(memory_of(mapping->frame), content_of(key, content_[key]).data(), page_bytes);
}

// Some neighbours; now and then all that the task has.
void ModelWorld::discard_pages(store::PageKey first) {
    // Requests are not answered yet, or not any more.
    if (store::key_task(first) == 0 || stays_stopped_ || !store_.is_complete())
        return;
    if (random_() % 16 == 0)
        discard_range(all_of_task(store::key_task(first)));
    else
        discard_range({first, 1 + static_cast<uint32_t>(random_() % 4)});
}

void ModelWorld::end_clients() {
    clients_ended_ = true;
    for (const uint32_t task : client_tasks)
        discard_range(all_of_task(task));
}

void ModelWorld::discard_range(const pager::PageRange& range) {
    for (uint32_t page = 0; page < client_pages; ++page) {
        const store::PageKey key = store::page_key(store::key_task(range.first), first_client_page) + page;
        const uint32_t slot = key - range.first < range.count ? pages_.find(key) : store::no_slot;
        if (slot != store::no_slot)
            discarded_states.emplace(pages_.page(slot).state(), pages_.page(slot).is_saved());
    }
    for (uint32_t next = 0;;) {
        next = pages_.discard_some(range, next).next;
        if (next == 0)
            break;
    }
    std::erase_if(content_, [&](const auto& page) { return page.first - range.first < range.count; });
}

store::DeviceStatus ModelWorld::BusyDisk::read(uint32_t first, void* buffer, uint32_t sectors) {
    ++world_.page_ins_;
    if (world_.runs_in_reads_)
        world_.act(2);
    return world_.disk_.read(first, buffer, sectors);
}

// DMA: half of every block is read, clients run, the other half is read.
store::DeviceStatus ModelWorld::BusyDisk::write(uint32_t first, const store::Segment* segments,
                                                uint32_t count) {
    std::vector<uint8_t> bytes;
    for (uint32_t i = 0; i < count; ++i) {
        const auto* from = static_cast<const uint8_t*>(segments[i].data);
        bytes.insert(bytes.end(), from, from + segments[i].bytes);
    }
    if (!world_.stopped_)
        world_.act(4);
    size_t offset = 0;
    for (uint32_t i = 0; i < count; offset += segments[i++].bytes)
        std::memcpy(&bytes[offset + segments[i].bytes / 2],
                    static_cast<const uint8_t*>(segments[i].data) + segments[i].bytes / 2,
                    segments[i].bytes / 2);
    const store::Segment whole{bytes.data(), static_cast<uint32_t>(bytes.size())};
    return world_.disk_.write(first, &whole, 1);
}

store::DeviceStatus ModelWorld::BusyDisk::flush() {
    if (world_.queue_.on_their_way() != 0)
        world_.fail("a commit begins before the drain is over");
    world_.queue_.write_late();
    if (!world_.stopped_)
        world_.act(2);
    return world_.disk_.flush();
}

std::optional<std::string> check_snapshot_on(store::BlockDevice& disk,
                                             const std::map<uint32_t, World>& snapshots,
                                             uint32_t oldest_allowed, uint32_t newest_allowed) {
    store::StoreKind kind = store::StoreKind::ab;
    if (!store::find_kind(disk, kind))
        return oldest_allowed == 0 ? std::nullopt : std::optional{std::string{"no store is found"}};
    const OpenedStore on_disk{disk, kind};
    const store::Store& opened = on_disk.opened;
    const store::OpenStatus status = on_disk.status;
    if (status != store::OpenStatus::checkpoint)
        return oldest_allowed == 0 ? std::nullopt
                                   : std::optional{"open says " + std::to_string(static_cast<int>(status))};
    if (opened.epoch() < oldest_allowed || opened.epoch() > newest_allowed)
        return "epoch " + std::to_string(opened.epoch());
    World expected = snapshots.at(opened.epoch());
    for (uint32_t slot = 0; slot < opened.slots(); ++slot) {
        if (!opened.entry(slot).is_used())
            continue;
        std::vector<uint8_t> content(page_bytes);
        const auto page = expected.find(opened.entry(slot).key());
        if (opened.load(slot, content.data()) != store::LoadStatus::ok)
            return "a page does not verify";
        if (content != (page == expected.end() ? std::vector<uint8_t>(page_bytes)
                                               : content_of(page->first, page->second)))
            return "a page of epoch " + std::to_string(opened.epoch()) + " is not of the snapshot's instant";
        if (page != expected.end())
            expected.erase(page);
    }
    return expected.empty() ? std::nullopt : std::optional<std::string>{"written pages are missing"};
}

} // namespace fixpoint::test
