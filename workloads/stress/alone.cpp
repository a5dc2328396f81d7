// What a worker does without its partner.
#include "workloads/stress/calls.hpp"
#include "workloads/stress/server.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/window.hpp"
#include "workloads/stress/worker.hpp"

namespace stress {

namespace {

uint32_t nearest(l4::ThreadId dest, l4::ClanRelation relation, l4::ThreadId expected) {
    const l4::Nearest found = l4::id_nearest(dest);
    check_equal(found.id.raw, expected.raw, "id_nearest: id");
    check_equal(static_cast<uint32_t>(found.relation), static_cast<uint32_t>(relation), "id_nearest: type");
    return static_cast<uint32_t>(relation);
}

// Descendants of other families are behind their worker task, alive or not.
uint32_t ask_for_nearest(workloads::Random& random, unsigned slot) {
    const unsigned family = random.below(worker_tasks);
    const unsigned other_slot = random.below(workers);
    switch (random.below(4)) {
    case 0:
        return nearest(l4::nil_thread, l4::ClanRelation::same_clan, worker_id(slot));
    case 1:
        return nearest(l4::invalid_thread, l4::ClanRelation::outer_clan, l4::root_thread);
    case 2:
        return nearest(worker_id(other_slot), l4::ClanRelation::same_clan, worker_id(other_slot));
    default: {
        if (family == family_of(slot))
            return nearest(conductor_id, l4::ClanRelation::same_clan, conductor_id);
        const unsigned first = random.below(2) != 0 ? first_child_task : first_grandchild_task;
        const l4::ThreadId descendant =
            l4::ThreadId::make(first + family, random.below(4), 1 + random.below(9), 0);
        return nearest(descendant, l4::ClanRelation::inner_clan, world.tasks[family]);
    }
    }
}

// A new priority and slice; the old word must be what was set before.
uint32_t schedule_itself(Worker& self, unsigned slot) {
    const unsigned priority = lowest_priority + self.random.below(highest_priority - lowest_priority + 1);
    const uint64_t slice_us = uint64_t{self.random.below(20)} * 1000;
    const uint32_t slice = l4::Timeouts::encode_us(slice_us); // mantissa and exponent
    const uint32_t param =
        slice_us == 0 ? l4::schedule_param(priority) : l4::schedule_param(priority, slice & 0xF, slice >> 8);
    const l4::ScheduleResult old = l4::schedule_thread(worker_id(slot), param);
    check(!old.refused(), "thread_schedule of the own thread");
    if (self.schedule != 0)
        check_equal(old.param, self.schedule, "thread_schedule: the old word");
    self.schedule = param;
    return param;
}

// A look at a neighbour: it exists and is in a state that threads here can be in.
uint32_t look_at_neighbour(workloads::Random& random, unsigned slot) {
    const unsigned neighbour = worker_slot(family_of(slot), random.below(workers_per_task));
    const l4::ScheduleResult result = l4::schedule_thread(worker_id(neighbour), 0xFFFFFFFFu);
    check(!result.refused(), "thread_schedule of a neighbour");
    check(result.state() != l4::ThreadRunState::dead, "a neighbour's state");
    // Not to be scheduled: a thread that is not there, and one of another family.
    const l4::ThreadId nobody = worker_id(slot).with_lthread(friend_lthread + 1 + random.below(16));
    check(l4::schedule_thread(nobody, 0xFFFFFFFFu).refused(), "thread_schedule of nobody");
    const unsigned foreign =
        (worker_slot(family_of(slot), 0) + workers_per_task + random.below(50)) % workers;
    if (family_of(foreign) != family_of(slot))
        check(l4::schedule_thread(worker_id(foreign), 0xFFFFFFFFu).refused(),
              "thread_schedule of a stranger");
    return 1;
}

l4::ThreadId draw_nobody(workloads::Random& random, unsigned slot) {
    const l4::ThreadId self = worker_id(slot);
    switch (random.below(4)) {
    case 0:
        return self.with_lthread(friend_lthread + 1 + random.below(16)); // never started
    case 1:
        return l4::ThreadId{self.raw ^ 0x200}; // another version
    case 2:
        return l4::ThreadId::make(200 + random.below(50), random.below(64), 1, l4::root_task);
    default:
        return l4::ThreadId{worker_id(random.below(workers)).raw ^ 0x55000000}; // another chief
    }
}

uint32_t talk_to_nobody(workloads::Random& random, unsigned slot) {
    const l4::ThreadId nobody = draw_nobody(random, slot);
    const uint32_t entry = random.next();
    l4::Message message{random.next(), 2, 3};
    if (random.below(2) != 0)
        check_equal(send(entry, nobody, message).raw, 1u << 4, "a message to nobody");
    else
        check_equal(receive(entry, nobody, message).raw, 1u << 4, "a message from nobody");
    if (random.below(4) == 0)
        check_equal(send(entry, worker_id(slot), message).raw, 1u << 4, "a message to itself");
    return 1;
}

uint32_t sleep(workloads::Random& random) {
    const uint64_t us = random.below(8) == 0 ? random.below(3000) : 0;
    const uint32_t entry = random.next();
    l4::Message message;
    const l4::ThreadId from = random.below(2) != 0 ? l4::nil_thread : conductor_id;
    check(has_error(receive(entry, from, message, us), IpcError::receive_timeout),
          "a receive from who never sends");
    return static_cast<uint32_t>(us);
}

uint32_t give_way(workloads::Random& random) {
    const unsigned slot = random.below(workers);
    l4::thread_switch(random.below(2) != 0 ? worker_id(slot) : l4::nil_thread);
    return slot;
}

// An x87 register keeps a number from one time to the next, whoever else uses them meanwhile.
uint32_t use_floating_point(Worker& self) {
    if (self.has_number) {
        uint32_t kept;
        asm volatile("fistpl %0" : "=m"(kept));
        check_equal(kept, self.number, "what is in the x87 registers");
    } else {
        asm volatile("fninit");
    }
    self.number = self.random.next() >> 1;
    asm volatile("fildl %0" : : "m"(self.number));
    self.has_number = true;
    return self.number;
}

} // namespace

void work_alone(Worker& self, unsigned slot) {
    workloads::Random& random = self.random;
    const unsigned family = random.below(worker_tasks);
    const uint32_t draw = random.below(64);
    uint32_t result = draw;
    if (draw < 16)
        result = call_server(random, slot, family);
    else if (draw < 18)
        result = use_floating_point(self);
    else if (draw < 20)
        call_server_in_haste(random, slot, family);
    else if (draw < 38)
        result = use_window(random, slot);
    else if (draw < 42)
        result = look_at_gallery(random);
    else if (draw < 47)
        result = ask_for_nearest(random, slot);
    else if (draw < 50)
        result = schedule_itself(self, slot);
    else if (draw < 53)
        result = look_at_neighbour(random, slot);
    else if (draw < 57)
        result = talk_to_nobody(random, slot);
    else if (draw < 59)
        result = sleep(random);
    else
        result = give_way(random);
    self.digest = digest(self.digest, result);
}

} // namespace stress
