// The 128 KB window of the video adapter at 0xA0000: plain memory that nothing displays.
#pragma once

#include "models/device.hpp"

#include <cassert>
#include <vector>

namespace fixpoint::models {

class VgaMemory final : public Device {
public:
    static constexpr uint32_t base = 0xA0000, size = 0x20000;

    uint32_t read(uint32_t offset, unsigned bytes) override {
        assert(offset + bytes <= size);
        uint32_t value = 0;
        for (unsigned i = 0; i < bytes; ++i)
            value |= uint32_t{memory_[offset + i]} << 8 * i;
        return value;
    }
    void write(uint32_t offset, unsigned bytes, uint32_t value) override {
        assert(offset + bytes <= size);
        for (unsigned i = 0; i < bytes; ++i)
            memory_[offset + i] = static_cast<uint8_t>(value >> 8 * i);
    }
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds) override { memory_.assign(size, 0); }
    void reset(Picoseconds) override {}

private:
    std::vector<uint8_t> memory_ = std::vector<uint8_t>(size);
};

} // namespace fixpoint::models
