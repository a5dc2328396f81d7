// What checkpoints cost by the analytic models of the literature.
//
// Times of one call are in one unit, whichever; rates are in its inverse. Notation: tau, the interval between checkpoints; C, the
// cost of one to the running program; L, its latency until it is durable; R, the time of a restart; M, the mean
// time between failures, which come as a Poisson process of rate lambda = 1 / M; w_i, the rate at which page i is
// written, writes being a Poisson process too.
//
//   J. W. Young, "A first order approximation to the optimum checkpoint interval", CACM 17 (1974)
//   J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", FGCS 22 (2006)
//   N. H. Vaidya, "Impact of checkpoint latency on overhead ratio of a checkpointing scheme", IEEE Trans. Computers 46
//   (1997)
//
// These are figures for reports: they use the host's floating point, and nothing modelled may depend on them.
#pragma once

#include <span>

namespace fixpoint::sim {

// The interval that loses least, to first order: sqrt(2 C M).
[[nodiscard]] double young_interval(double cost, double mean_time_between_failures);
// The same to higher order; M where the cost is 2 M or more.
[[nodiscard]] double daly_interval(double cost, double mean_time_between_failures);

struct CheckpointTimes {
    double cost = 0, latency = 0, restart = 0; // cost <= latency: what is not cost overlaps with the program
};
// How much longer a program takes than without checkpoints and failures, as a share: r of Vaidya.
[[nodiscard]] double vaidya_overhead_ratio(double interval, const CheckpointTimes& times,
                                           double mean_time_between_failures);
// The interval at which that ratio is least. The latency has no part in it.
[[nodiscard]] double vaidya_interval(double cost, double mean_time_between_failures);

// D(tau): distinct pages written in an interval.
[[nodiscard]] double dirty_pages(std::span<const double> write_rates, double interval);
// Pages of those that are written again before they are saved, and so copied, when a drain of length W saves them
// in random order at a constant rate.
[[nodiscard]] double copied_pages(std::span<const double> write_rates, double interval, double drain);

// What one checkpoint costs: C(tau) = c0 + c1 D(tau).
struct CheckpointCost {
    double fixed = 0, for_each_dirty_page = 0;
};
// The tau with C - tau C' = tau^2 / (2 M). A part of the cost that is proportional to tau cancels: it is paid per
// write, however long the interval.
[[nodiscard]] double optimal_interval(const CheckpointCost& cost, std::span<const double> write_rates,
                                      double mean_time_between_failures);

// What one checkpoint keeps the disk busy: t0 + D(tau) t_w.
struct DrainTime {
    double fixed = 0, for_each_dirty_page = 0;
};
// The shortest interval that the disk keeps up with: tau = t0 + D(tau) t_w. Near t0 while all writes together take the disk
// less time than they take the program; beyond that the pages have to be written so often that they are saved
// seldom enough.
[[nodiscard]] double shortest_sustainable_interval(const DrainTime& drain,
                                                   std::span<const double> write_rates);

// Bytes that the disk writes for each one that the program wrote. `migrated_share` of a log's pages are written once
// more, to their homes; 0 for a store that writes in place.
[[nodiscard]] double write_amplification(double pages_written, double page_bytes, double bytes_of_program,
                                         double migrated_share);

} // namespace fixpoint::sim
