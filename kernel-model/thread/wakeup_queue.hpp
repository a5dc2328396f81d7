// Timeouts: a binary heap of thread indexes, earliest first; equal times in order of the index, so that the
// order is a function of the state alone.
//
// Resident, like the ready queues (I6). Compiles on the host, where tests compare it with a sorted set.
#pragma once

#include <cstdint>

namespace kernel {

inline constexpr uint16_t not_in_heap = 0xFFFF;

// Entries: indexable by thread index, element has `uint64_t wakeup_us` and `uint16_t heap_position`.
// Slots: indexable storage of thread indexes, as many as there are threads.
template<class Entries, class Slots>
class WakeupQueue {
public:
    constexpr WakeupQueue() = default;
    constexpr WakeupQueue(Entries entries, Slots slots) : entries_(entries), slots_(slots) {}

    bool contains(uint16_t thread) const { return entries_[thread].heap_position != not_in_heap; }
    bool empty() const { return count_ == 0; }
    uint16_t first() const { return slots_[0]; }
    uint64_t first_us() const { return entries_[slots_[0]].wakeup_us; }

    void insert(uint16_t thread, uint64_t wakeup_us) {
        entries_[thread].wakeup_us = wakeup_us;
        place(count_++, thread);
        rise(count_ - 1);
    }

    void remove(uint16_t thread) {
        const unsigned position = entries_[thread].heap_position;
        entries_[thread].heap_position = not_in_heap;
        --count_;
        if (position == count_)
            return;
        place(position, slots_[count_]);
        rise(position);
        sink(position);
    }

    // All times move by the same amount, so the order stays.
    void shift_all(uint64_t by_us) {
        for (unsigned position = 0; position < count_; ++position)
            entries_[slots_[position]].wakeup_us += by_us;
    }

private:
    bool earlier(uint16_t a, uint16_t b) const {
        const uint64_t a_us = entries_[a].wakeup_us, b_us = entries_[b].wakeup_us;
        return a_us != b_us ? a_us < b_us : a < b;
    }
    void place(unsigned position, uint16_t thread) {
        slots_[position] = thread;
        entries_[thread].heap_position = static_cast<uint16_t>(position);
    }
    void swap(unsigned a, unsigned b) {
        const uint16_t thread = slots_[a];
        place(a, slots_[b]);
        place(b, thread);
    }
    void rise(unsigned position) {
        while (position != 0 && earlier(slots_[position], slots_[(position - 1) / 2])) {
            swap(position, (position - 1) / 2);
            position = (position - 1) / 2;
        }
    }
    void sink(unsigned position) {
        for (;;) {
            unsigned least = position;
            for (unsigned child = 2 * position + 1; child <= 2 * position + 2; ++child)
                if (child < count_ && earlier(slots_[child], slots_[least]))
                    least = child;
            if (least == position)
                return;
            swap(position, least);
            position = least;
        }
    }

    Entries entries_{};
    Slots slots_{};
    unsigned count_ = 0;
};

} // namespace kernel
