#include "workloads/stress/worker.hpp"

#include "workloads/stress/calls.hpp"
#include "workloads/stress/verdict.hpp"

namespace stress {

namespace {

void take_step(const PairTurn& turn) {
    constexpr unsigned burst_calls = 4;
    switch (turn.step.kind) {
    case StepKind::alone:
        work_alone(turn.self, turn.slot);
        break;
    case StepKind::message:
        exchange_message(turn);
        break;
    case StepKind::call:
        exchange_call(turn, 1);
        break;
    case StepKind::burst:
        exchange_call(turn, burst_calls);
        break;
    case StepKind::receive_timeout:
        let_receive_time_out(turn);
        break;
    case StepKind::send_timeout:
        let_send_time_out(turn);
        break;
    case StepKind::strings:
        exchange_strings(turn);
        break;
    case StepKind::map:
        map_to_partner(turn);
        break;
    case StepKind::cancel:
        cancel_partner(turn);
        break;
    case StepKind::interrupt:
        interrupt_partner(turn);
        break;
    }
}

void work_for_a_round(Worker& self, unsigned slot) {
    const unsigned partner = world.pairing.partner[slot];
    const unsigned lower = slot < partner ? slot : partner;
    const bool same_task = family_of(slot) == family_of(partner);
    workloads::Random random = stream(world.seed, Stream::pair, world.round, lower);
    for (unsigned step = 0; step < steps_per_round; ++step) {
        const PairStep drawn = draw_step(random, same_task);
        take_step({drawn, self, slot, partner, drawn.lower_begins == (slot == lower)});
    }
}

} // namespace

void PairTurn::note(uint32_t result) const {
    self.digest = digest(self.digest, result);
}

void end_round(uint32_t entry, unsigned participant) {
    l4::Message message{participant, world.round, 0};
    check(call(entry, conductor_id, message).ok(), "the conductor begins a round");
    check_equal(message.w0, world.round, "the round that the conductor begins");
}

void worker_main(unsigned slot) {
    Worker& self = world.workers[slot];
    self.schedule = 0;
    self.has_number = false;
    for (;;) {
        end_round(self.random.next(), slot);
        work_for_a_round(self, slot);
    }
}

} // namespace stress
