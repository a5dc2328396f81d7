#include "sim/cost_models/cost_models.hpp"

#include <cassert>
#include <cmath>

namespace fixpoint::sim {
namespace {

// Where `is_beyond` changes from false to true, by bisection to the last bit. It does within [low, high].
template<class Predicate>
double first_beyond(double low, double high, Predicate is_beyond) {
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return high;
        (is_beyond(middle) ? high : low) = middle;
    }
}

} // namespace

double young_interval(double cost, double mean_time_between_failures) {
    return std::sqrt(2 * cost * mean_time_between_failures);
}

double daly_interval(double cost, double mean_time_between_failures) {
    const double half_ratio = cost / (2 * mean_time_between_failures);
    if (half_ratio >= 1)
        return mean_time_between_failures;
    return young_interval(cost, mean_time_between_failures) *
               (1 + std::sqrt(half_ratio) / 3 + half_ratio / 9) -
           cost;
}

double vaidya_overhead_ratio(double interval, const CheckpointTimes& times,
                             double mean_time_between_failures) {
    const double lambda = 1 / mean_time_between_failures;
    return std::exp(lambda * (times.latency - times.cost + times.restart)) *
               std::expm1(lambda * (interval + times.cost)) / (lambda * interval) -
           1;
}

// The derivative vanishes where e^-(lambda (T + C)) = 1 - lambda T; left of it the ratio falls.
double vaidya_interval(double cost, double mean_time_between_failures) {
    const double lambda = 1 / mean_time_between_failures;
    return first_beyond(0, mean_time_between_failures, [&](double interval) {
        return -std::expm1(-lambda * (interval + cost)) <= lambda * interval;
    });
}

double dirty_pages(std::span<const double> write_rates, double interval) {
    double sum = 0;
    for (const double rate : write_rates)
        sum -= std::expm1(-rate * interval);
    return sum;
}

// A page is dirty with probability 1 - e^(-w tau). Its turn in the drain comes at a time uniform in [0, W]; no write before
// that has probability e^(-w t), which integrates to (1 - e^(-w W)) / (w W). Writes of the interval and of the drain
// are independent.
double copied_pages(std::span<const double> write_rates, double interval, double drain) {
    double sum = 0;
    for (const double rate : write_rates) {
        const double writes_in_drain = rate * drain;
        if (writes_in_drain > 0)
            sum -= std::expm1(-rate * interval) * (1 + std::expm1(-writes_in_drain) / writes_in_drain);
    }
    return sum;
}

double optimal_interval(const CheckpointCost& cost, std::span<const double> write_rates,
                        double mean_time_between_failures) {
    assert(cost.fixed > 0);
    // C - tau C' - tau^2 / 2M is c0 at 0, may rise first, and falls for ever after: it has one zero.
    const auto is_beyond = [&](double interval) {
        double slope = 0;
        for (const double rate : write_rates)
            slope += rate * std::exp(-rate * interval);
        const double intercept =
            cost.fixed + cost.for_each_dirty_page * (dirty_pages(write_rates, interval) - interval * slope);
        return intercept <= interval * interval / (2 * mean_time_between_failures);
    };
    // C - tau C' is never more than the cost of all pages.
    const double most = cost.fixed + cost.for_each_dirty_page * static_cast<double>(write_rates.size());
    return first_beyond(0, young_interval(most, mean_time_between_failures), is_beyond);
}

double shortest_sustainable_interval(const DrainTime& drain, std::span<const double> write_rates) {
    assert(drain.fixed > 0);
    // D is concave: the drain takes longer than the interval below the one intersection, and less above it.
    const double longest = drain.fixed + drain.for_each_dirty_page * static_cast<double>(write_rates.size());
    return first_beyond(0, longest, [&](double interval) {
        return drain.fixed + drain.for_each_dirty_page * dirty_pages(write_rates, interval) <= interval;
    });
}

double write_amplification(double pages_written, double page_bytes, double bytes_of_program,
                           double migrated_share) {
    return pages_written * page_bytes * (1 + migrated_share) / bytes_of_program;
}

} // namespace fixpoint::sim
