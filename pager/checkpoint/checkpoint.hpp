// One checkpoint from the stop to its commit. The three steps are in files of their own, in the order of the
// protocol:
//
//   stop.cpp    nothing persistent runs; dirty pages become frozen, TCB pages are copied: the snapshot (I1)
//   drain.cpp   everything runs; the frozen content goes to blocks that the newest checkpoint does not use (I4)
//   commit.cpp  directory, root (I3); only then the checkpoint counts and is reported (I9)
//
// The drain waits for the disk in this thread only; write faults meanwhile copy on write (pages.hpp).
//
// Between checkpoints the store may have to move pages before more can become dirty: make_room.cpp.
#pragma once

#include <cstdint>

#include "pager/checkpoint/drain_throttle.hpp"
#include "pager/checkpoint/pages.hpp"
#include "pager/checkpoint/platform.hpp"
#include "pager/checkpoint/policy.hpp"
#include "pager/checkpoint/write_queue.hpp"
#include "pager/store/store.hpp"

namespace pager {

// Whom the drain tells about its progress and troubles, and asks who else needs the disk.
class CheckpointListener {
public:
    virtual void frame_freed() = 0;                 // a waiting writer may go on now
    virtual void disk_failed(const char* what) = 0; // tried again after a while; returns then
    virtual PageIns page_ins() = 0;

protected:
    ~CheckpointListener() = default;
};

class Checkpoint {
public:
    struct World { // what every snapshot says about itself
        uint32_t session = 0, tcb_bytes = 0;
        uint8_t build_id[20] = {};
    };
    struct Figures { // of the last checkpoint
        uint32_t frozen_pages = 0, tcb_pages = 0, write_requests = 0;
    };

    // `queue` writes to the store's device. `memory` has memory_bytes(). The parts stay the caller's.
    Checkpoint(Pages& pages, store::Store& store, WriteQueue& queue, Platform& platform,
               CheckpointListener& listener, const Policy& policy, const World& world, uint32_t* memory)
        : pages_{pages}, store_{store}, queue_{queue}, platform_{platform}, listener_{listener},
          policy_{policy}, world_{world}, list_{memory}, scratch_{memory + pages.frames()},
          random_{policy.seed}, throttle_{policy.drain_depth, policy.drain_throttle} {}

    static uint32_t memory_bytes(uint32_t frames) {
        return 2 * frames * static_cast<uint32_t>(sizeof(uint32_t));
    }

    void take() {
        make_room_for_stop();
        stop();
        drain();
        commit();
    }
    void make_room_for_stop();
    void stop();
    // Right after stop(): this checkpoint is the last one. Nobody has a persistent page any more, so that every
    // persistent thread comes to a page fault at its next instruction, and stays there.
    void stay_stopped();
    void drain();
    void commit();

    // Moves a few pages within the store. False: there is nothing to move.
    bool move_some(store::Moving how);
    // Moves some and commits that; writers that wait for the store can be tried again. False: only a checkpoint can
    // make room.
    bool make_room_for_writers();

    const Figures& figures() const { return figures_; }

private:
    struct Flight { // a request on its way to the disk
        store::WriteRequest request;
        uint32_t pages = 0; // 0: none
        uint32_t slot[store::transfer_segments_max] = {};
    };

    bool make_room(store::Moving how);
    void note_working_set();
    void copy_aside_eagerly();
    void put_in_order();
    void shuffle();
    bool may_begin();
    uint32_t begin_batch(uint32_t first);
    void submit(uint32_t place);
    void end_batch();
    void land(Flight& flight);
    void remove_discarded();

    Pages& pages_;
    store::Store& store_;
    WriteQueue& queue_;
    Platform& platform_;
    CheckpointListener& listener_;
    Policy policy_;
    World world_;
    uint32_t* list_;    // slots that still have content for the running checkpoint
    uint32_t* scratch_; // as long, for sorting it
    uint32_t list_count_ = 0;
    uint32_t random_;                    // state of the random drain order
    Flight flights_[WriteQueue::places]; // by place
    uint32_t flying_ = 0;
    DrainThrottle throttle_;
    store::Snapshot snapshot_;
    Figures figures_;
};

} // namespace pager
