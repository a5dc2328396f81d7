// The pages that the `writer` program writes to, each with its share of all writes: the w_i of the cost models when time is
// counted in writes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fixpoint::sim {

struct WriterPattern {
    uint32_t pages = 0;
    std::optional<double> zipf; // the exponent; none: uniform
    bool is_scattered = true;   // else the hottest pages lie side by side
};

// Of the pages that hold the content, the hottest first. They add up to 1.
[[nodiscard]] std::vector<double> content_shares(const WriterPattern& pattern);

// Of all pages: besides its content's, each write changes a counter of four bytes (workloads/writer/page_writer.hpp),
// variables and stack.
[[nodiscard]] std::vector<double> writer_shares(const WriterPattern& pattern);

} // namespace fixpoint::sim
