// The parts of an address space that are still free, for a loader that takes what it needs one after the
// other and gives nothing back.
//
// Invariant: the ranges ascend, are not empty and do not overlap.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace fixpoint::sim {

class FreeRanges {
public:
    static constexpr uint64_t no_limit = std::numeric_limits<uint64_t>::max();

    void add(uint64_t begin, uint64_t end);
    // Whether or not all of it is free.
    void remove(uint64_t begin, uint64_t end);

    // Takes the lowest free place in [from, limit) with the given alignment (a power of two); nothing if there is
    // none. No bytes: a place in or at the end of a free range, of which nothing is taken.
    [[nodiscard]] std::optional<uint64_t> take(uint64_t bytes, uint64_t alignment, uint64_t from,
                                               uint64_t limit = no_limit);

    // Bytes of the largest range, 0 if nothing is free.
    [[nodiscard]] uint64_t largest() const;

private:
    struct Range {
        uint64_t begin, end;
    };
    std::vector<Range> ranges_;
};

} // namespace fixpoint::sim
