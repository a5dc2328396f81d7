// Ready queues: one FIFO ring for each of 256 priorities, linked through resident entries by thread index.
//
// A bitmap of two levels finds the highest priority in two steps. The running thread is in no queue. Nothing
// here touches a TCB (I6). Compiles on the host, where tests compare it with a list of lists.
#pragma once

#include <cstdint>

namespace kernel {

inline constexpr unsigned priority_count = 256;
inline constexpr int no_priority = -1;
inline constexpr uint16_t end_of_queue = 0xFFFF;

struct ReadyLink {
    uint16_t next = end_of_queue, previous = end_of_queue; // end_of_queue: in no queue
};

// Entries: indexable by thread index, element has `ReadyLink ready` and `uint8_t priority`.
template<class Entries>
class ReadyQueues {
public:
    constexpr explicit ReadyQueues(Entries entries = {}) : entries_(entries) {
        for (uint16_t& head : heads_)
            head = end_of_queue;
    }

    bool contains(uint16_t thread) const { return entries_[thread].ready.next != end_of_queue; }

    void push_back(uint16_t thread) { insert(thread, false); }
    void push_front(uint16_t thread) { insert(thread, true); }

    void remove(uint16_t thread) {
        ReadyLink& link = entries_[thread].ready;
        const unsigned priority = entries_[thread].priority;
        if (link.next == thread) {
            heads_[priority] = end_of_queue;
            bits_[priority / 32] &= ~(1u << priority % 32);
            if (bits_[priority / 32] == 0)
                words_ &= ~(1u << priority / 32);
        } else {
            entries_[link.next].ready.previous = link.previous;
            entries_[link.previous].ready.next = link.next;
            if (heads_[priority] == thread)
                heads_[priority] = link.next;
        }
        link = {};
    }

    int highest_priority() const {
        if (words_ == 0)
            return no_priority;
        const unsigned word = 31u - static_cast<unsigned>(__builtin_clz(words_));
        return static_cast<int>(word * 32 + 31u - static_cast<unsigned>(__builtin_clz(bits_[word])));
    }
    uint16_t first(unsigned priority) const { return heads_[priority]; }

private:
    void insert(uint16_t thread, bool at_front) {
        const unsigned priority = entries_[thread].priority;
        ReadyLink& link = entries_[thread].ready;
        const uint16_t head = heads_[priority];
        if (head == end_of_queue) {
            link = {thread, thread};
            heads_[priority] = thread;
            bits_[priority / 32] |= 1u << priority % 32;
            words_ |= 1u << priority / 32;
            return;
        }
        const uint16_t last = entries_[head].ready.previous;
        link = {head, last};
        entries_[last].ready.next = thread;
        entries_[head].ready.previous = thread;
        if (at_front)
            heads_[priority] = thread;
    }

    Entries entries_;
    uint16_t heads_[priority_count];
    uint32_t bits_[priority_count / 32] = {};
    uint32_t words_ = 0;
};

} // namespace kernel
