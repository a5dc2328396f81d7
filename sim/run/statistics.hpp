// Mean, percentiles and maximum of a series of measurements.
#pragma once

#include <optional>
#include <vector>

namespace fixpoint::sim {

class Statistics {
public:
    void add(double value) { values_.push_back(value); }

    // Nothing for an empty series.
    [[nodiscard]] std::optional<double> mean() const;
    [[nodiscard]] std::optional<double> maximum() const;
    // Nearest rank: the smallest value that at least `percent` of all values do not exceed. percent: 1 to
    // 100.
    [[nodiscard]] std::optional<double> percentile(unsigned percent) const;

private:
    std::vector<double> values_;
};

} // namespace fixpoint::sim
