#include "workloads/stress/conductor.hpp"

#include "workloads/runtime/text_line.hpp"
#include "workloads/stress/calls.hpp"
#include "workloads/stress/pager.hpp"
#include "workloads/stress/server.hpp"
#include "workloads/stress/verdict.hpp"

#include <initializer_list>

namespace stress {

namespace {

template<class Function>
uint32_t address_of(Function* function) {
    return reinterpret_cast<uint32_t>(function);
}

constinit uint32_t arrived[participants / 32] = {};
static_assert(participants % 32 == 0);

bool has_arrived(unsigned participant) {
    return arrived[participant / 32] >> participant % 32 & 1;
}

unsigned draw_priority(workloads::Random& random) {
    return lowest_priority + random.below(highest_priority - lowest_priority + 1);
}

// sigma0 gives the pool as one superpage.
void take_pool() {
    constexpr uint32_t superpage_request = 0x40000000u;
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message message{superpage_request + frames_base, 0, 0};
    const uint32_t window = l4::receive_window(l4::Fpage::make(frames_base, l4::superpage_bits), false);
    const l4::MessageResult result =
        l4::ipc(sigma0, l4::send_registers, window, l4::Timeouts::infinite(), message);
    check(result.ok() && result.mapped(), "sigma0 gives a superpage");
}

void prepare_world(const Orders& orders) {
    world.seed = orders.seed;
    world.plant = orders.plant;
    world.sysenter = l4::processor_has_sysenter();
    for (unsigned frame = 0; frame < frame_count; ++frame) {
        auto* const words = reinterpret_cast<volatile uint32_t*>(frame_address(frame));
        words[identity] = identity_of(frame);
        words[identity_complement] = ~identity_of(frame);
        for (const FrameWord word : {owner_count, guest_word, forbidden})
            words[word] = 0;
    }
    for (unsigned slot = 0; slot < slots; ++slot) {
        for (PagePolicy& policy : world.windows[slot].pages)
            policy = {static_cast<uint16_t>(hole_of(slot)), true, false};
        world.windows[slot].pages[0].frame = static_cast<uint16_t>(slot);
    }
    for (unsigned slot = 0; slot < workers; ++slot)
        world.workers[slot].random = stream(world.seed, Stream::worker, slot);
}

void start_pagers() {
    for (unsigned pager = 0; pager < root_pagers; ++pager)
        l4::lthread_ex_regs(first_pager_lthread + pager, address_of(pager_main),
                            stack_for(pager_stack(pager), pager));
    for (unsigned index = 0; index < middle_pagers; ++index) {
        const unsigned pager = root_pagers + index;
        const l4::ThreadId id =
            l4::task_new(pager_id(pager), controlled_priority_max, address_of(pager_main),
                         stack_for(pager_stack(pager), pager), pager_id(index % root_pagers));
        check_equal(id.raw, pager_id(pager).raw, "task_new of a pager's task");
    }
}

// Its descendants' numbers are the worker task's to use.
void start_family(unsigned family) {
    const unsigned task = first_worker_task + family;
    world.tasks[family] =
        l4::task_new(l4::ThreadId::make(task, 0, 0, 0), controlled_priority_max, address_of(server_main),
                     stack_for(server_stack(family), family), pager_id(pager_of(worker_slot(family, 0))));
    check_equal(world.tasks[family].task(), task, "task_new of a worker task");
    for (const unsigned first : {first_child_task, first_grandchild_task}) {
        const l4::ThreadId given =
            l4::task_new(l4::ThreadId::make(first + family, 0, 0, 0), task, 0, 0, l4::nil_thread);
        check_equal(given.chief(), task, "task_new: the owner of an inactive task");
    }
}

// All its threads wait for the next round. They come back as new threads, and go on from what is in `world`.
void restart_family(unsigned family) {
    const l4::ThreadId old = world.tasks[family];
    check_equal(l4::task_new(old, 0, 0, 0, l4::nil_thread).task(), old.task(),
                "task_new: a deleted worker task");
    for (unsigned participant = 0; participant < participants; ++participant)
        if (participant_id(participant).task() == old.task())
            arrived[participant / 32] &= ~(1u << participant % 32);
    l4::Message message;
    check_equal(l4::send(old, message).raw, 1u << 4, "a message to a deleted worker task");
    start_family(family);
    check(!(world.tasks[family] == old), "a task's new version");
}

[[noreturn]] void name_the_lost() {
    for (unsigned participant = 0; participant < participants; ++participant) {
        if (has_arrived(participant))
            continue;
        const l4::ThreadId id = participant_id(participant);
        const l4::ScheduleResult result = l4::schedule_thread(id, 0xFFFFFFFFu);
        workloads::TextLine line;
        line.text("stress: thread ")
            .decimal(id.task())
            .text(".")
            .decimal(id.lthread())
            .text(" is lost, state ");
        line.hex(result.param >> 16 & 0xF).text(" partner ").hex(result.partner.raw, 8).print();
    }
    fail("a round does not end", 0, 0);
}

// Until all participants have come.
void collect() {
    constexpr uint64_t patience_us = 60'000'000;
    unsigned missing = 0;
    for (unsigned participant = 0; participant < participants; ++participant)
        missing += has_arrived(participant) ? 0 : 1;
    while (missing != 0) {
        l4::ThreadId from;
        l4::Message message;
        if (!l4::wait(from, message, l4::Timeouts::make(for_ever, patience_us)).ok())
            name_the_lost();
        if (message.w0 == failure_tag)
            leave(false);
        const unsigned participant = message.w0;
        check(participant < participants && from == participant_id(participant),
              "who comes to the end of a round");
        check_equal(message.w1, world.round, "the round that a thread ends");
        check(!has_arrived(participant), "a thread ends a round once");
        arrived[participant / 32] |= 1u << participant % 32;
        --missing;
    }
}

void begin_round(uint32_t round) {
    world.round = round;
    draw_pairing(world.pairing, world.seed, round);
    for (uint32_t& word : arrived)
        word = 0;
    for (unsigned participant = 0; participant < participants; ++participant) {
        const l4::MessageResult result = l4::send(participant_id(participant), {round, 0, 0});
        check_equal(result.raw, 0, "result of the message that begins a round");
    }
}

// Between two rounds, while all workers wait.
void shake(uint32_t round) {
    workloads::Random random = stream(world.seed, Stream::conductor, round);
    for (unsigned pager = 0; pager < root_pagers + middle_pagers; ++pager)
        check(l4::thread_schedule(pager_id(pager), l4::schedule_param(draw_priority(random))) != 0xFFFFFFFFu,
              "thread_schedule of a pager");
    for (unsigned family = 0; family < worker_tasks; ++family)
        check(l4::thread_schedule(server_id(family), l4::schedule_param(draw_priority(random))) !=
                  0xFFFFFFFFu,
              "thread_schedule of a server");
    if (random.below(8) == 0) {
        restart_family(random.below(worker_tasks));
        collect();
    }
    if (random.below(8) == 0) {
        l4::fpage_unmap(l4::Fpage::make(frames_base, l4::superpage_bits),
                        l4::unmap_own_too | l4::unmap_fully);
        if (random.below(2) != 0)
            take_pool(); // else it comes back page by page
    }
}

// Those that are in no round answer too.
void call_the_roll() {
    for (unsigned family = 0; family < worker_tasks; ++family)
        check(server_answers(family), "a server answers at the end");
    for (unsigned pager = 0; pager < root_pagers + middle_pagers; ++pager) {
        l4::Message message{request_word(PagerRequest::ping), 0, 0};
        check(call(pager, pager_id(pager), message).ok() && message.w0 == request_word(PagerRequest::ping),
              "a pager answers at the end");
    }
    for (unsigned slot = 0; slot < workers; ++slot) {
        const l4::ScheduleResult result = l4::schedule_thread(worker_id(slot), 0xFFFFFFFFu);
        check(result.state() == l4::ThreadRunState::waiting && result.partner == conductor_id,
              "a worker's state at the end");
    }
}

void report(uint32_t rounds) {
    uint32_t lives = 0, all = 0;
    for (unsigned family = 0; family < worker_tasks; ++family)
        lives += world.lives[family];
    for (const Worker& worker : world.workers)
        all = digest(all, worker.digest);
    workloads::TextLine line;
    line.text("stress: seed ").decimal(world.seed).text(": ").decimal(rounds * operations_per_round);
    line.text(" operations, ").decimal(lives).text(" tasks deleted, digest ").hex(all, 8).print();
    workloads::TextLine().text("stress: passed").print();
}

} // namespace

void conduct(const Orders& orders) {
    take_pool();
    prepare_world(orders);
    start_pagers();
    for (unsigned family = 0; family < worker_tasks; ++family)
        start_family(family);
    collect();
    const auto rounds = static_cast<uint32_t>(rounds_for(orders.operations));
    for (uint32_t round = 1; round <= rounds; ++round) {
        shake(round);
        begin_round(round);
        collect();
    }
    call_the_roll();
    report(rounds);
    leave(true);
}

} // namespace stress
