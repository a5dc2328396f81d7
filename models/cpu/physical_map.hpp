// What stands at a physical address: main memory, the firmware's ROM, or the bus.
//
// The ROM is at the top of 4 GB, and its last 128 KB once more below 1 MB. There, from 768 KB on, the chipset
// steers reads and writes of each 16 KB segment to main memory or not (82441FX data sheet 290549, 3.2.18, PAM registers): a
// BIOS copies itself into the memory behind its ROM and switches over. From 640 KB to 768 KB is the video adapter.
#pragma once

#include "models/cpu/cpu_bus.hpp"
#include "models/memory/physical_memory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

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

    static constexpr uint32_t segment_bytes = 16u << 10, steered_begin = 0xC'0000, steered_end = 0x10'0000;

    PhysicalMap(PhysicalMemory& memory, CpuBus& bus)
        : memory_{memory.data()}, memory_bytes_{static_cast<uint32_t>(memory.size())}, bus_{&bus} {
        steer(steered_begin, steered_end - steered_begin, true, true);
    }

    // `rom`: a multiple of 16 KB, at most 16 MB; must outlive the map. What is steered to memory stays so.
    void set_rom(std::span<const uint8_t> rom) { rom_ = rom; }
    // Whole segments between 768 KB and 1 MB: whether reads and writes reach the memory there.
    void steer(uint32_t begin, uint32_t bytes, bool reads, bool writes) {
        for (uint32_t address = begin; address < begin + bytes; address += segment_bytes) {
            const bool present = address + segment_bytes <= memory_bytes_;
            Segment& segment = segments_[segment_of(address)];
            segment.readable = present && reads ? memory_ + address : rom_below_1mb(address);
            segment.writable = present && writes ? memory_ + address : nullptr;
        }
    }

    // Where the content of an address is, for the rest of its 4 KB page; nullptr: it is on the bus.
    [[nodiscard]] const uint8_t* readable(uint32_t address) const {
        if (address - legacy_begin < legacy_bytes) [[unlikely]] {
            const uint8_t* base = segments_[segment_of(address)].readable;
            return base != nullptr ? base + address % segment_bytes : nullptr;
        }
        if (address < memory_bytes_) [[likely]]
            return memory_ + address;
        const size_t from_top = uint64_t{0x1'0000'0000} - address;
        return from_top <= rom_.size() ? rom_.data() + (rom_.size() - from_top) : nullptr;
    }
    [[nodiscard]] uint8_t* writable(uint32_t address) const {
        if (address - legacy_begin < legacy_bytes) [[unlikely]] {
            uint8_t* base = segments_[segment_of(address)].writable;
            return base != nullptr ? base + address % segment_bytes : nullptr;
        }
        return address < memory_bytes_ ? memory_ + address : nullptr;
    }

    // Where both reads and writes go, or nullptr.
    [[nodiscard]] uint8_t* memory(uint32_t address) const {
        uint8_t* place = writable(address);
        return place == readable(address) ? place : nullptr;
    }

    // As a debugger sees it, without effects: main memory and ROM. False where any of it is on the bus.
    [[nodiscard]] bool peek(uint32_t address, std::span<uint8_t> bytes) const {
        return each_page(address, bytes.size(), [&](uint32_t at, size_t done, size_t part) {
            const uint8_t* place = readable(at);
            if (place != nullptr)
                std::memcpy(bytes.data() + done, place, part);
            return place != nullptr;
        });
    }
    // All of it is main memory, for reads and writes.
    [[nodiscard]] bool is_memory(uint32_t address, size_t bytes) const {
        return each_page(address, bytes,
                         [this](uint32_t at, size_t, size_t) { return memory(at) != nullptr; });
    }
    // False, and nothing written, unless is_memory().
    [[nodiscard]] bool poke(uint32_t address, std::span<const uint8_t> bytes) {
        return is_memory(address, bytes.size()) &&
               each_page(address, bytes.size(), [&](uint32_t at, size_t done, size_t part) {
                   std::memcpy(memory(at), bytes.data() + done, part);
                   return true;
               });
    }

    // `bytes` 1 to 8, within one page.
    [[nodiscard]] uint64_t read(uint32_t address, unsigned bytes) {
        uint64_t value = 0;
        if (const uint8_t* place = readable(address)) {
            std::memcpy(&value, place, bytes);
            return value;
        }
        if (is_steered(address)) // elsewhere, where nobody answers
            return ~uint64_t{0} >> (64 - bytes * 8);
        for (unsigned done = 0; done < bytes;) {
            const unsigned width = bus_width(address + done, bytes - done);
            const uint64_t part = bus_->mmio_read(address + done, width) & (~uint64_t{0} >> (64 - width * 8));
            value |= part << (done * 8);
            done += width;
        }
        return value;
    }
    void write(uint32_t address, unsigned bytes, uint64_t value) {
        if (uint8_t* place = writable(address)) {
            std::memcpy(place, &value, bytes);
            return;
        }
        if (is_steered(address) || readable(address) != nullptr) // a ROM does not mind
            return;
        for (unsigned done = 0; done < bytes;) {
            const unsigned width = bus_width(address + done, bytes - done);
            bus_->mmio_write(address + done, width, static_cast<uint32_t>(value >> (done * 8)));
            done += width;
        }
    }

private:
    static constexpr uint32_t legacy_begin = 0xA'0000, legacy_bytes = steered_end - legacy_begin;

    struct Segment {
        const uint8_t* readable = nullptr;
        uint8_t* writable = nullptr;
    };
    // Calls `action(address, offset, bytes)` for the part of the range in each page, until one returns false.
    template<class Action>
    static bool each_page(uint32_t address, size_t bytes, Action action) {
        constexpr size_t page_bytes = 4096;
        for (size_t done = 0; done < bytes;) {
            const uint32_t at = address + static_cast<uint32_t>(done);
            const size_t part = std::min(bytes - done, page_bytes - at % page_bytes);
            if (!action(at, done, part))
                return false;
            done += part;
        }
        return true;
    }
    [[nodiscard]] static bool is_steered(uint32_t address) {
        return address >= steered_begin && address < steered_end;
    }
    [[nodiscard]] static uint32_t segment_of(uint32_t address) {
        return (address - legacy_begin) / segment_bytes;
    }
    [[nodiscard]] const uint8_t* rom_below_1mb(uint32_t address) const {
        constexpr size_t mirrored_bytes = 128u << 10;
        const size_t from_top = steered_end - address;
        return from_top <= rom_.size() && from_top <= mirrored_bytes ? rom_.data() + (rom_.size() - from_top)
                                                                     : nullptr;
    }

    // The widest naturally aligned transfer that fits.
    static unsigned bus_width(uint32_t address, unsigned left) {
        if (left >= 4 && address % 4 == 0)
            return 4;
        return left >= 2 && address % 2 == 0 ? 2 : 1;
    }

    uint8_t* memory_;
    uint32_t memory_bytes_;
    CpuBus* bus_;
    std::span<const uint8_t> rom_;
    std::array<Segment, legacy_bytes / segment_bytes> segments_{}; // of the video adapter: none
};

} // namespace fixpoint::models
