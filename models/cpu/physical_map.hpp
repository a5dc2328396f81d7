// What stands at a physical address: main memory or the bus. The chipset steers the legacy area below 1 MB.
#pragma once

#include "models/cpu/cpu_bus.hpp"
#include "models/memory/physical_memory.hpp"

#include <cstdint>
#include <cstring>

namespace fixpoint::models {

class PhysicalMap {
public:
    // Stands for all addresses of 4 GB and more: 4 MB below the firmware's ROM and above the interrupt
    // controllers' registers, which no device of a PC claims.
    static constexpr uint32_t nowhere = 0xFF00'0000, nowhere_bytes = 4u << 20;
    // A 36-bit physical address in the 32-bit space.
    [[nodiscard]] static uint32_t reachable(uint64_t address) {
        const auto low = static_cast<uint32_t>(address);
        return (address >> 32) == 0 ? low : nowhere | (low & (nowhere_bytes - 1));
    }

    PhysicalMap(PhysicalMemory& memory, CpuBus& bus) : memory_{&memory}, bus_{&bus} {}

    // Whole pages are of one kind.
    [[nodiscard]] bool is_memory(uint32_t address) const {
        return address < memory_->size() && (address < video_begin || address >= video_end);
    }
    [[nodiscard]] uint8_t* host(uint32_t address) {
        return memory_->data() + address;
    } // only where is_memory()
    [[nodiscard]] const uint8_t* host(uint32_t address) const { return memory_->data() + address; }

    // `bytes` 1 to 8, within one page.
    [[nodiscard]] uint64_t read(uint32_t address, unsigned bytes) {
        uint64_t value = 0;
        if (is_memory(address)) {
            std::memcpy(&value, host(address), bytes);
            return value;
        }
        for (unsigned done = 0; done < bytes;) {
            const unsigned width = bus_width(address + done, bytes - done);
            const uint64_t part = bus_->mmio_read(address + done, width) & (~uint64_t{0} >> (64 - width * 8));
            value |= part << (done * 8);
            done += width;
        }
        return value;
    }
    void write(uint32_t address, unsigned bytes, uint64_t value) {
        if (is_memory(address)) {
            std::memcpy(host(address), &value, bytes);
            return;
        }
        for (unsigned done = 0; done < bytes;) {
            const unsigned width = bus_width(address + done, bytes - done);
            bus_->mmio_write(address + done, width, static_cast<uint32_t>(value >> (done * 8)));
            done += width;
        }
    }

private:
    static constexpr uint32_t video_begin = 0xA'0000, video_end = 0xC'0000;

    // The widest naturally aligned transfer that fits.
    static unsigned bus_width(uint32_t address, unsigned left) {
        if (left >= 4 && address % 4 == 0)
            return 4;
        return left >= 2 && address % 2 == 0 ? 2 : 1;
    }

    PhysicalMemory* memory_;
    CpuBus* bus_;
};

} // namespace fixpoint::models
