// A sender, a receiver and the pager of both, all threads of the root task: for tests of one transfer. The pager so serves
// its own task: page n of the area is page n of the pool.
#pragma once

#include "kernel-model/abi/message.hpp"
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

namespace kernel_test {

inline constexpr unsigned pair_pager = 2, deaf_pager = 3, sender = 4, receiver = 5; // lthreads
inline constexpr unsigned pair_pages = 8, half = pair_pages / 2; // the sender's, the receiver's
inline constexpr uint32_t pair_area_bytes = pair_pages * l4::page_size;

extern uint8_t pair_pool[pair_area_bytes];
extern uint8_t pair_copies[pair_area_bytes]; // of pages that were written, with copy-on-write
extern uint32_t pair_area;                   // where it is: 0x50000000
inline uint32_t sender_area(uint32_t offset = 0) {
    return pair_area + offset;
}
inline uint32_t receiver_area(uint32_t offset = 0) {
    return pair_area + half * l4::page_size + offset;
}

// 8 MB beside the program, which sigma0 gives.
inline constexpr uint32_t large_source = 0x02000000, large_target = 0x02400000, large_bytes = 4u << 20;

enum class Answers { map, copy_on_write, none };
extern volatile Answers answers;
extern volatile unsigned pair_faults; // in the area

using PairMessage = l4::MemoryMessage<8, l4::message_strings_max>;
extern PairMessage outgoing, incoming;

struct PairSide {
    uint32_t descriptor = 0; // of the message in memory
    l4::Timeouts timeouts{};
    unsigned priority = 40;
    l4::ThreadId pager{};
    bool by_sysenter = false;
    // out
    volatile bool done = false;
    l4::MessageResult result{};
};
extern PairSide sending, receiving;

void prepare_pair(); // its threads exist, sides and messages are as above, the area is absent
void take_pair_area_away();
void give_and_take(uint32_t from, uint32_t to, uint32_t bytes); // one string
void give_and_take_124_megabytes();                             // 4 MB 31 times
void start_pair();                                              // the receiver waits first
bool pair_is_done();                                            // waits for it
bool pair_is_ok();                                              // the same, and neither has an error
void fill_pair_pool(); // the sender's half with a pattern, the receiver's with zeros
bool string_came(const uint8_t* to, const uint8_t* from, uint32_t bytes);
[[noreturn]] void rest();

// The host may be busy: what shall happen is waited for, for up to two seconds.
template<class Condition>
bool happens(Condition condition) {
    for (unsigned tries = 0; tries < 2'000 && !condition(); ++tries)
        l4::sleep_us(1'000);
    return condition();
}
inline l4::ThreadRunState state_of(l4::ThreadId id) {
    return l4::schedule_thread(id, 0xFFFFFFFFu).state();
}
inline bool become(l4::ThreadId a, l4::ThreadRunState state_of_a, l4::ThreadId b,
                   l4::ThreadRunState state_of_b) {
    return happens([=] { return state_of(a) == state_of_a && state_of(b) == state_of_b; });
}

} // namespace kernel_test
