// The simulated machine as a debugger's target.
#pragma once

#include "sim/debug/debug_target.hpp"
#include "sim/machine/machine.hpp"

#include <optional>

namespace fixpoint::sim {

class MachineTarget final : public DebugTarget {
public:
    explicit MachineTarget(Machine& machine) : machine_(machine) {}

    [[nodiscard]] models::CpuState state() const override { return machine_.cpu().state(); }
    void set_state(const models::CpuState& state) override { machine_.cpu().set_state(state); }
    [[nodiscard]] uint64_t cycles() const override { return machine_.cpu().cycles(); }
    [[nodiscard]] uint64_t instructions() const override { return machine_.cpu().instructions(); }
    [[nodiscard]] bool translate(uint32_t linear, uint32_t& physical) const override {
        return machine_.cpu().translate(linear, physical);
    }
    [[nodiscard]] bool read_physical(uint32_t physical, std::span<uint8_t> bytes) const override {
        return machine_.cpu().peek(physical, bytes);
    }
    [[nodiscard]] bool is_writable(uint32_t physical, size_t bytes) const override {
        return machine_.cpu().is_memory(physical, bytes);
    }
    [[nodiscard]] bool write_physical(uint32_t physical, std::span<const uint8_t> bytes) override {
        return machine_.cpu().poke(physical, bytes);
    }
    [[nodiscard]] std::vector<models::CachedTranslation> tlb_entries() const override {
        return machine_.cpu().tlb_entries();
    }
    void set_watchpoints(std::vector<models::Watchpoint> watchpoints) override {
        machine_.cpu().set_watchpoints(std::move(watchpoints));
    }
    [[nodiscard]] std::optional<uint32_t> take_watch_hit() { return machine_.cpu().take_watch_hit(); }
    void reset() override { machine_.reset(); }

private:
    Machine& machine_;
};

} // namespace fixpoint::sim
