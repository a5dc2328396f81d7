#include "sim/cost_models/writer_rates.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fixpoint::sim {
namespace {

constexpr size_t counters_per_page = 1024;
constexpr size_t pages_of_every_write = 2; // variables; stack

} // namespace

std::vector<double> content_shares(const WriterPattern& pattern) {
    std::vector<double> shares;
    for (uint32_t rank = 1; rank <= pattern.pages; ++rank)
        shares.push_back(pattern.zipf ? std::pow(rank, -*pattern.zipf) : 1.0);
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares)
        share /= sum;
    return shares;
}

std::vector<double> writer_shares(const WriterPattern& pattern) {
    std::vector<double> shares = content_shares(pattern);
    const size_t pages = shares.size(), counter_pages = (pages + counters_per_page - 1) / counters_per_page;
    for (size_t page = 0; page < counter_pages; ++page) {
        // Scattered ranks: each page of counters has as many of the hot ones, nearly.
        const size_t first = page * counters_per_page, last = std::min(pages, first + counters_per_page);
        const auto begin = shares.begin() + static_cast<std::ptrdiff_t>(first);
        shares.push_back(
            pattern.is_scattered
                ? static_cast<double>(last - first) / static_cast<double>(pages)
                : std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(last - first), 0.0));
    }
    shares.insert(shares.end(), pages_of_every_write, 1.0);
    return shares;
}

} // namespace fixpoint::sim
