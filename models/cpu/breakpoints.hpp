// What the debug registers and a debugger's watchpoints ask for, in the form that accesses are compared with
// (SDM vol. 3, 17.2).
//
// The short cut of memory accesses must not cover a line that is watched: watches_line().
#pragma once

#include "models/cpu/instruction_observer.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace fixpoint::models {

namespace dr6 {
inline constexpr uint32_t general_detect = 1u << 13, single_step = 1u << 14, task_switch = 1u << 15;
inline constexpr uint32_t always_set = 0xFFFF'0FF0, writable = 0xE00F;
} // namespace dr6
namespace dr7 {
inline constexpr uint32_t general_detect = 1u << 13, always_set = 1u << 10, writable = 0xFFFF'2FFF,
                          local_enables = 0x55;
} // namespace dr7

class Breakpoints {
public:
    // From DR0-DR3 and DR7. `io_enabled`: CR4.DE.
    void configure(const std::array<uint32_t, 8>& debug, bool io_enabled) {
        executed_.clear();
        data_.clear();
        ports_.clear();
        for (unsigned n = 0; n < 4; ++n) {
            if ((debug[7] >> (2 * n) & 3) == 0)
                continue;
            const unsigned kind = debug[7] >> (16 + 4 * n) & 3, length = debug[7] >> (18 + 4 * n) & 3;
            const uint32_t bytes = length == 2 ? 8 : length + 1; // 2 is undefined; later processors: 8
            const Armed armed{1u << n, debug[n] & ~(bytes - 1), bytes, kind == 3};
            if (kind == 0)
                executed_.push_back({1u << n, debug[n], 1, false});
            else if (kind != 2)
                data_.push_back(armed);
            else if (io_enabled)
                ports_.push_back(armed);
        }
        watches_data_ = !data_.empty() || !watchpoints_.empty();
    }
    void watch(std::vector<Watchpoint> watchpoints) {
        watchpoints_ = std::move(watchpoints);
        watches_data_ = !data_.empty() || !watchpoints_.empty();
    }

    // Anything that needs each instruction or access looked at.
    [[nodiscard]] bool armed() const { return !executed_.empty() || watches_accesses(); }
    [[nodiscard]] bool watches_data() const { return watches_data_; }

    [[nodiscard]] bool watches_accesses() const { return watches_data() || !ports_.empty(); }

    // The bits of DR6 for an instruction, a data access, a port access; 0: none matches.
    [[nodiscard]] uint32_t executed(uint32_t linear) const { return matches(executed_, linear, 1, true); }
    [[nodiscard]] uint32_t accessed(uint32_t linear, uint32_t bytes, bool write) const {
        return matches(data_, linear, bytes, write);
    }
    [[nodiscard]] uint32_t port_accessed(uint16_t port, uint32_t bytes) const {
        return matches(ports_, port, bytes, true);
    }
    // The first watched byte that an access touches.
    [[nodiscard]] std::optional<uint32_t> watch_hit(uint32_t linear, uint32_t bytes, bool write) const {
        for (const Watchpoint& w : watchpoints_)
            if ((write || w.reads) && overlap(linear, bytes, w.linear, w.bytes))
                return linear > w.linear ? linear : w.linear;
        return std::nullopt;
    }
    [[nodiscard]] bool watches_line(uint32_t line, uint32_t line_bytes) const {
        if (matches(data_, line, line_bytes, true) != 0)
            return true;
        for (const Watchpoint& w : watchpoints_)
            if (overlap(line, line_bytes, w.linear, w.bytes))
                return true;
        return false;
    }

private:
    struct Armed {
        uint32_t bit; // of DR6
        uint32_t address, bytes;
        bool reads;
    };
    [[nodiscard]] static bool overlap(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes) {
        return a <= b + (b_bytes - 1) && b <= a + (a_bytes - 1);
    }
    [[nodiscard]] static uint32_t matches(const std::vector<Armed>& list, uint32_t address, uint32_t bytes,
                                          bool write) {
        uint32_t bits = 0;
        for (const Armed& armed : list)
            if ((write || armed.reads) && overlap(address, bytes, armed.address, armed.bytes))
                bits |= armed.bit;
        return bits;
    }

    bool watches_data_ = false;
    std::vector<Armed> executed_, data_, ports_;
    std::vector<Watchpoint> watchpoints_;
};

} // namespace fixpoint::models
