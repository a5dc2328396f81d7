// An IDE function with a drive, memory, and a driver that steps time: what the ATA and bus master tests
// share.
#pragma once

#include "models/chipset/piix_ide.hpp"
#include "models/disk/disk.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace fixpoint::models::test {

class FakeMemory final : public BusMasterMemory {
public:
    std::vector<uint8_t> bytes = std::vector<uint8_t>(1 << 20);

    bool read(uint32_t address, std::span<uint8_t> data) override {
        if (address + data.size() > bytes.size())
            return false;
        std::memcpy(data.data(), bytes.data() + address, data.size());
        return true;
    }
    bool write(uint32_t address, std::span<const uint8_t> data) override {
        if (address + data.size() > bytes.size())
            return false;
        std::memcpy(bytes.data() + address, data.data(), data.size());
        return true;
    }
    void put_word(uint32_t address, uint32_t word) { std::memcpy(bytes.data() + address, &word, 4); }
};

// 1 ms of latency, 10 us a sector from the medium, and 512 us a sector on the cable (1 MB/s).
class IdeTest : public testing::Test {
protected:
    static constexpr uint64_t sectors = 2'000;
    static constexpr uint32_t table = 0x1000;
    static constexpr Picoseconds latency = ps_per_ms, sector_on_cable = 512 * ps_per_us;

    IdeTest() {
        ide.interrupt(0).connect([this](bool level) { interrupts += level; });
        ide.function.write_config(4, 2, 5);
        ide.advance(0);
    }
    static DiskParameters ideal() {
        return {.kind = DiskKind::ideal,
                .model = "IDEAL",
                .command_overhead_us = 0,
                .interface_bytes_per_second = 1'000'000,
                .mechanical = {},
                .ideal = {1'000'000, 1'000'000, 1'000'000, 10'000}};
    }

    void wait_until(Picoseconds time) {
        while (ide.next_event() <= time)
            ide.advance(ide.next_event());
        ide.advance(time);
        now = time;
    }
    // Lets time pass while anything is going to happen, 10 s at most.
    void settle() {
        while (ide.next_event() != never && now < 10 * ps_per_second)
            wait_until(ide.next_event());
    }
    uint32_t reg(uint32_t index) { return ide.read(PiixIde::primary_task_file + index, 1); }
    void set_reg(uint32_t index, uint32_t value) { ide.write(PiixIde::primary_task_file + index, 1, value); }
    uint32_t status() { return ide.read(PiixIde::primary_control, 1); }
    uint32_t lba() { return reg(3) | reg(4) << 8 | reg(5) << 16; }
    void command(uint8_t code, uint32_t address = 0, unsigned count = 1) {
        set_reg(6, 0xE0 | address >> 24);
        set_reg(2, count & 0xFF);
        set_reg(3, address & 0xFF);
        set_reg(4, address >> 8 & 0xFF);
        set_reg(5, address >> 16 & 0xFF);
        set_reg(7, code);
    }
    void command_ext(uint8_t code, uint64_t address, unsigned count) {
        set_reg(6, 0x40);
        for (const unsigned shift : {8u, 0u}) {
            set_reg(2, count >> shift & 0xFF);
            set_reg(3, static_cast<uint32_t>(address >> (shift != 0 ? 24 : 0)) & 0xFF);
            set_reg(4, static_cast<uint32_t>(address >> (shift != 0 ? 32 : 8)) & 0xFF);
            set_reg(5, static_cast<uint32_t>(address >> (shift != 0 ? 40 : 16)) & 0xFF);
        }
        set_reg(7, code);
    }
    uint32_t bus_master(uint32_t offset) { return ide.read(PiixIde::bus_master + offset, 1); }
    void set_bus_master(uint32_t offset, uint32_t value) {
        ide.write(PiixIde::bus_master + offset, 1, value);
    }
    uint32_t bus_master_status() { return bus_master(2) & 7; }

    struct Region {
        uint32_t address = 0, bytes = 0;
        bool last = false;
    };
    void set_table(const std::vector<Region>& regions) {
        uint32_t entry = table;
        for (const Region& region : regions) {
            memory.put_word(entry, region.address);
            memory.put_word(entry + 4, (region.bytes & 0xFFFF) | (region.last ? 0x80000000u : 0));
            entry += 8;
        }
        set_bus_master(0, 0);
        ide.write(PiixIde::bus_master + 4, 4, table);
        set_bus_master(2, 0x66);
    }
    void start(bool to_memory) { set_bus_master(0, to_memory ? 9 : 1); }

    DiskImage image{sectors};
    std::unique_ptr<Disk> disk = make_disk(ideal(), image);
    FakeMemory memory;
    PiixIde ide{{{{disk.get(), "IDEAL", 1'000'000}}}, AtaErrors::drive, memory};
    Picoseconds now = 0;
    int interrupts = 0;
};

} // namespace fixpoint::models::test
