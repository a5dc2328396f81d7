// What all threads share: who is alive under which id, each slot's pages as they shall be, each worker's progress.
// Every word has one writer at a time, so none needs a lock.
#pragma once

#include "workloads/stress/plan.hpp"

namespace stress {

// What shall lie behind a page of a window. Written by the slot's pager, at the slot's request.
struct PagePolicy {
    uint16_t frame;
    bool writable;
    bool grant;
};

struct Window {
    PagePolicy pages[pages_per_window];
    uint32_t faults;      // seen by the pager
    uint32_t denied;      // of those, writes to what is read only
    uint32_t owner_count; // what the slot has written to its own frame last
};

inline constexpr unsigned stack_bytes = 4096, landing_bytes = 512;
struct alignas(4096) Stack {
    uint8_t bytes[stack_bytes];

    // The upper part is the stack of land().
    uint32_t top() const { return reinterpret_cast<uint32_t>(bytes) + stack_bytes - landing_bytes; }
    uint32_t landing_top() const { return reinterpret_cast<uint32_t>(bytes) + stack_bytes - 16; }
    bool contains(uint32_t address) const {
        return address - reinterpret_cast<uint32_t>(bytes) <= stack_bytes;
    }
};

// For messages in memory. Whole fpages: a slot flushes them, so that pages are missing in the middle of a transfer.
inline constexpr unsigned buffer_log2 = 13, buffer_bytes = 1u << buffer_log2;
struct alignas(buffer_bytes) Buffer {
    uint8_t bytes[buffer_bytes];
};

// A worker outlives its thread: when its task is deleted between rounds, the new thread goes on from here.
struct Worker {
    workloads::Random random;
    uint32_t digest = 0;     // of all results
    uint32_t schedule = 0;   // thread_schedule's word as the worker has set it; 0: not yet
    bool has_number = false; // in its x87 registers:
    uint32_t number = 0;
    void* resume_at[5] = {};   // of __builtin_setjmp, for a thread that is moved by lthread_ex_regs
    uint32_t landing_code = 0; // EAX as it was then
};

struct World {
    uint32_t seed = 0;
    uint32_t round = 0;
    bool sysenter = false;
    unsigned plant = 0; // see Plant
    Pairing pairing{};
    l4::ThreadId tasks[worker_tasks];    // lthread 0 of the worker tasks
    l4::ThreadId children[worker_tasks]; // of the children, nil between two lives
    uint32_t lives[worker_tasks] = {};
    uint16_t child_versions[worker_tasks] = {};
    Worker workers[stress::workers];
    Window windows[slots] = {};
    uint32_t served[worker_tasks][slots] = {}; // by the server: calls of each client
    uint32_t called[worker_tasks][slots] = {}; // by the client
};
extern World world;

// Faults that are put in to show that they are found.
enum Plant : unsigned { plant_nothing, plant_stale_mapping, plant_lost_call };

l4::ThreadId worker_id(unsigned slot);
l4::ThreadId pager_id(unsigned pager);
l4::ThreadId server_id(unsigned family);
l4::ThreadId participant_id(unsigned participant);
// Who pages a slot's task: a number below `pagers`.
unsigned pager_of(unsigned slot);
inline constexpr l4::ThreadId conductor_id = l4::root_thread;

Buffer& send_buffer(unsigned slot);
Buffer& receive_buffer(unsigned slot); // a slot's, or that of server `slots` + family
void flush_buffer(const Buffer& buffer);

// Stacks of all threads, by role.
Stack& worker_stack(unsigned slot); // any slot
Stack& breeder_stack(unsigned family);
Stack& friend_stack(unsigned family);
Stack& server_stack(unsigned family);
Stack& pager_stack(unsigned pager);

} // namespace stress
