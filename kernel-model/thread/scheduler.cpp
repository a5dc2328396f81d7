#include "kernel-model/thread/scheduler.hpp"

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/floating_point.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/segments.hpp"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" {
constinit kernel::Tcb* current_thread = nullptr;
extern char kernel_directory[];
}

namespace kernel {

constinit Scheduler scheduler;

void Scheduler::initialise(SchedulerEntry* entries, uint16_t* heap_slots) {
    entries_ = entries;
    for (unsigned index = 0; index < thread_index_count; ++index) {
        entries[index].ready = {};
        entries[index].heap_position = not_in_heap;
        entries[index].orphan_next = no_thread;
    }
    ready_ = ReadyQueues<SchedulerEntry*>(entries);
    wakeups_ = WakeupQueue<SchedulerEntry*, uint16_t*>(entries, heap_slots);
    loaded_directory_ = cpu::read_cr3();
}

uint64_t Scheduler::clock_us() const {
    return kernel_info.clock_us;
}

void Scheduler::update_floor() {
    const bool expired = !wakeups_.empty() && wakeups_.first_us() <= clock_us();
    hand_over_floor_ = expired ? floor_never : ready_.highest_priority();
}

void Scheduler::make_ready(Tcb& thread) {
    thread.state = ThreadState::running;
    if (&thread == current_thread || ready_.contains(index_of(thread)))
        return;
    ready_.push_back(index_of(thread));
    update_floor();
}

void Scheduler::hand_over_to(Tcb& thread) {
    make_ready(thread);
    preferred_ = &thread;
}

void Scheduler::not_ready(Tcb& thread) {
    const ThreadIndex index = index_of(thread);
    if (ready_.contains(index)) {
        ready_.remove(index);
        update_floor();
    }
}

void Scheduler::set_priority(Tcb& thread, uint8_t priority) {
    const ThreadIndex index = index_of(thread);
    const bool queued = ready_.contains(index);
    if (queued)
        ready_.remove(index);
    entries_[index].priority = priority;
    thread.priority = priority;
    if (queued)
        ready_.push_back(index);
    update_floor();
}

void Scheduler::set_wakeup(Tcb& thread, uint64_t timeout_us) {
    if (timeout_us != l4::Timeouts::infinite_us)
        set_absolute_wakeup(thread, clock_us() + timeout_us);
}

void Scheduler::set_absolute_wakeup(Tcb& thread, uint64_t wakeup_us) {
    thread.wakeup_us = wakeup_us;
    wakeups_.insert(index_of(thread), wakeup_us);
}

void Scheduler::expire_timeouts() {
    while (!wakeups_.empty() && wakeups_.first_us() <= clock_us()) {
        Tcb& thread = tcb_at(wakeups_.first());
        cancel_wakeup(thread);
        timeout_expired(thread);
    }
}

Tcb& Scheduler::take_highest(unsigned priority) {
    ThreadIndex index = ready_.first(priority);
    Tcb* const preferred = preferred_;
    preferred_ = nullptr;
    if (preferred != nullptr && ready_.contains(index_of(*preferred)) &&
        entry(*preferred).priority == priority)
        index = index_of(*preferred);
    ready_.remove(index);
    return tcb_at(index);
}

// The donor must still be waiting for its turn: if it has run or blocked meanwhile, the donation is over.
bool Scheduler::runs_on_donated_time() const {
    return donor_ != no_thread && beneficiary_ == index_of(*current_thread) && ready_.contains(donor_);
}

int Scheduler::current_priority() const {
    const int own = entries_[index_of(*current_thread)].priority;
    const int donated = runs_on_donated_time() ? int{entries_[donor_].priority} : no_priority;
    return own > donated ? own : donated;
}

void Scheduler::donate_to(Tcb& beneficiary) {
    Tcb& giving = *current_thread;
    const ThreadIndex donor =
        runs_on_donated_time() ? donor_ : index_of(giving); // a donation may be passed on
    ready_.remove(index_of(beneficiary));
    ready_.push_front(index_of(giving));
    switch_to(&beneficiary);
    if (donor != index_of(beneficiary)) { // else it has its own slice back
        donor_ = donor;
        beneficiary_ = index_of(beneficiary);
    }
    update_floor();
}

// Donor and beneficiary have had their turn.
void Scheduler::end_donated_slice() {
    ready_.remove(donor_);
    ready_.push_back(donor_);
    yield();
}

void Scheduler::yield() {
    Tcb& yielding = *current_thread;
    entry(yielding).slice_left_us = yielding.slice_us;
    ready_.push_back(index_of(yielding));
    donor_ = beneficiary_ = no_thread;
    switch_to(&take_highest(static_cast<unsigned>(ready_.highest_priority())));
    update_floor();
}

void Scheduler::reschedule() {
    int highest = ready_.highest_priority();
    const bool current_runs = current_thread != nullptr && current_thread->state == ThreadState::running;
    const int running_priority = current_runs ? current_priority() : no_priority;
    if (highest < int{l4::priority_max} && running_priority < int{l4::priority_max}) {
        expire_timeouts();
        highest = ready_.highest_priority();
    }
    if (current_runs && running_priority >= highest) {
        preferred_ = nullptr;
    } else if (highest == no_priority) {
        switch_to(nullptr);
    } else {
        Tcb& next = take_highest(static_cast<unsigned>(highest));
        if (current_runs)
            ready_.push_front(index_of(*current_thread)); // preempted: first of its equals
        switch_to(&next);
    }
    update_floor();
}

void Scheduler::switch_to(Tcb* next) {
    if (next == current_thread)
        return;
    donor_ = beneficiary_ = no_thread;
    if (next == nullptr) {
        current_thread = nullptr;
        l4::probe<l4::Probe::thread_switch>(0);
        return;
    }
    const uint32_t directory = task_directory(task_of(*next));
    if (directory != loaded_directory_) {
        loaded_directory_ = directory;
        cpu::write_cr3(directory);
    }
    set_entry_stack(reinterpret_cast<uint32_t>(&next->frame) + sizeof(Frame));
    floating_point_switch(next);
    current_thread = next;
    l4::probe<l4::Probe::thread_switch>(next->id);
    SchedulerEntry& resident = entry(*next);
    if (resident.repeats_fault) [[unlikely]] {
        resident.repeats_fault = false;
        l4::probe<l4::Probe::fault_end>();
        l4::probe<l4::Probe::phase>(static_cast<uint32_t>(l4::Phase::normal));
    }
}

void Scheduler::tick(uint32_t us) {
    kernel_info.clock_us += us;
    if (current_thread != nullptr) {
        current_thread->consumed_us += us;
        if (entry(*current_thread).priority == l4::priority_max) {
            update_floor();
            return; // I6: nothing else happens until it blocks
        }
        const bool donated = runs_on_donated_time();
        const Tcb& payer = donated ? tcb_at(donor_) : *current_thread;
        SchedulerEntry& paying = entry(payer);
        if (payer.slice_us != 0 && paying.slice_left_us <= us) {
            paying.slice_left_us = payer.slice_us;
            if (donated)
                end_donated_slice();
            else if (ready_.highest_priority() >= int{paying.priority})
                yield();
        } else if (payer.slice_us != 0) {
            paying.slice_left_us -= us;
        }
    }
    reschedule();
}

void Scheduler::leave_directory(uint32_t directory) {
    if (loaded_directory_ != directory)
        return;
    loaded_directory_ = image_to_physical(kernel_directory);
    cpu::write_cr3(loaded_directory_);
}

} // namespace kernel
