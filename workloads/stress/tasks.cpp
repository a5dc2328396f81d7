#include "workloads/stress/tasks.hpp"

#include "workloads/stress/calls.hpp"
#include "workloads/stress/pager.hpp"
#include "workloads/stress/server.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/window.hpp"
#include "workloads/stress/worker.hpp"

namespace stress {

namespace {

template<class Function>
uint32_t address_of(Function* function) {
    return reinterpret_cast<uint32_t>(function);
}

// Messages with descendants carry a check word: who gets one has got all of it.
l4::Message draw_message(workloads::Random& random) {
    const uint32_t a = random.next(), b = random.next();
    return {a, b, a ^ b ^ 0x5A5A5A5Au};
}
void check_message(const l4::Message& message) {
    check_equal(message.w0 ^ message.w1 ^ message.w2, 0x5A5A5A5Au, "check word of a message");
}

void check_is_one_of(l4::MessageResult result, IpcError other, const char* what) {
    check(result.raw == 0 || has_error(result, IpcError::no_such_thread) || has_error(result, other), what);
}

uint64_t draw_timeout_us(workloads::Random& random) {
    return random.below(2) != 0 ? random.below(1500) : 0;
}

// With a thread that may vanish, or be gone.
void talk_to_mortal(workloads::Random& random, l4::ThreadId mortal, bool may_wait_for_ever) {
    const uint32_t entry = random.next();
    const l4::Message words = draw_message(random);
    const uint64_t timeout_us = draw_timeout_us(random);
    switch (random.below(3)) {
    case 0:
        check_is_one_of(send(entry, mortal, words, may_wait_for_ever ? for_ever : timeout_us),
                        may_wait_for_ever ? IpcError::none : IpcError::send_timeout,
                        "a send to a mortal thread");
        break;
    case 1: {
        l4::Message message;
        const l4::MessageResult result = receive(entry, mortal, message, timeout_us);
        check_is_one_of(result, IpcError::receive_timeout, "a receive from a mortal thread");
        if (result.ok())
            check_message(message);
        break;
    }
    default:
        l4::thread_switch(mortal);
    }
}

// --- descendants ---

void wait_for_anybody(workloads::Random& random) {
    l4::ThreadId from;
    l4::Message message;
    const uint32_t entry = random.next();
    const l4::Timeouts timeouts = l4::Timeouts::make(for_ever, draw_timeout_us(random));
    const l4::MessageResult result = ipc(entry, from, l4::no_send, l4::open_wait, timeouts, message);
    if (result.ok())
        check_message(message);
    else
        check(has_error(result, IpcError::receive_timeout), "an open wait of a mortal thread");
}

// The only ones that a descendant may talk to without a chief between: its chief's task and its own clan.
void live(unsigned slot, l4::ThreadId chief) {
    const unsigned family = family_of(slot);
    const bool is_child = task_of(slot) == first_child_task + family;
    workloads::Random random = stream(world.seed, Stream::child, slot, world.lives[family]);
    if (is_child)
        greet_server(random, slot, family);
    for (;;) {
        switch (random.below(10)) {
        case 0:
            wait_for_anybody(random);
            break;
        case 1:
            l4::thread_switch();
            break;
        case 2:
        case 3:
            flush_page(slot, random.below(pages_per_window));
            break;
        case 4:
            look_at_gallery(random);
            break;
        case 5:
            send(random.next(),
                 chief.with_lthread(is_child ? breeder_lthread : random.below(threads_per_child)),
                 draw_message(random), draw_timeout_us(random));
            break;
        case 6:
            if (is_child)
                call_server_in_haste(random, slot, family);
            break;
        default:
            if (is_child)
                call_server(random, slot, family);
        }
    }
}

void grandchild_main(unsigned family) {
    live(descendant_slot(family, threads_per_child),
         l4::ThreadId::make(first_child_task + family, 0, world.child_versions[family],
                            first_worker_task + family));
}

void child_thread_main(unsigned slot) {
    live(slot, world.tasks[family_of(slot)]);
}

void child_main(unsigned family) {
    const l4::ThreadId self = l4::my_id();
    const unsigned pager = root_pagers + middle_pagers + family;
    l4::lthread_ex_regs(child_pager_lthread, address_of(pager_main), stack_for(pager_stack(pager), pager));
    const l4::ThreadId grandchild =
        l4::task_new(l4::ThreadId::make(first_grandchild_task + family, 0, 0, 0), controlled_priority_max,
                     address_of(grandchild_main),
                     stack_for(worker_stack(descendant_slot(family, threads_per_child)), family),
                     self.with_lthread(child_pager_lthread));
    check_equal(grandchild.chief(), first_child_task + family, "task_new of a grandchild");
    for (unsigned thread = 1; thread < threads_per_child; ++thread) {
        const unsigned slot = descendant_slot(family, thread);
        l4::lthread_ex_regs(thread, address_of(child_thread_main), stack_for(worker_stack(slot), slot));
    }
    child_thread_main(descendant_slot(family, 0));
}

// --- breeder and friend ---

constexpr unsigned version_max = (1u << l4::ThreadId::version_bits) - 1;

// The grandchild's number is the child's to use.
l4::ThreadId create_child(unsigned family) {
    const unsigned own_task = first_worker_task + family, child_task = first_child_task + family;
    const l4::ThreadId given = l4::task_new(l4::ThreadId::make(first_grandchild_task + family, 0, 0, 0),
                                            child_task, 0, 0, l4::nil_thread);
    check_equal(given.chief(), child_task, "task_new: the new owner of an inactive task");
    uint16_t& version = world.child_versions[family];
    version = version == version_max ? 1 : static_cast<uint16_t>(version + 1);
    world.lives[family] += 1;
    const unsigned slot = descendant_slot(family, 0);
    const l4::ThreadId child =
        l4::task_new(l4::ThreadId::make(child_task, 0, 0, 0), controlled_priority_max, address_of(child_main),
                     stack_for(worker_stack(slot), family), pager_id(pager_of(slot)));
    check_equal(child.raw, l4::ThreadId::make(child_task, 0, version, own_task).raw,
                "task_new: the child's id");
    return child;
}

void delete_child(workloads::Random& random, unsigned family, l4::ThreadId child) {
    const unsigned own_task = first_worker_task + family;
    const l4::ThreadId dead = l4::task_new(child, 0, 0, 0, l4::nil_thread);
    check_equal(dead.task(), child.task(), "task_new: a deleted task");
    check_equal(dead.chief(), own_task, "task_new: the owner of a deleted task");
    const l4::ThreadId thread = child.with_lthread(random.below(slots_per_family));
    const uint32_t entry = random.next();
    check_equal(send(entry, thread, {1, 2, 3}).raw, 1u << 4, "a message to a thread that is gone");
    check(l4::schedule_thread(thread, 0xFFFFFFFFu).refused(), "thread_schedule of a thread that is gone");
}

void breed(workloads::Random& random, unsigned family) {
    const l4::ThreadId child = create_child(family);
    world.children[family] = child;
    const unsigned priority = lowest_priority + random.below(highest_priority - lowest_priority + 1);
    check(!l4::schedule_thread(child, l4::schedule_param(priority)).refused(), "thread_schedule of a child");
    for (unsigned talk = random.below(12); talk != 0; --talk) {
        talk_to_mortal(random, child.with_lthread(random.below(threads_per_child)), false);
        if (random.below(4) == 0)
            l4::sleep_us(1);
    }
    if (random.below(2) != 0)
        l4::sleep_us(random.below(4000)); // it gets somewhere
    world.children[family] = l4::nil_thread;
    delete_child(random, family, child);
}

void breeder_main(unsigned family) {
    constexpr unsigned lives_per_round = 4;
    for (;;) {
        end_round(0, workers + family);
        workloads::Random random = stream(world.seed, Stream::breeder, family, world.round);
        for (unsigned life = 0; life < lives_per_round; ++life)
            breed(random, family);
    }
}

void friend_main(unsigned family) {
    constexpr unsigned talks_per_round = 20;
    for (;;) {
        end_round(1, workers + worker_tasks + family);
        workloads::Random random = stream(world.seed, Stream::friend_, family, world.round);
        for (unsigned talk = 0; talk < talks_per_round; ++talk) {
            const l4::ThreadId child = world.children[family];
            if (child.is_nil())
                l4::sleep_us(1);
            else
                talk_to_mortal(random, child.with_lthread(random.below(threads_per_child)), true);
        }
    }
}

void start(unsigned lthread, void (*entry)(unsigned), const Stack& stack, unsigned number) {
    l4::lthread_ex_regs(lthread, address_of(entry), stack_for(stack, number));
}

} // namespace

void start_participants(unsigned family) {
    for (unsigned worker = 0; worker < workers_per_task; ++worker) {
        const unsigned slot = worker_slot(family, worker);
        start(first_worker_lthread + worker, worker_main, worker_stack(slot), slot);
    }
    start(breeder_lthread, breeder_main, breeder_stack(family), family);
    start(friend_lthread, friend_main, friend_stack(family), family);
}

} // namespace stress
