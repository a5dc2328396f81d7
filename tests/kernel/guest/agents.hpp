// Two tasks that make one ipc each as they are told, and the pager of both: for tests of messages through memory.
//
// All tasks of a test program share its memory, 1:1. Beside that an agent has pages of its own from `area` on: page n
// of agent a is page n of its part of the pool, which the pager maps when it is touched, if it may.
#pragma once

#include "tests/kernel/guest/checks.hpp"

namespace kernel_test {

inline constexpr unsigned agent_count = 2, pages_per_agent = 16;
inline constexpr unsigned first_agent_task = 30;
inline constexpr uint32_t area = 0x40000000u; // in each agent's space

struct Job {
    uint32_t send = l4::no_send, receive = l4::no_receive;
    l4::Timeouts timeouts{};
    l4::ThreadId partner{};
    l4::Message message{};
    bool touches_area = false; // before the ipc, all pages of its own
    // out
    l4::MessageResult result{};
    volatile bool done = false;
};

struct Fault {
    uint32_t address_and_write = 0, eip = 0;
    l4::ThreadId client{};
};

enum class Paging { answer, ignore, read_only };

extern Job jobs[agent_count];
extern volatile Paging paging;
extern volatile unsigned area_faults;
extern Fault last_fault;

void start_agents(); // and the pager, lthread 1
l4::ThreadId agent(unsigned number);
uint8_t* pool_page(unsigned agent_number, unsigned page); // where the root task sees it
uint32_t area_address(unsigned page, unsigned offset = 0);

void go(unsigned agent_number);              // it makes the ipc of its job now
bool wait_until_done(unsigned agent_number); // false: not within a second
void answer_ignored_fault();                 // now, after all
void take_area_away(unsigned agent_number);  // unmaps its pages; what is in them stays
void restart(unsigned agent_number);         // a new life of the task

} // namespace kernel_test
