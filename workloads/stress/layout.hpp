// Who is who in the stress program, and where things lie.
//
//   root (4)      conductor (lthread 0), two pagers
//   10, 11        tasks with a pager each, between root and some of the worker tasks
//   20 - 27       worker tasks: a server, 30 workers, a breeder and its friend
//   100 - 107     children: created and deleted by the breeder of worker task 20 - 27, again and again
//   120 - 127     grandchildren, created by the children, paged by them
//
// All tasks run this program at its physical addresses. Its data are common to all, so what a test needs to know of
// another thread is in memory; what is tested lies elsewhere: in the *windows*. Each thread that has pages to play with
// is a *slot* and has a window of eight pages in its task's space, and two frames of the pool: its own one, which only
// it writes, and its hole, which lies behind every page of the window that is to be no page.
#pragma once

#include "kernel-model/abi/system_layout.hpp"

namespace stress {

inline constexpr unsigned worker_tasks = 8, workers_per_task = 30, workers = worker_tasks * workers_per_task;
inline constexpr unsigned threads_per_child = 3; // and a pager
inline constexpr unsigned slots_per_family = threads_per_child + 1;
inline constexpr unsigned slots = workers + worker_tasks * slots_per_family;

inline constexpr unsigned first_pager_task = 10, first_worker_task = 20, first_child_task = 100,
                          first_grandchild_task = 120;

// lthreads of root, of a worker task, of a child.
inline constexpr unsigned conductor_lthread = 0, first_pager_lthread = 1;
inline constexpr unsigned server_lthread = 0, first_worker_lthread = 1, breeder_lthread = 31,
                          friend_lthread = 32;
inline constexpr unsigned child_pager_lthread = threads_per_child;

// Those that the conductor waits for at the end of a round: workers, then breeders, then friends.
inline constexpr unsigned participants = workers + 2 * worker_tasks;

// Pagers: root's two, those of their own tasks, the children's.
inline constexpr unsigned root_pagers = 2, middle_pagers = 2, child_pagers = worker_tasks;
inline constexpr unsigned pagers = root_pagers + middle_pagers + child_pagers;

constexpr unsigned worker_slot(unsigned family, unsigned worker) {
    return family * workers_per_task + worker;
}
// Threads 0-2 are the child's, 3 is the grandchild's.
constexpr unsigned descendant_slot(unsigned family, unsigned thread) {
    return workers + family * slots_per_family + thread;
}
constexpr bool is_worker(unsigned slot) {
    return slot < workers;
}
// The worker task, with its children, that a slot belongs to: 0-7.
constexpr unsigned family_of(unsigned slot) {
    return is_worker(slot) ? slot / workers_per_task : (slot - workers) / slots_per_family;
}
constexpr unsigned task_of(unsigned slot) {
    if (is_worker(slot))
        return first_worker_task + family_of(slot);
    const bool grandchild = (slot - workers) % slots_per_family == threads_per_child;
    return (grandchild ? first_grandchild_task : first_child_task) + family_of(slot);
}

// Frames: of the slots, then their holes. A pool of 4 MB, so that it can be a superpage.
inline constexpr uint32_t frames_base = 0x02000000u, frame_count = l4::superpage_size / l4::page_size;
inline constexpr unsigned first_hole = 512;
static_assert(slots <= first_hole && first_hole + slots <= frame_count);
constexpr unsigned hole_of(unsigned slot) {
    return first_hole + slot;
}
constexpr uint32_t frame_address(unsigned frame) {
    return frames_base + frame * l4::page_size;
}

// Windows: pages 0-3 are the slot's by request to its pager, page 4 is where others map to.
inline constexpr uint32_t windows_base = 0x20000000u, window_stride = 0x10000u;
inline constexpr unsigned pages_per_window = 8, requested_pages = 4, received_page = 4;
constexpr uint32_t window_address(unsigned slot, unsigned page) {
    return windows_base + slot * window_stride + page * l4::page_size;
}

// All frames once more, read only, in every worker task.
inline constexpr uint32_t gallery_base = 0x30000000u;

// What a frame holds, by doubleword. Everybody who can read the frame checks the first two and that nobody has written
// to it without having the right.
enum FrameWord : unsigned {
    identity = 0,
    identity_complement = 1,
    owner_count = 2, // how often the owner has written
    guest_word = 3,  // written by those that the owner has mapped the frame to
    forbidden = 4,   // written through a mapping that is read only, so never
};
constexpr uint32_t identity_of(unsigned frame) {
    return (frame + 1) * 0x9E3779B1u;
}

// Priorities that threads give themselves and each other.
inline constexpr unsigned lowest_priority = 20, highest_priority = 50, controlled_priority_max = 100;

} // namespace stress
