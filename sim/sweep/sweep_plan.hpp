// A sweep: the cartesian product of the values in the [sweep] table, each point an experiment.
#pragma once

#include "sim/config/experiment.hpp"

#include <string>
#include <vector>

namespace fixpoint::sim {

struct SweepAxis {
    std::string key;
    std::vector<Value> values;
    std::vector<std::string> labels; // of the values, as they appear in sweep.csv
};

struct SweepPoint {
    std::vector<std::string> labels; // one an axis
    Experiment experiment;
};

struct SweepPlan {
    Value document; // the configuration with its [sweep] table, as it was read
    std::string name;
    std::vector<SweepAxis> axes;
    std::vector<SweepPoint> points; // the last axis varies fastest
};

// Checks every point. Throws ConfigurationError.
[[nodiscard]] SweepPlan plan_sweep(const std::filesystem::path& path, const std::vector<Override>& overrides);

} // namespace fixpoint::sim
