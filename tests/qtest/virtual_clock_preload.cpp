// Loaded into QEMU (LD_PRELOAD): takes its time from a VirtualClock instead of from the host.
//
// QEMU's own qtest accelerator would do the same (docs/devel/testing), but distributions leave it out. What its virtual
// clock comes from is in the C library: clock_gettime(CLOCK_MONOTONIC) says what time it is, and ppoll() in the main
// loop waits for file descriptors or for the next timer. Here the one returns the virtual clock, and the other, while
// the clock is behind its target, lets it leap to the next timer and ignores the descriptors. So every timer comes at
// its exact instant, and a command that is sent after the target has been set is seen at the target.
#include "tests/qtest/virtual_clock.hpp"

#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using fixpoint::qtest::VirtualClock;

constexpr uint64_t ns_per_second = 1'000'000'000;
constexpr size_t kernel_signal_set_bytes = 8;
// A program that asks for the time while it starts does not expect 0.
constexpr uint64_t start_ns = ns_per_second;

VirtualClock* clock_of_test() {
    static VirtualClock* const clock = []() -> VirtualClock* {
        const char* name = std::getenv(fixpoint::qtest::virtual_clock_variable);
        const int file = name != nullptr ? open(name, O_RDWR | O_CLOEXEC) : -1;
        if (file < 0)
            return nullptr;
        void* place =
            mmap(nullptr, fixpoint::qtest::virtual_clock_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
        return place == MAP_FAILED ? nullptr : static_cast<VirtualClock*>(place);
    }();
    return clock;
}

int poll_by_kernel(pollfd* descriptors, nfds_t count, timespec* timeout, const sigset_t* mask) {
    return static_cast<int>(syscall(SYS_ppoll, descriptors, count, timeout, mask, kernel_signal_set_bytes));
}

} // namespace

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
    const VirtualClock* clock = clock_of_test();
    if (clock == nullptr || id != CLOCK_MONOTONIC)
        return static_cast<int>(syscall(SYS_clock_gettime, id, time));
    const uint64_t now = start_ns + clock->now_ns.load();
    time->tv_sec = static_cast<time_t>(now / ns_per_second);
    time->tv_nsec = static_cast<long>(now % ns_per_second);
    return 0;
}

extern "C" int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask) {
    VirtualClock* clock = clock_of_test();
    if (clock == nullptr) {
        timespec remaining = timeout != nullptr ? *timeout : timespec{};
        return poll_by_kernel(descriptors, count, timeout != nullptr ? &remaining : nullptr, mask);
    }
    const uint64_t to_timer_ns = timeout != nullptr ? static_cast<uint64_t>(timeout->tv_sec) * ns_per_second +
                                                          static_cast<uint64_t>(timeout->tv_nsec)
                                                    : ~uint64_t{0};
    while (true) {
        const uint64_t now = clock->now_ns.load(), target = clock->target_ns.load();
        if (target > now) {
            clock->now_ns.store(now + (to_timer_ns < target - now ? to_timer_ns : target - now));
            for (nfds_t i = 0; i < count; ++i)
                descriptors[i].revents = 0;
            return 0;
        }
        // No timer is due before the target moves on; a command tells that it has.
        timespec at_once{};
        const int ready = poll_by_kernel(descriptors, count, to_timer_ns == 0 ? &at_once : nullptr, mask);
        if (clock->target_ns.load() <= clock->now_ns.load())
            return ready;
    }
}
