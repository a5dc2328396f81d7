#include "sim/observe/workload_progress.hpp"

#include <algorithm>

namespace fixpoint::sim {

void WorkloadProgress::work(uint32_t instance, uint32_t units) {
    if (instance < instances_.size())
        instances_[instance].units += units;
}

void WorkloadProgress::check(uint32_t, bool held) {
    if (!held)
        ++failed_checks_;
}

void WorkloadProgress::done(uint32_t instance, bool verified) {
    if (instance < instances_.size()) {
        instances_[instance].done = true;
        instances_[instance].verified = verified;
    }
}

void WorkloadProgress::snapshot(uint32_t epoch) {
    at_epoch_[epoch] = instances_;
    constexpr size_t kept = 4; // recovery goes back by two at most
    while (at_epoch_.size() > kept)
        at_epoch_.erase(at_epoch_.begin());
}

void WorkloadProgress::recovered(uint32_t epoch) {
    const auto found = at_epoch_.find(epoch);
    if (found != at_epoch_.end())
        instances_ = found->second;
    else
        std::fill(instances_.begin(), instances_.end(), Instance{});
    at_epoch_.erase(at_epoch_.upper_bound(epoch), at_epoch_.end());
}

bool WorkloadProgress::finished() const {
    return std::all_of(instances_.begin(), instances_.end(), [](const Instance& i) { return i.done; });
}

bool WorkloadProgress::verified() const {
    return finished() && failed_checks_ == 0 &&
           std::all_of(instances_.begin(), instances_.end(), [](const Instance& i) { return i.verified; });
}

uint64_t WorkloadProgress::units() const {
    uint64_t sum = 0;
    for (const Instance& instance : instances_)
        sum += instance.units;
    return sum;
}

} // namespace fixpoint::sim
