// Threads that wait for time to pass, or for somebody outside the persistent world.
#include "tests/guest_programs/snapshot/stage.hpp"

namespace snapshot_test {

namespace {

using enum l4::ThreadRunState;

constexpr unsigned first = 1, second = 2, third = 3, deaf = 4;
constexpr unsigned subjects[] = {first, second, third};

// --- timeouts: of a sleep, of a receive and of a send

constexpr uint64_t limit_us = 1'500'000;
uint64_t remaining_us[deaf] = {}; // of each, at the last look before the snapshot

void expect_timeout(l4::MessageResult result, l4::IpcError error) {
    expect(result.error() == static_cast<unsigned>(error), "a wait that ended otherwise than by its timeout",
           result.error());
    end_subject();
}
void sleep() {
    l4::Message message;
    expect_timeout(l4::receive(l4::nil_thread, message, l4::Timeouts::make(0, limit_us)),
                   l4::IpcError::receive_timeout);
}
void receive_from_deaf() {
    l4::Message message;
    expect_timeout(l4::receive(thread(deaf), message, l4::Timeouts::make(0, limit_us)),
                   l4::IpcError::receive_timeout);
}
void send_to_deaf() {
    expect_timeout(l4::send(thread(deaf), {}, l4::Timeouts::make(limit_us, 0)), l4::IpcError::send_timeout);
}
void start_timeouts() {
    start_thread(deaf, &rest, subject_priority);
    start_thread(first, &sleep, subject_priority);
    start_thread(second, &receive_from_deaf, subject_priority);
    start_thread(third, &send_to_deaf, subject_priority);
}
bool all_wait() {
    return is(first, waiting, l4::nil_thread) && is(second, waiting, thread(deaf)) &&
           is(third, pending, thread(deaf));
}
bool timeouts_reached() {
    for (const unsigned lthread : subjects)
        remaining_us[lthread] = look_at(lthread).remaining_us();
    return all_wait();
}
// What remained at the snapshot remains, less the time since the restart.
bool timeouts_kept() {
    for (const unsigned lthread : subjects) {
        const uint64_t now_us = look_at(lthread).remaining_us();
        if (now_us == 0 || now_us > remaining_us[lthread])
            return false;
    }
    return all_wait();
}

// --- drivers: nobody outside answers; a recovery ends both phases with an error

volatile uint32_t aborted[deaf] = {};

// Once for every recovery.
void count_aborts(l4::MessageResult (*communicate)(), l4::IpcError error) {
    const unsigned self = l4::my_id().lthread();
    while (aborted[self] < stage.recoveries_wanted) {
        const l4::MessageResult result = communicate();
        expect(result.error() == static_cast<unsigned>(error), "IPC with a driver that ended otherwise",
               result.error());
        aborted[self] = aborted[self] + 1;
    }
    end_subject();
}
void receive_from_driver() {
    count_aborts(
        [] {
            l4::Message message;
            return l4::receive(l4::disk_driver_thread, message);
        },
        l4::IpcError::receive_aborted);
}
// The checkpointer receives from the pager thread and the driver only.
void send_outside() {
    count_aborts([] { return l4::send(l4::checkpointer_thread, {}); }, l4::IpcError::send_aborted);
}
void start_drivers() {
    start_thread(first, &receive_from_driver, subject_priority);
    start_thread(second, &send_outside, subject_priority);
}
bool drivers_reached() {
    return is(first, waiting, l4::disk_driver_thread) && is(second, pending, l4::checkpointer_thread);
}

void release_nobody() {}

} // namespace

constinit const SnapshotClass waiting_classes[waiting_class_count] = {
    {"timeouts", 3, start_timeouts, timeouts_reached, timeouts_kept, release_nobody},
    {"driver", 2, start_drivers, drivers_reached, nullptr, release_nobody},
};

} // namespace snapshot_test
