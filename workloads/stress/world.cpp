#include "workloads/stress/world.hpp"

#include "kernel-model/abi/syscalls.hpp"

namespace stress {

constinit World world{};

namespace {

Stack slot_stacks[slots], breeder_stacks[worker_tasks], friend_stacks[worker_tasks],
    server_stacks[worker_tasks], pager_stacks[pagers];

Buffer send_buffers[slots], receive_buffers[slots + worker_tasks];

// Half of the worker tasks have their pages from root itself, the others through one of the middle tasks.
constexpr unsigned pagers_of_families[worker_tasks] = {0, 2, 1, 3, 2, 0, 3, 1};

} // namespace

l4::ThreadId worker_id(unsigned slot) {
    return world.tasks[family_of(slot)].with_lthread(first_worker_lthread + slot % workers_per_task);
}

l4::ThreadId server_id(unsigned family) {
    return world.tasks[family].with_lthread(server_lthread);
}

l4::ThreadId pager_id(unsigned pager) {
    if (pager < root_pagers)
        return l4::root_thread.with_lthread(first_pager_lthread + pager);
    pager -= root_pagers;
    if (pager < middle_pagers)
        return l4::ThreadId::make(first_pager_task + pager, 0, 1, l4::root_task);
    return world.children[pager - middle_pagers].with_lthread(child_pager_lthread);
}

l4::ThreadId participant_id(unsigned participant) {
    if (participant < workers)
        return worker_id(participant);
    const unsigned family = participant % worker_tasks;
    const bool breeder = participant < workers + worker_tasks;
    return world.tasks[family].with_lthread(breeder ? breeder_lthread : friend_lthread);
}
static_assert(workers % worker_tasks == 0);

unsigned pager_of(unsigned slot) {
    const unsigned family = family_of(slot);
    if (task_of(slot) == first_grandchild_task + family)
        return root_pagers + middle_pagers + family;
    return pagers_of_families[family];
}

Buffer& send_buffer(unsigned slot) {
    return send_buffers[slot];
}
Buffer& receive_buffer(unsigned slot) {
    return receive_buffers[slot];
}
void flush_buffer(const Buffer& buffer) {
    l4::fpage_unmap(l4::Fpage::make(reinterpret_cast<uint32_t>(buffer.bytes), buffer_log2),
                    l4::unmap_own_too | l4::unmap_fully);
}

Stack& worker_stack(unsigned slot) {
    return slot_stacks[slot];
}
Stack& breeder_stack(unsigned family) {
    return breeder_stacks[family];
}
Stack& friend_stack(unsigned family) {
    return friend_stacks[family];
}
Stack& server_stack(unsigned family) {
    return server_stacks[family];
}
Stack& pager_stack(unsigned pager) {
    return pager_stacks[pager];
}

} // namespace stress
