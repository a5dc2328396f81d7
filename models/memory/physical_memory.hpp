// Main memory: one contiguous range of bytes from physical address 0, lost when the power goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fixpoint::models {

class PhysicalMemory {
public:
    // `bytes`: a multiple of 4096, at most 3 GiB. The host commits pages when they are first written.
    explicit PhysicalMemory(size_t bytes);
    ~PhysicalMemory();
    PhysicalMemory(const PhysicalMemory&) = delete;
    PhysicalMemory& operator=(const PhysicalMemory&) = delete;

    [[nodiscard]] uint8_t* data() { return data_; }
    [[nodiscard]] const uint8_t* data() const { return data_; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool contains(uint64_t address, uint64_t bytes = 1) const {
        return address < size_ && bytes <= size_ - address;
    }
    // Throws std::out_of_range unless the whole range is memory.
    [[nodiscard]] std::span<uint8_t> span(uint64_t address, size_t bytes);

    // All content is zero afterwards.
    void power_cycle();

private:
    uint8_t* data_;
    size_t size_;
};

} // namespace fixpoint::models
