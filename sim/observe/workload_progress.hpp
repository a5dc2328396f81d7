// What the workloads report of themselves: work done, checks on the way, and their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace fixpoint::sim {

class WorkloadProgress {
public:
    explicit WorkloadProgress(size_t instances) : instances_(instances) {}

    void work(uint32_t instance, uint32_t units);
    void check(uint32_t instance, bool held);
    void done(uint32_t instance, bool verified);

    void snapshot(uint32_t epoch); // remembers the state that the epoch holds
    // The world is that of `epoch` again; 0, or an epoch of an earlier simulation: nothing is known of it.
    void recovered(uint32_t epoch);

    [[nodiscard]] bool finished() const;
    // All have ended and verified their data, and no check on the way failed.
    [[nodiscard]] bool verified() const;
    [[nodiscard]] uint32_t failed_checks() const { return failed_checks_; }
    [[nodiscard]] uint64_t units() const;

private:
    struct Instance {
        uint64_t units = 0;
        bool done = false, verified = false;
    };

    std::vector<Instance> instances_;
    std::map<uint32_t, std::vector<Instance>> at_epoch_;
    uint32_t failed_checks_ = 0;
};

} // namespace fixpoint::sim
