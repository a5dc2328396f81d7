// What shall happen: drawn from the seed alone, so that it is the same whatever the order in which threads run.
//
// The run is a sequence of rounds. In a round every worker has a partner and both take the same number of steps.
// Both draw the steps that they take together from the same stream, so each knows what the other does and what must
// come of it; a worker draws what it does alone from a stream of its own.
#pragma once

#include "workloads/runtime/random.hpp"
#include "workloads/stress/layout.hpp"

#include <cstdint>

namespace stress {

inline constexpr unsigned steps_per_round = 100;
inline constexpr uint64_t operations_per_round = uint64_t{workers} * steps_per_round;

constexpr uint64_t rounds_for(uint64_t operations) {
    return (operations + operations_per_round - 1) / operations_per_round;
}

// Streams of random numbers, all from one seed.
enum class Stream : uint32_t { pairs = 1, pair, worker, breeder, friend_, child, pager, conductor };
constexpr workloads::Random stream(uint32_t seed, Stream which, uint32_t a = 0, uint32_t b = 0) {
    const uint64_t high = workloads::mix64(uint64_t{seed} << 32 | static_cast<uint32_t>(which));
    return workloads::Random(workloads::mix64(high ^ (uint64_t{a} << 32 | b)));
}

// Who works with whom in a round.
struct Pairing {
    uint16_t partner[workers];
};
constexpr void draw_pairing(Pairing& pairing, uint32_t seed, uint32_t round) {
    workloads::Random random = stream(seed, Stream::pairs, round);
    uint16_t order[workers] = {};
    for (unsigned index = 0; index < workers; ++index) {
        const unsigned other = random.below(index + 1);
        order[index] = order[other];
        order[other] = static_cast<uint16_t>(index);
    }
    for (unsigned index = 0; index < workers; index += 2) {
        pairing.partner[order[index]] = order[index + 1];
        pairing.partner[order[index + 1]] = order[index];
    }
}

enum class StepKind : uint8_t {
    alone,
    message,         // one way
    call,            // and back
    burst,           // calls in a row
    receive_timeout, // both receive: the one with a timeout gives up
    send_timeout,    // both send
    strings,         // a message in memory
    map,             // a page is mapped or granted, used and revoked
    cancel,          // lthread_ex_regs on the partner while it waits
    interrupt,       // the same at any instant
};

struct PairStep {
    StepKind kind;
    bool lower_begins; // the one with the lower slot number has the first role
    uint32_t variant;
    uint32_t words[3];
};

constexpr StepKind draw_kind(workloads::Random& random, bool same_task) {
    const uint32_t draw = random.below(128);
    if (draw < 64)
        return StepKind::alone;
    if (draw < 84)
        return StepKind::message;
    if (draw < 88)
        return StepKind::strings;
    if (draw < 108)
        return StepKind::call;
    if (draw < 112)
        return StepKind::burst;
    if (draw < 114)
        return StepKind::receive_timeout;
    if (draw < 116)
        return StepKind::send_timeout;
    if (!same_task)
        return draw < 124 ? StepKind::map : StepKind::message;
    return draw < 122 ? StepKind::cancel : StepKind::interrupt;
}

constexpr PairStep draw_step(workloads::Random& random, bool same_task) {
    PairStep step{};
    step.kind = draw_kind(random, same_task);
    if (step.kind == StepKind::alone)
        return step;
    step.variant = random.next();
    step.lower_begins = step.variant >> 31;
    for (uint32_t& word : step.words)
        word = random.next();
    return step;
}

} // namespace stress
