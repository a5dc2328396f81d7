// What a conductor and a child say to each other, and where a child finds its memory.
//
// A command is a register message to the child, its answer one back. Every child keeps a chain of all commands and
// values on its stack and answers with it; the conductor computes the same.
#pragma once

#include "kernel-model/abi/types.hpp"
#include "workloads/churn/stripes.hpp"

#include <cstdint>

namespace workloads {

// A child's address space: the program's text where it is in the manager, and
inline constexpr unsigned slot_count = 16;
inline constexpr uint32_t slots_address = 0x50000000u;       // pages that the manager binds to its slots
inline constexpr uint32_t child_stack_address = 0x5F000000u; // one page, its ChildStart at the end

enum class Operation : uint32_t {
    step = 1, // checks stripe `first` of slot, gives it the state after it; value: the state it had
    check,    // checks all of slot; value: the page's chain
    send,     // sends stripes of slot to the partner, as a string gathered from two parts, and eight words
    receive,  // receives such a message into stripes of slot
    give_map, // maps slot to the partner
    give_grant,
    take,    // receives a mapping into slot
    drop,    // gives up the own mapping of slot
    compute, // counts in registers; value: the result
    nap,     // sleeps
};

struct Command {
    Operation operation = Operation::compute;
    unsigned slot = 0, first = 0, count = 0; // stripes
    uint32_t salt = 0;
    l4::ThreadId partner = l4::nil_thread;

    constexpr uint32_t word() const {
        return static_cast<uint32_t>(operation) | slot << 4 | first << 8 | count << 12;
    }
    static constexpr Command from_words(uint32_t w0, uint32_t w1, uint32_t w2) {
        return {static_cast<Operation>(w0 & 0xF), w0 >> 4 & 0xF, w0 >> 8 & 0xF, w0 >> 12 & 0x1F, w1, {w2}};
    }
};

enum class Outcome : uint32_t {
    done = 1,
    torn_page,     // a stripe that is not of one state
    wrong_message, // words, sizes or numbers of a message that are not those that were sent
    wrong_wakeup,
    ipc_failed, // value: the error
};

constexpr uint32_t chain_after(uint32_t chain, const Command& command, uint32_t value) {
    return chain32(chain32(chain32(chain, command.word()), command.salt), value);
}

// The value of `compute`.
constexpr uint32_t computed(uint32_t salt) {
    uint32_t value = salt;
    for (unsigned i = 0; i < 200 + salt % 2000; ++i)
        value = value * 1664525u + 1013904223u; // Numerical Recipes' generator
    return value;
}

// Words of a message, the first three in registers.
inline constexpr unsigned words_sent = 8;
constexpr uint32_t message_word(uint32_t salt, unsigned i) {
    return mix32(salt ^ i);
}

struct ChildStart {
    l4::ThreadId conductor;
    uint32_t chain = 0;
};

// A child's whole life. It has no memory but its stack and its slots.
[[noreturn]] void child_main(const ChildStart* start);

} // namespace workloads
