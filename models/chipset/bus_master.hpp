// The way of a bus-mastering device to main memory.
#pragma once

#include <cstdint>
#include <span>

namespace fixpoint::models {

struct BusMasterMemory {
    virtual ~BusMasterMemory() = default;

    // False: nothing answers at some of these addresses (master abort).
    virtual bool read(uint32_t address, std::span<uint8_t> data) = 0;
    virtual bool write(uint32_t address, std::span<const uint8_t> data) = 0;
};

} // namespace fixpoint::models
