// What the classes of snapshot.cpp share: threads, their states, their ends.
//
// An *observer* (lthread 0) brings *subjects* into a state, asks for a checkpoint and, recovered, lets them go on. It has a
// higher priority than they, and its request goes to the checkpoint server and on to the stop without anybody of
// lower priority running between. So what it sees of the subjects in its last look before the request is what the
// snapshot has.
#pragma once

#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"

#include <cstdint>

namespace snapshot_test {

inline constexpr unsigned observer_lthread = 0;
inline constexpr unsigned helper_priority = 40, observer_priority = 35, subject_priority = 20;

struct SnapshotClass {
    const char* name;
    unsigned subjects; // that end by end_subject()
    void (*start)();
    bool (*reached)(); // are the subjects in the class's states?
    bool (*kept)(); // are they, as soon as they can be looked at after the recovery? null: they need not be
    void (*release)(); // they shall end now
};

extern const SnapshotClass computing_classes[], message_classes[], fault_classes[], waiting_classes[],
    exception_classes[];
inline constexpr unsigned computing_class_count = 3, message_class_count = 5, fault_class_count = 4,
                          waiting_class_count = 2, exception_class_count = 1;

// What all threads of the program can see.
struct Stage {
    uint32_t recoveries_wanted = 1; // before the subjects are released
    volatile bool released = false;
    volatile uint32_t ended = 0;
    const char* volatile error = nullptr; // the first that anybody found
    volatile uint32_t error_value = 0;
};
extern Stage stage;

void expect(bool condition, const char* error, uint32_t value = 0);
[[noreturn]] void end_subject();
[[noreturn]] void rest();

l4::ThreadId thread(unsigned lthread);
void start_thread(unsigned lthread, void (*entry)(), unsigned priority,
                  l4::ThreadId pager = l4::pager_thread);
// Makes the thread's stack present, so that the thread's first fault is the one that it is there for.
void touch_stack(unsigned lthread);
uint32_t stack_top_of(unsigned lthread);

l4::ScheduleResult look_at(unsigned lthread);
bool is(unsigned lthread, l4::ThreadRunState state);
// In its own ipc, with this partner (any: invalid_thread).
bool is(unsigned lthread, l4::ThreadRunState state, l4::ThreadId partner);

// Subjects and helpers wait for the observer's word, or have it already.
void wait_for_observer();
void tell(unsigned lthread);
bool waits_for_observer(unsigned lthread);

} // namespace snapshot_test
