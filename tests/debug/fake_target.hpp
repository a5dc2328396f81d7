// A machine that stands still: registers and a few pages of memory, mapped or not as a test wants.
#pragma once

#include "sim/debug/debug_target.hpp"

#include <cstring>
#include <map>
#include <vector>

namespace fixpoint::sim::test {

class FakeTarget final : public DebugTarget {
public:
    static constexpr uint32_t page_bytes = 4096;

    models::CpuState registers;
    std::vector<uint8_t> memory = std::vector<uint8_t>(size_t{64} * page_bytes);
    std::map<uint32_t, uint32_t> pages; // linear to physical; empty: linear addresses are physical ones
    std::vector<models::CachedTranslation> tlb;
    std::vector<models::Watchpoint> watchpoints;
    unsigned resets = 0, states_set = 0;

    [[nodiscard]] models::CpuState state() const override { return registers; }
    void set_state(const models::CpuState& state) override {
        registers = state;
        ++states_set;
    }
    [[nodiscard]] uint64_t cycles() const override { return 1000; }
    [[nodiscard]] uint64_t instructions() const override { return 100; }
    uint32_t rom_end = 0; // memory below it can only be read

    [[nodiscard]] bool translate(uint32_t linear, uint32_t& physical) const override {
        physical = linear;
        if (pages.empty())
            return true;
        const auto page = pages.find(linear & ~(page_bytes - 1));
        if (page == pages.end())
            return false;
        physical = page->second | (linear & (page_bytes - 1));
        return true;
    }
    [[nodiscard]] bool read_physical(uint32_t physical, std::span<uint8_t> bytes) const override {
        if (uint64_t{physical} + bytes.size() > memory.size())
            return false;
        std::memcpy(bytes.data(), memory.data() + physical, bytes.size());
        return true;
    }
    [[nodiscard]] bool is_writable(uint32_t physical, size_t bytes) const override {
        return uint64_t{physical} + bytes <= memory.size() && physical >= rom_end;
    }
    [[nodiscard]] bool write_physical(uint32_t physical, std::span<const uint8_t> bytes) override {
        if (!is_writable(physical, bytes.size()))
            return false;
        std::memcpy(memory.data() + physical, bytes.data(), bytes.size());
        return true;
    }
    [[nodiscard]] std::vector<models::CachedTranslation> tlb_entries() const override { return tlb; }
    void set_watchpoints(std::vector<models::Watchpoint> watched) override {
        watchpoints = std::move(watched);
    }
    void reset() override { ++resets; }

    void put32(uint32_t physical, uint32_t value) {
        std::memcpy(memory.data() + physical, &value, sizeof value);
    }
};

} // namespace fixpoint::sim::test
