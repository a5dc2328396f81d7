// A model of everything around the checkpoint logic: memory, clients that read and write through their
// mappings, and a disk that reads memory while clients run. The clients act inside every blocking call of the
// logic, as threads do. Writes that the drain hands over end in any order, some of them with an error
// (asynchronous_disk.hpp).
//
// Reference: `content`, the seed of what every page must hold now. It is copied at the probe of each
// snapshot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pager/checkpoint/checkpoint.hpp"
#include "pager/store/either_store.hpp"
#include "tests/pager/asynchronous_disk.hpp"
#include "tests/store/crash_checker.hpp"

namespace fixpoint::test {

struct PlantedBug {
    bool one_revocation_forgotten = false; // a page stays writable after the snapshot
    bool frames_freed_too_early = false;   // the disk reads memory only after it has said done
    bool mapped_writable_on_read = false;  // a client gets write access from a read fault
    bool one_dirty_bit_forgotten = false;  // the kernel does not report a write
    bool one_tcb_bit_forgotten = false;    // the same for a TCB page
};

class ModelWorld final : public pager::Platform, public pager::CheckpointListener {
public:
    ModelWorld(store::StoreKind kind, std::vector<Sector> image, uint32_t frames, uint64_t seed,
               PlantedBug bug = {});

    // Opens the disk; on a recovery all clients start from the snapshot's content. As needed: they do so before the
    // whole directory is known, and finish_recovery() is to be called before the first checkpoint.
    void start(const std::map<uint32_t, World>& earlier_snapshots, const pager::Policy& policy,
               store::Reading reading = store::Reading::whole);
    // Reads the other TCB pages, then the next part of the directory while clients run. False: that was all.
    bool read_more_of_directory();
    // What is left of it, then the working set.
    void finish_recovery();
    // Clients do `steps` random reads and writes.
    void act(unsigned steps);
    // A write fault, without a write.
    pager::FaultAnswer::Kind fault_in(store::PageKey key) { return pages_.fault(key, true, busy_disk_).kind; }
    // Takes a checkpoint; before, makes room in the store if clients wait for that.
    void take_checkpoint();
    // All clients give back all that they have, and do nothing from then on.
    void end_clients();
    // The last one: no fault is answered after its stop. Clients go on acting where they can.
    void take_last_checkpoint();
    // What memory holds now; pages that are missing were never written.
    const World& content() const { return content_; }

    std::optional<std::string> violation; // the first
    std::map<uint32_t, World> snapshots;  // by epoch
    uint32_t copies = 0, waits = 0, evictions = 0;
    uint32_t discards = 0, waits_for_slot = 0, waits_for_directory = 0, waits_for_tcb = 0, prefetched = 0;
    std::set<std::pair<pager::PageState, bool>> discarded_states; // with or without saved content
    uint32_t waits_for_store = 0, moves = 0;                      // times that room was made
    uint32_t longest_revocation = 0;                              // frames that one call was about
    uint32_t tcb_pages_in_stop = 0;                               // that the last one copied
    uint32_t disk_failures = 0;                                   // that the drain was told of

    const RecordingDisk& disk() const { return disk_; }
    uint32_t most_writes_at_once() const { return queue_.most_on_their_way(); }
    store::Store& store() { return store_; }
    pager::Pages& pages() { return pages_; }
    uint32_t frames() const { return frames_; }

    // Platform.
    uint8_t* memory_of(uint32_t frame) override { return &memory_[frame]; }
    void save_floating_point() override {}
    void revoke_write(uint32_t first_frame, uint32_t count) override;
    uint32_t take_status(uint32_t frame) override;
    uint32_t unmap(uint32_t frame) override;
    uint32_t take_written(uint32_t first_frame, uint32_t log2_frames) override;
    uint32_t take_written_tcbs(uint32_t tcb_address) override;
    void copy_tcbs(uint32_t to_frame, uint32_t from_frame) override;
    uint64_t clock_us() override { return ++clock_us_; }
    void pause() override {
        clock_us_ += 1000;
        act(3);
    }
    void stop_begins(uint32_t) override { stopped_ = true; }
    void snapshot(uint32_t epoch) override { snapshots[epoch] = content_; }
    void snapshot_tables(uint32_t) override {}
    void stop_ends(uint32_t, uint32_t, uint32_t tcb_pages) override {
        stopped_ = false;
        tcb_pages_in_stop = tcb_pages;
    }
    void committed(uint32_t) override {}
    void page_placed(store::PageKey key, uint32_t frame, l4::PageSource source) override;
    void page_evicted(store::PageKey) override { ++evictions; }
    void page_released(store::PageKey) override { ++discards; }
    void page_copied(store::PageKey) override { ++copies; }
    void phase(l4::Phase) override {}
    // Listener.
    void frame_freed() override {}
    void disk_failed(const char*) override {
        ++disk_failures;
        act(2);
    }
    pager::PageIns page_ins() override { return {page_ins_, false, false}; }

private:
    struct Mapping {
        uint32_t frame = 0;
        bool writable = false;
    };

    // Between the logic and the recording: clients run while a request is on its way.
    class BusyDisk final : public store::BlockDevice {
    public:
        explicit BusyDisk(ModelWorld& world) : world_{world} {}
        virtual ~BusyDisk() = default;
        uint32_t sector_count() const override { return world_.disk_.sector_count(); }
        store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override;
        store::DeviceStatus write(uint32_t first, const store::Segment* segments, uint32_t count) override;
        store::DeviceStatus flush() override;

    private:
        ModelWorld& world_;
    };

    void recover_other_tcbs();
    void read_page(store::PageKey key);
    void write_page(store::PageKey key);
    void discard_pages(store::PageKey first);
    void discard_range(const pager::PageRange& range);
    std::optional<Mapping> resolve(store::PageKey key, bool write);
    std::vector<uint8_t> expected(store::PageKey key) const;
    void fail(const std::string& what) {
        if (!violation)
            violation = what;
    }

    PlantedBug bug_;
    std::mt19937_64 random_;
    std::vector<uint8_t> memory_;
    uint32_t frames_;
    RecordingDisk disk_;
    BusyDisk busy_disk_;
    AsynchronousDisk queue_;
    std::vector<uint64_t> store_memory_, pages_memory_;
    std::vector<uint32_t> list_;
    store::EitherStore stores_;
    store::Store& store_;
    pager::Pages pages_;
    std::optional<pager::Checkpoint> checkpoint_;
    World content_; // missing: never written, zero
    std::map<store::PageKey, Mapping> mappings_;
    std::map<uint32_t, uint32_t> status_; // of frames: accessed, written since it was asked for last
    std::set<uint32_t> written_tcbs_;     // addresses of TCB pages, since it was asked for last
    uint64_t clock_us_ = 0;
    uint32_t page_ins_ = 0;
    unsigned nesting_ = 0, revocations_ = 0, reported_writes_ = 0, reported_tcbs_ = 0;
    bool runs_in_reads_ = false; // clients do, while the checkpointer reads
    bool stopped_ = false, stays_stopped_ = false, store_is_short_ = false, clients_ended_ = false;
};

// Opens what is on the disk: the epoch allowed, each page as in its snapshot; a page that is missing must be
// zero there.
std::optional<std::string> check_snapshot_on(store::BlockDevice& disk,
                                             const std::map<uint32_t, World>& snapshots,
                                             uint32_t oldest_allowed, uint32_t newest_allowed);

} // namespace fixpoint::test
