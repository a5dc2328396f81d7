// Who is who in a crowd: threads, numbered through all tasks, and the two rings that they form.
//
//   everybody   0 -> 1 -> 2 -> ... -> threads - 1 -> 0
//   the active  every (threads / active)th of them, so that they are spread over tasks and TCB pages
//
// Portable.
#pragma once

#include <cstdint>

namespace workloads {

struct Roster {
    uint32_t threads = 1, tasks = 1, active = 1; // tasks <= threads, 1 <= active <= threads

    // The first thread of a task; `tasks` itself: one behind the last.
    constexpr uint32_t first_of(uint32_t task) const {
        return static_cast<uint32_t>(uint64_t{threads} * task / tasks);
    }
    constexpr uint32_t count_of(uint32_t task) const { return first_of(task + 1) - first_of(task); }
    constexpr uint32_t task_of(uint32_t thread) const {
        // The last task that begins no later.
        return static_cast<uint32_t>(((uint64_t{thread} + 1) * tasks - 1) / threads);
    }
    constexpr uint32_t lthread_of(uint32_t thread) const { return thread - first_of(task_of(thread)); }

    // The k-th of the active, and which of them a thread is; `active`: none.
    constexpr uint32_t active_thread(uint32_t k) const {
        return static_cast<uint32_t>(uint64_t{threads} * k / active);
    }
    constexpr uint32_t active_rank(uint32_t thread) const {
        const auto k = static_cast<uint32_t>(((uint64_t{thread} + 1) * active - 1) / threads);
        return active_thread(k) == thread ? k : active;
    }

    constexpr uint32_t next(uint32_t thread) const { return thread + 1 == threads ? 0 : thread + 1; }
    constexpr uint32_t previous(uint32_t thread) const { return thread == 0 ? threads - 1 : thread - 1; }
    constexpr uint32_t next_active(uint32_t k) const { return active_thread(k + 1 == active ? 0 : k + 1); }
    constexpr uint32_t previous_active(uint32_t k) const {
        return active_thread(k == 0 ? active - 1 : k - 1);
    }
};

} // namespace workloads
