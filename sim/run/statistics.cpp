#include "sim/run/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fixpoint::sim {

std::optional<double> Statistics::mean() const {
    if (values_.empty())
        return std::nullopt;
    return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
}

std::optional<double> Statistics::maximum() const {
    if (values_.empty())
        return std::nullopt;
    return *std::max_element(values_.begin(), values_.end());
}

std::optional<double> Statistics::confidence_95() const {
    constexpr size_t batches = 20;
    constexpr double students_t = 2.0930; // 97.5 %, 19 degrees of freedom
    const size_t batch_length = values_.size() / batches;
    if (batch_length < 2)
        return std::nullopt;
    // What does not fill a batch is left out, at the beginning.
    auto next = values_.begin() + static_cast<std::ptrdiff_t>(values_.size() - batches * batch_length);
    double sum = 0, squares = 0;
    for (size_t batch = 0; batch < batches; ++batch) {
        const auto end = next + static_cast<std::ptrdiff_t>(batch_length);
        const double mean = std::accumulate(next, end, 0.0) / static_cast<double>(batch_length);
        next = end;
        sum += mean;
        squares += mean * mean;
    }
    const double variance = std::max(0.0, squares - sum * sum / batches) / (batches - 1);
    return students_t * std::sqrt(variance / batches);
}

std::optional<double> Statistics::percentile(unsigned percent) const {
    if (values_.empty())
        return std::nullopt;
    std::vector<double> sorted = values_;
    const size_t rank = std::max<size_t>((sorted.size() * percent + 99) / 100, 1);
    const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(sorted.begin(), nth, sorted.end());
    return *nth;
}

} // namespace fixpoint::sim
