// Which misses to memory go on where an earlier one ended.
//
// A stream is the line that would come next. A miss on that line belongs to the stream and moves it on; any other
// miss starts a stream of its own, in place of the one that started longest ago.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>

namespace fixpoint::models {

class MemoryStreams {
public:
    MemoryStreams(uint32_t count, uint32_t line_bytes) : count_{count}, line_bytes_{line_bytes} {
        if (count == 0 || count > next_lines_.size())
            throw std::invalid_argument("memory streams: must be 1 to 16");
        forget_all();
    }

    // A line that comes from memory. True: it goes on a stream.
    [[nodiscard]] bool miss(uint32_t physical) {
        const uint32_t line = physical / line_bytes_;
        for (uint32_t i = 0; i < count_; ++i)
            if (next_lines_[i] == line) {
                next_lines_[i] = line + 1;
                return true;
            }
        next_lines_[oldest_] = line + 1;
        oldest_ = (oldest_ + 1) % count_;
        return false;
    }
    void forget_all() {
        next_lines_.fill(none);
        oldest_ = 0;
    }
    template<class Visitor>
    void visit_state(Visitor&& visit) const {
        for (const uint32_t line : next_lines_)
            visit(line);
        visit(oldest_);
    }

private:
    static constexpr uint32_t none = 0; // a stream never goes on at line 0

    std::array<uint32_t, 16> next_lines_{};
    uint32_t count_, line_bytes_, oldest_ = 0;
};

} // namespace fixpoint::models
