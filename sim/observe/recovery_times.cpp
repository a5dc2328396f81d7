#include "sim/observe/recovery_times.hpp"

#include "kernel-model/abi/system_layout.hpp"

#include <algorithm>
#include <numeric>

namespace fixpoint::sim {
namespace {

// Leaving the kernel and entering it again by a page fault takes less than this, with nothing in the caches; longer means
// that the thread ran.
constexpr uint64_t cycles_without_progress = 10'000;
constexpr double full_speed_share = 0.95;

bool is_persistent(l4::ThreadId thread) {
    return thread.task() >= l4::first_persistent_task;
}

} // namespace

void RecoveryTimes::power_cycle(const Sample& at) {
    if (!crashed_) {
        // From the first work on: the boot is no part of the undisturbed rate. The last bucket is incomplete.
        const auto first =
            std::find_if(work_.begin(), work_.end(), [](uint64_t units) { return units != 0; });
        const auto whole = work_.end() - first - 1;
        if (first != work_.end() && whole > 0)
            undisturbed_rate_ = static_cast<double>(std::accumulate(first, first + whole, uint64_t{0})) /
                                static_cast<double>(whole);
    }
    crashed_ = true;
    watching_ = false;
    candidate_.reset();
    work_.clear();
    start_ = at.now;
    timing_ = {};
    timing_.crash = at.now;
    timing_.kernel_entry = at.now;
}

void RecoveryTimes::kernel_entry(const Sample& at) {
    timing_.kernel_entry = at.now;
}

void RecoveryTimes::recovered(const Sample& at, uint32_t epoch) {
    watching_ = epoch != 0;
    if (watching_)
        timing_.threads_ready = at.now;
}

void RecoveryTimes::thread_switch(const Sample& at, l4::ThreadId thread) {
    if (!watching_)
        return;
    if (candidate_) { // it was interrupted, not stopped by a fault
        timing_.first_user_instruction = candidate_->now;
        watching_ = false;
        return;
    }
    if (is_persistent(thread))
        candidate_ = at;
}

void RecoveryTimes::fault_begin(const Sample& at, l4::ThreadId thread) {
    if (!watching_ || !is_persistent(thread))
        return;
    if (candidate_ && at.cycles - candidate_->cycles >= cycles_without_progress) {
        timing_.first_user_instruction = candidate_->now;
        watching_ = false;
    }
    candidate_.reset();
}

void RecoveryTimes::fault_end(const Sample& at, l4::ThreadId thread) {
    if (watching_ && is_persistent(thread))
        candidate_ = at;
}

void RecoveryTimes::work(const Sample& at, uint32_t units) {
    const size_t index = (at.now - start_) / bucket;
    if (work_.size() <= index)
        work_.resize(index + 1);
    work_[index] += units;
}

std::optional<models::Picoseconds> RecoveryTimes::full_speed() const {
    if (undisturbed_rate_ <= 0)
        return std::nullopt;
    const double enough = full_speed_share * undisturbed_rate_ * buckets_per_window;
    for (size_t first = 0; first + buckets_per_window <= work_.size(); ++first) {
        const auto begin = work_.begin() + static_cast<std::ptrdiff_t>(first);
        const uint64_t units =
            std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(buckets_per_window), uint64_t{0});
        if (static_cast<double>(units) >= enough)
            return start_ + first * bucket;
    }
    return std::nullopt;
}

RecoveryTiming RecoveryTimes::timing() const {
    RecoveryTiming timing = timing_;
    if (candidate_ && !timing.first_user_instruction)
        timing.first_user_instruction = candidate_->now;
    timing.full_speed = crashed_ ? full_speed() : std::nullopt;
    return timing;
}

} // namespace fixpoint::sim
