// Threads that compute: the one that has the processor when the stop begins, others that have lost it in the middle of a
// time slice, and such as have numbers in the x87.
#include "pager/protocol.hpp"
#include "tests/guest_programs/register_sums.hpp"
#include "tests/guest_programs/snapshot/stage.hpp"

namespace snapshot_test {

namespace {

using enum l4::ThreadRunState;

constexpr unsigned first = 1, second = 2, helper = 3;
volatile uint32_t steps[helper] = {};

void count_until_released() {
    const unsigned self = l4::my_id().lthread();
    for (uint32_t count = 1000 + self; !stage.released; ++count) {
        expect(workloads::registers_count_to(count), "a register that lost count", count);
        steps[self] = steps[self] + 1;
    }
    end_subject();
}

void count_in_x87_until_released() {
    const unsigned self = l4::my_id().lthread();
    for (uint32_t count = 20'000 + self; workloads::has_x87() && !stage.released; ++count) {
        expect(workloads::count_in_x87(count) == count, "an x87 register that lost count", count);
        steps[self] = steps[self] + 1;
    }
    end_subject();
}

// --- running: the last checkpoint is not durable yet when the next one is asked for, so the stop begins when the disk's
// interrupt takes the processor from the subject, the only thread that is ready.

void ask_for_checkpoints() {
    for (;;) {
        wait_for_observer();
        l4::Message message{pager::request_word(pager::Request::checkpoint)};
        l4::ThreadId server = l4::pager_thread;
        l4::call(server, message); // durable, or recovered: both are fine
    }
}

void start_running() {
    start_thread(first, &count_until_released, subject_priority);
    start_thread(helper, &ask_for_checkpoints, helper_priority);
}

bool running_reached() {
    if (waits_for_observer(
            helper)) // this goes over to the helper, which is back when it has sent its request
        tell(helper);
    return is(first, running) && is(helper, waiting, l4::pager_thread);
}

bool running_kept() {
    return is(first, running);
}

// --- preempted: by the observer, whose sleep is over; and by each other

void start_preempted() {
    start_thread(first, &count_until_released, subject_priority);
    start_thread(second, &count_until_released, subject_priority);
}
void start_floating() {
    start_thread(first, &count_in_x87_until_released, subject_priority);
    start_thread(second, &count_in_x87_until_released, subject_priority);
}

bool both_running() {
    return is(first, running) && is(second, running);
}
bool both_preempted() {
    return both_running() && steps[first] > 0 && steps[second] > 0;
}
bool both_use_x87() {
    return both_preempted() || !workloads::has_x87();
}

void release() {}

} // namespace

constinit const SnapshotClass computing_classes[computing_class_count] = {
    {"running", 1, start_running, running_reached, running_kept, release},
    {"preempted", 2, start_preempted, both_preempted, both_running, release},
    {"floating-point", 2, start_floating, both_use_x87, nullptr, release},
};

} // namespace snapshot_test
