// A worker: takes its steps of each round, alone or with its partner of the round.
#pragma once

#include "workloads/stress/world.hpp"

namespace stress {

[[noreturn]] void worker_main(unsigned slot);

// Tells the conductor that the round is over and waits for the next one. Not for the last: then for ever.
void end_round(uint32_t entry, unsigned participant);

// What two workers need for a step that they take together.
struct PairTurn {
    PairStep step;
    Worker& self;
    unsigned slot, partner;
    bool begins; // has the first role

    l4::ThreadId partner_id() const { return worker_id(partner); }
    bool same_task() const { return family_of(slot) == family_of(partner); }
    uint32_t entry() const { return self.random.next(); }
    void note(uint32_t result) const;
};

// Steps, by kind.
void work_alone(Worker& self, unsigned slot);
void exchange_message(const PairTurn& turn);
void exchange_call(const PairTurn& turn, unsigned rounds);
void let_receive_time_out(const PairTurn& turn);
void let_send_time_out(const PairTurn& turn);
void exchange_strings(const PairTurn& turn);
void map_to_partner(const PairTurn& turn);
void cancel_partner(const PairTurn& turn);
void interrupt_partner(const PairTurn& turn);

} // namespace stress
