// What the debugger needs of the machine, at an instruction boundary with time standing still.
#pragma once

#include "models/cpu/cpu.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace fixpoint::sim {

struct DebugTarget {
    virtual ~DebugTarget() = default;

    [[nodiscard]] virtual models::CpuState state() const = 0;
    // Flushes the TLBs: the only service here, with write_physical(), that changes modelled time.
    virtual void set_state(const models::CpuState& state) = 0;
    [[nodiscard]] virtual uint64_t cycles() const = 0;
    [[nodiscard]] virtual uint64_t instructions() const = 0;

    // By the current address space's tables in memory, without effects. False: not present.
    [[nodiscard]] virtual bool translate(uint32_t linear, uint32_t& physical) const = 0;
    // Main memory and ROM; false if any of it is neither (reading a device may have effects).
    [[nodiscard]] virtual bool read_physical(uint32_t physical, std::span<uint8_t> bytes) const = 0;
    [[nodiscard]] virtual bool is_writable(uint32_t physical, size_t bytes) const = 0; // all main memory
    // False, and nothing written, unless is_writable().
    [[nodiscard]] virtual bool write_physical(uint32_t physical, std::span<const uint8_t> bytes) = 0;
    [[nodiscard]] virtual std::vector<models::CachedTranslation> tlb_entries() const = 0;

    virtual void set_watchpoints(std::vector<models::Watchpoint> watchpoints) = 0;
    // As the reset button: the image is loaded anew.
    virtual void reset() = 0;
};

// Linear addresses, page by page; false if any of it is not mapped or not memory. A write that fails has
// written nothing.
[[nodiscard]] bool read_linear(const DebugTarget& target, uint32_t linear, std::span<uint8_t> bytes);
[[nodiscard]] bool write_linear(DebugTarget& target, uint32_t linear, std::span<const uint8_t> bytes);

} // namespace fixpoint::sim
