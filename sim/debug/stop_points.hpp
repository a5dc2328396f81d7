// Where a debugger wants the processor to stop: breakpoints, the end of a step, and watchpoints.
//
// Breakpoints are compared with the address of each instruction before it runs, so guest memory is never
// changed, there may be any number of them, and software and hardware breakpoints differ only in what they
// are reported as. Watchpoints are the processor model's.
#pragma once

#include "models/cpu/instruction_observer.hpp"

#include <bitset>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace fixpoint::sim {

enum class BreakpointKind { software, hardware };
enum class WatchKind { write, read, access };

class StopPoints {
public:
    void insert(BreakpointKind kind, uint32_t linear);
    void remove(BreakpointKind kind, uint32_t linear);
    void insert(WatchKind kind, uint32_t linear, uint32_t bytes);
    void remove(WatchKind kind, uint32_t linear, uint32_t bytes);
    void clear();

    // The next instruction outside of the linear addresses [begin, end) stops, whatever it is; an empty range: the
    // next one.
    void step(uint32_t begin, uint32_t end);
    void end_step() { step_.reset(); }

    // Something needs each instruction looked at.
    [[nodiscard]] bool any_before_instructions() const {
        return step_ || !software_.empty() || !hardware_.empty();
    }
    // Whether the instruction at `linear` is not to run yet.
    [[nodiscard]] bool stops_before(uint32_t linear) const {
        return filter_[linear % filter_size] ? is_breakpoint(linear) || leaves_step(linear)
                                             : leaves_step(linear);
    }
    // Which breakpoint stands there; none when a step ended.
    [[nodiscard]] std::optional<BreakpointKind> breakpoint_at(uint32_t linear) const;

    [[nodiscard]] std::vector<models::Watchpoint> watchpoints() const;
    // The watch that an access at `linear` belongs to.
    struct Watch {
        WatchKind kind = WatchKind::write;
        uint32_t linear = 0, bytes = 0;

        auto operator<=>(const Watch&) const = default;
    };
    [[nodiscard]] std::optional<Watch> watch_at(uint32_t linear) const;

private:
    struct Range {
        uint32_t begin = 0, end = 0;
    };
    static constexpr uint32_t filter_size = 1 << 12;

    [[nodiscard]] bool is_breakpoint(uint32_t linear) const {
        return software_.contains(linear) || hardware_.contains(linear);
    }
    [[nodiscard]] bool leaves_step(uint32_t linear) const {
        return step_ && !(linear - step_->begin < step_->end - step_->begin);
    }
    void rebuild_filter();

    std::set<uint32_t> software_, hardware_;
    std::bitset<filter_size>
        filter_; // of the breakpoints' addresses, so that most instructions cost one look
    std::set<Watch> watches_;
    std::optional<Range> step_;
};

} // namespace fixpoint::sim
