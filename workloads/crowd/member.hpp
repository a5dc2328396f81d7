// One thread of a crowd, without its system calls: what it must be told, what it has written, what it says.
//
// Tokens go round the rings (roster.hpp):
//
//   muster    one, through everybody, when all is set up
//   tour      `tokens` of them at a time, through the active; they cannot overtake each other
//   farewell  one, through everybody, when all tours are over
//
// A token names its kind, its number and the place in the ring, hashed: each member knows beforehand which one comes next.
// So a member that is of another instant than its neighbour, a message lost and one sent twice show at once. A visit
// writes one word into each of the member's pages, computed from seed, page and the number of visits, which is kept on
// the member's stack: a page that is of another instant than its stack contradicts it. The farewell adds up what all
// members have come to.
//
// Portable.
#pragma once

#include "workloads/crowd/roster.hpp"
#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

enum class TokenKind : uint32_t { muster = 1, tour, farewell };

struct Token {
    TokenKind kind = TokenKind::muster;
    uint32_t number = 0; // of a tour, from 0
    uint32_t value = 0;  // muster, tour: token_proof(); farewell: the sum so far

    constexpr bool operator==(const Token&) const = default;
};

struct CrowdParameters {
    Roster roster;
    uint64_t seed = 0;
    uint32_t tours = 0; // that come by each active member
    uint32_t pages_per_thread = 0;
};

constexpr uint32_t token_proof(uint64_t seed, TokenKind kind, uint32_t number, uint32_t thread) {
    return static_cast<uint32_t>(
        mix64(mix64(seed + static_cast<uint32_t>(kind)) + (uint64_t{number} << 32 | thread)));
}

class CrowdMember {
public:
    static constexpr uint32_t words_per_page = 4096 / sizeof(uint32_t);

    // `pages` has pages_per_thread pages, all zero.
    CrowdMember(const CrowdParameters& parameters, uint32_t thread, uint32_t* pages)
        : parameters_(parameters), thread_(thread), rank_(parameters.roster.active_rank(thread)),
          pages_(pages) {}

    bool is_active() const { return rank_ != parameters_.roster.active; }
    // What comes next, and from whom. Of a farewell the value is open.
    TokenKind next_kind() const;
    uint32_t next_sender() const;
    uint32_t receiver_after(TokenKind kind) const;

    // A token has come: false if it is not the one that is due, or a page contradicts the number of visits. `token` is
    // then what the next in the ring gets.
    bool visit(Token& token);
    // The token that starts at this member: that of the next visit. And what it is when it is back, after this member's
    // visit at its start.
    Token first_token() const;
    bool is_end_of_ring(const Token& token, TokenKind kind, uint32_t number) const {
        return token.kind == kind && token.number == number &&
               (kind == TokenKind::farewell ||
                token.value == token_proof(parameters_.seed, kind, number, thread_));
    }

    uint32_t visits() const { return visits_; }
    uint32_t tours() const { return tours_; }
    const char* error() const { return error_; }

private:
    bool holds(bool condition, const char* error) {
        if (!condition && !error_)
            error_ = error;
        return condition;
    }
    uint32_t* page(uint32_t number) const { return pages_ + number * words_per_page; }
    uint32_t word(uint32_t number, uint32_t visit) const {
        return static_cast<uint32_t>(
            mix64(parameters_.seed ^ (uint64_t{thread_} << 40 | uint64_t{number} << 32 | visit)));
    }
    bool write_pages();
    bool pages_hold() const;
    uint32_t sum() const;

    CrowdParameters parameters_;
    uint32_t thread_, rank_;
    uint32_t* pages_;
    uint32_t visits_ = 0, tours_ = 0;
    const char* error_ = nullptr;
};

// Memory of a task that nobody writes to again: two words of each page, computed from seed, task and page.
class Ballast {
public:
    Ballast(uint64_t seed, uint32_t task, uint32_t pages, uint32_t* memory)
        : seed_(seed), task_(task), pages_(pages), memory_(memory) {}

    void fill() const;
    // The first of `count` pages, spread over all, that is not as it was filled; pages: none.
    uint32_t first_wrong_page(uint32_t count) const;

private:
    static constexpr uint32_t last_word = CrowdMember::words_per_page - 1;
    uint32_t value(uint32_t page, uint32_t word) const {
        return static_cast<uint32_t>(mix64(mix64(seed_ + task_) + (uint64_t{page} << 32 | word)));
    }
    uint32_t* page_at(uint32_t page) const { return memory_ + uint64_t{page} * CrowdMember::words_per_page; }

    uint64_t seed_;
    uint32_t task_, pages_;
    uint32_t* memory_;
};

} // namespace workloads
