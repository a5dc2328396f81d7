// Mean, percentiles, maximum of a series of measurements, and how sure its mean is.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace fixpoint::sim {

class Statistics {
public:
    void add(double value) { values_.push_back(value); }
    [[nodiscard]] size_t count() const { return values_.size(); }

    // Nothing for an empty series.
    [[nodiscard]] std::optional<double> mean() const;
    [[nodiscard]] std::optional<double> maximum() const;
    // Half the width of the mean's 95 % confidence interval, by batch means: neighbours in the series may depend on each
    // other, means of batches hardly do. Nothing for fewer than 40 values.
    [[nodiscard]] std::optional<double> confidence_95() const;
    // Nearest rank: the smallest value that at least `percent` of all values do not exceed. percent: 1 to
    // 100.
    [[nodiscard]] std::optional<double> percentile(unsigned percent) const;

private:
    std::vector<double> values_;
};

} // namespace fixpoint::sim
