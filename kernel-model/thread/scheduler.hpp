// Who runs.
//
// The highest priority wins; equals share in time slices, FIFO. The running thread is in no queue, so that an
// IPC that hands the processor to its partner needs no queue operation at all. Handlers change states, then
// call reschedule(), which makes the right thread current; entries.S resumes it.
//
// A thread can donate its time slice (thread_switch): the beneficiary then runs as if it had the donor's priority and
// slice, until the slice ends, it blocks, or somebody more important preempts it. The donor stays ready, first of its
// equals. A donation is soft state: a restored thread has a fresh slice of its own.
//
// While a thread of priority 255 runs, the tick only advances the clock and the thread's processor time: expired timeouts are handled when a
// thread of lower priority is next chosen. So a checkpoint server at priority 255 is not interleaved with
// anything but its own blocking calls, and nothing persistent is touched in a stop.
#pragma once

#include "kernel-model/abi/system_layout.hpp"
#include "kernel-model/thread/ready_queues.hpp"
#include "kernel-model/thread/tcb.hpp"
#include "kernel-model/thread/wakeup_queue.hpp"

#include <cstdint>

namespace kernel {

// Resident state of each thread: what may be needed while its TCB page must not be touched (I6).
struct SchedulerEntry {
    ReadyLink ready;
    uint64_t wakeup_us;
    uint16_t heap_position;
    uint8_t priority;
    bool known;           // created or adopted since this boot
    bool repeats_fault;   // its page-fault RPC is over: probe fault_end when it next runs
    uint16_t orphan_next; // recovery: polls on a thread whose TCB has not come back yet
    uint32_t slice_left_us;
    uint32_t reserved[2];
};
static_assert(sizeof(SchedulerEntry) == 32, "one entry never straddles two cache lines");

inline constexpr uint32_t default_slice_us = 10'000;

class Scheduler {
public:
    // Resident memory for one entry and one heap slot a thread, zeroed.
    void initialise(SchedulerEntry* entries, uint16_t* heap_slots);

    SchedulerEntry& entry(const Tcb& thread) { return entries_[index_of(thread)]; }
    SchedulerEntry& entry(ThreadIndex index) { return entries_[index]; }

    // Makes `thread` running: at the end of its queue, unless it is the current one.
    void make_ready(Tcb& thread);
    // The same, and the next reschedule() prefers it among equals: the receiver of a message.
    void hand_over_to(Tcb& thread);
    // `thread` has stopped running (its state says why).
    void not_ready(Tcb& thread);
    void set_priority(Tcb& thread, uint8_t priority);

    void set_wakeup(Tcb& thread, uint64_t timeout_us); // Timeouts::infinite_us: none
    void set_absolute_wakeup(Tcb& thread, uint64_t wakeup_us);
    void cancel_wakeup(Tcb& thread) {
        const ThreadIndex index = index_of(thread);
        if (!wakeups_.contains(index)) [[likely]]
            return;
        wakeups_.remove(index);
        thread.wakeup_us = no_wakeup;
    }
    void shift_wakeups(uint64_t by_us) { wakeups_.shift_all(by_us); }

    void yield(); // current thread to the end of its queue, the first one of the highest priority runs
    bool is_ready(const Tcb& thread) const { return ready_.contains(index_of(thread)); } // and not running
    void donate_to(Tcb& beneficiary); // ready; becomes current on the current thread's time slice
    void reschedule();                // makes current whoever shall run now

    void tick(uint32_t us); // clock tick; reschedules

    uint64_t clock_us() const;

    // Register IPC from the current thread to `partner`, which waits for it, while current_thread blocks: may
    // the processor go to `partner` at once?
    bool may_hand_over(const Tcb& partner) {
        const SchedulerEntry& entry = entries_[index_of(partner)];
        return entry.priority >= hand_over_floor_;
    }
    void hand_over_now(Tcb& partner) { switch_to(&partner); }

    // The page directory that the processor has loaded is about to vanish.
    void leave_directory(uint32_t directory);
    uint32_t loaded_directory() const { return loaded_directory_; }

    // For the quick path of entries.S.
    static constexpr size_t floor_offset() { return offsetof(Scheduler, hand_over_floor_); }
    static constexpr size_t directory_offset() { return offsetof(Scheduler, loaded_directory_); }

private:
    bool runs_on_donated_time() const;
    int current_priority() const;
    void end_donated_slice();
    void switch_to(Tcb* next);
    void expire_timeouts();
    void update_floor();
    Tcb& take_highest(unsigned priority);

    static constexpr int floor_never = 0x7FFF; // expired timeouts wait: no quick hand-over

    int hand_over_floor_ = no_priority;
    uint32_t loaded_directory_ = 0;
    SchedulerEntry* entries_ = nullptr;
    ReadyQueues<SchedulerEntry*> ready_;
    WakeupQueue<SchedulerEntry*, uint16_t*> wakeups_;
    Tcb* preferred_ = nullptr;
    ThreadIndex donor_ = no_thread, beneficiary_ = no_thread;
};

extern Scheduler scheduler;

} // namespace kernel
