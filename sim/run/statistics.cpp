#include "sim/run/statistics.hpp"

#include <algorithm>
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
