// An IDE function with drives, memory, and a driver that steps time: what the ATA and bus master tests share.
#pragma once

#include "models/chipset/piix_ide.hpp"
#include "models/disk/disk.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
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

// Up to four ideal drives: 1 ms of latency, 10 us a sector from the medium, and 512 us a sector on the cable
// (1 MB/s). Everything is done with the drive at (channel, device), at first the primary master.
class IdeTest : public testing::Test {
protected:
    static constexpr uint64_t sectors = 2'000;
    static constexpr uint32_t table = 0x1000;
    static constexpr Picoseconds latency = ps_per_ms, sector_on_cable = 512 * ps_per_us,
                                 sector_on_medium = 10 * ps_per_us;

    // present: bit n is set if unit n has a drive.
    explicit IdeTest(AtaErrors errors = AtaErrors::drive, unsigned present = 1,
                     const DiskParameters& parameters = ideal())
        : errors_{errors}, present_{present}, parameters_{parameters} {
        for (unsigned i = 0; i < 2; ++i)
            ide.interrupt(i).connect([this, i](bool level) { interrupts_of[i] += level; });
        ide.function.leave_firmware_config();
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
    // 10 ms a revolution, 20 sectors a track; a write cache of 64 sectors, written after a second.
    static DiskParameters mechanical() {
        DiskParameters parameters = ideal();
        parameters.kind = DiskKind::mechanical;
        parameters.mechanical = {.rotation_rpm = 6'000,
                                 .cylinders = 120,
                                 .heads = 1,
                                 .zones = {{0, 20, 0, 0}},
                                 .seek = {{1, 1'000}},
                                 .head_switch_us = 1'000,
                                 .write_settle_us = 0,
                                 .read_segments = 1,
                                 .read_segment_sectors = 64,
                                 .read_ahead_sectors = 0,
                                 .write_cache_sectors = 64,
                                 .write_cache_enabled = true,
                                 .destage_delay_us = 1'000'000};
        return parameters;
    }

    void wait_until(Picoseconds time) {
        while (ide.next_event() <= time)
            ide.advance(ide.next_event());
        ide.advance(time);
        now = time;
    }
    // Lets time pass while anything is going to happen, 10 s at most.
    void settle() {
        const Picoseconds limit = now + 10 * ps_per_second;
        while (ide.next_event() != never && now < limit)
            wait_until(ide.next_event());
    }

    uint32_t reg(uint32_t index) { return ide.read(task_file() + index, 1); }
    void set_reg(uint32_t index, uint32_t value) { ide.write(task_file() + index, 1, value); }
    uint32_t status() { return ide.read(task_file() + PiixIde::primary_control, 1); }
    void set_control(uint32_t value) { ide.write(task_file() + PiixIde::primary_control, 1, value); }
    uint32_t lba() { return reg(3) | reg(4) << 8 | reg(5) << 16; }
    void select() { set_reg(6, 0xE0 | device << 4); }
    void command(uint8_t code, uint32_t address = 0, unsigned count = 1) {
        set_reg(6, 0xE0 | device << 4 | address >> 24);
        set_reg(2, count & 0xFF);
        set_reg(3, address & 0xFF);
        set_reg(4, address >> 8 & 0xFF);
        set_reg(5, address >> 16 & 0xFF);
        set_reg(7, code);
    }
    void command_ext(uint8_t code, uint64_t address, unsigned count) {
        set_reg(6, 0x40 | device << 4);
        for (const unsigned shift : {8u, 0u}) {
            set_reg(2, count >> shift & 0xFF);
            set_reg(3, static_cast<uint32_t>(address >> (shift != 0 ? 24 : 0)) & 0xFF);
            set_reg(4, static_cast<uint32_t>(address >> (shift != 0 ? 32 : 8)) & 0xFF);
            set_reg(5, static_cast<uint32_t>(address >> (shift != 0 ? 40 : 16)) & 0xFF);
        }
        set_reg(7, code);
    }
    void command_chs(uint8_t code, unsigned cylinder, unsigned head, unsigned sector, unsigned count = 1) {
        set_reg(6, 0xA0 | device << 4 | head);
        set_reg(2, count);
        set_reg(3, sector);
        set_reg(4, cylinder & 0xFF);
        set_reg(5, cylinder >> 8);
        set_reg(7, code);
    }
    void set_features(unsigned feature, unsigned count = 0) {
        set_reg(1, feature);
        command(0xEF, 0, count);
        settle();
    }

    uint16_t data() { return static_cast<uint16_t>(ide.read(task_file(), 2)); }
    void put_data(uint16_t word) { ide.write(task_file(), 2, word); }
    std::vector<uint16_t> take_words(size_t count) {
        std::vector<uint16_t> words(count);
        for (uint16_t& word : words)
            word = data();
        return words;
    }
    void put_words(size_t count, uint16_t word) {
        for (size_t i = 0; i < count; ++i)
            put_data(word);
    }
    std::vector<uint16_t> identify() {
        command(0xEC);
        settle();
        return take_words(words_a_sector);
    }
    static constexpr size_t words_a_sector = sector_bytes / 2;
    static std::array<uint8_t, sector_bytes> filled(uint8_t value) {
        std::array<uint8_t, sector_bytes> bytes{};
        bytes.fill(value);
        return bytes;
    }
    std::array<uint8_t, sector_bytes> on_medium(uint64_t lba, unsigned unit = 0) const {
        std::array<uint8_t, sector_bytes> bytes{};
        images[unit]->read(lba, bytes);
        return bytes;
    }

    uint32_t bus_master(uint32_t offset) { return ide.read(master() + offset, 1); }
    void set_bus_master(uint32_t offset, uint32_t value) { ide.write(master() + offset, 1, value); }
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
        ide.write(master() + 4, 4, table);
        set_bus_master(2, 0x66);
    }
    void start(bool to_memory) { set_bus_master(0, to_memory ? 9 : 1); }

private:
    uint32_t task_file() const { return channel * PiixIde::secondary_task_file; }
    uint32_t master() const { return PiixIde::bus_master + 8 * channel; }
    std::unique_ptr<DiskImage> make_image(unsigned unit) {
        return std::make_unique<DiskImage>(size_of(unit));
    }
    IdeDisk attached(unsigned unit) {
        return present_ >> unit & 1 ? IdeDisk{disks[unit].get(), "IDEAL", 1'000'000} : IdeDisk{};
    }

    AtaErrors errors_;
    unsigned present_;
    DiskParameters parameters_;

protected:
    // Each drive has another size.
    static constexpr uint64_t size_of(unsigned unit) { return sectors + 100 * unit; }

    unsigned channel = 0, device = 0;
    std::array<std::unique_ptr<DiskImage>, 4> images{make_image(0), make_image(1), make_image(2),
                                                     make_image(3)};
    std::array<std::unique_ptr<Disk>, 4> disks{
        make_disk(parameters_, *images[0]), make_disk(parameters_, *images[1]),
        make_disk(parameters_, *images[2]), make_disk(parameters_, *images[3])};
    DiskImage& image = *images[0];
    FakeMemory memory;
    PiixIde ide{{attached(0), attached(1), attached(2), attached(3)}, errors_, memory};
    Picoseconds now = 0;
    std::array<int, 2> interrupts_of{};
    int& interrupts = interrupts_of[0];
};

} // namespace fixpoint::models::test
