// Commands and transfers as drivers issue them, with the looks at the registers after each step.
#pragma once

#include "tests/differential/random.hpp"
#include "tests/qtest/subjects/ide_accesses.hpp"

#include <algorithm>

namespace fixpoint::qtest::ide {

using differential::Random;

class Generator {
public:
    // `drives`: see has_drive(). One at least.
    Generator(Random& random, Writer writer, unsigned drives)
        : random_{random}, writer_{std::move(writer)}, drives_{drives} {}

    Steps run() {
        writer_.steps.clear();
        const unsigned commands = 1 + random_.below(8);
        for (unsigned i = 0; i < commands; ++i)
            act();
        return std::move(writer_.steps);
    }

private:
    void put(uint32_t reg, uint32_t value, uint8_t bytes = 1) { writer_.put(channel_, reg, value, bytes); }
    void get(uint32_t reg, uint8_t bytes = 1) { writer_.get(channel_, reg, bytes); }
    void ready() { writer_.ready(channel_); }
    [[nodiscard]] bool present() const { return has_drive(drives_, channel_, device_number_); }
    // Device register: the place and the addressing.
    void select(uint32_t mode) { put(device, mode | (device_number_ != 0 ? slave : 0)); }

    void pick_drive() {
        do {
            channel_ = random_.below(channel_count);
            device_number_ = random_.below(2);
        } while (!present());
    }

    void act() {
        pick_drive();
        switch (random_.below(16)) {
        case 0:
        case 1:
            read_by_ports();
            break;
        case 2:
        case 3:
            write_by_ports();
            break;
        case 4:
        case 5:
            transfer_by_bus_master();
            break;
        case 6:
            transfer_on_both_channels();
            break;
        case 7:
            identify();
            break;
        case 8:
            set_features();
            break;
        case 9:
            smart();
            break;
        case 10:
            reset_or_control();
            break;
        case 11:
            probe_absent();
            break;
        case 12:
            look_at_bus_master();
            break;
        case 13:
            look_at_high_order_bytes();
            break;
        default:
            without_data();
            break;
        }
    }
    // What a driver looks at after each step.
    void look() {
        get(control);
        if (random_.one_in(3))
            for (const uint32_t reg : {feature, count, lba_low, lba_mid, lba_high, device})
                get(reg);
        if (!random_.one_in(6))
            get(command); // ends the interrupt
    }
    uint64_t any_address() {
        return random_.one_in(12)   ? disk_end - random_.below(4)
               : random_.one_in(30) ? disk_end + random_.below(1'000)
                                    : random_.below(500);
    }
    void address_by_cylinder(uint64_t address) {
        const uint64_t in_range = address % disk_end;
        const uint64_t track = in_range / sectors_per_track, cylinder = track / heads;
        select(chs_mode | static_cast<uint32_t>(track % heads));
        // Now and then one that the track does not have, 0 among them.
        put(lba_low,
            random_.one_in(8) ? random_.below(256) : static_cast<uint32_t>(in_range % sectors_per_track + 1));
        put(lba_mid, static_cast<uint32_t>(cylinder & 0xFF));
        put(lba_high, static_cast<uint32_t>(cylinder >> 8));
    }
    void issue(uint32_t code, uint64_t address, uint32_t sectors) {
        const bool of_lba_only = code == 0x27 || code == 0x42 || code == 0xF8;
        if (random_.one_in(10) && !of_lba_only) {
            address_by_cylinder(address);
        } else {
            select(lba_mode | static_cast<uint32_t>(address >> 24 & 15));
            put(lba_low, address & 0xFF);
            put(lba_mid, address >> 8 & 0xFF);
            put(lba_high, address >> 16 & 0xFF);
        }
        put(count, sectors);
        put(command, code);
        ready();
    }
    void issue_extended(uint32_t code, uint64_t address, uint32_t sectors) {
        select(0x40);
        for (const unsigned shift : {8u, 0u}) {
            put(count, sectors >> shift & 0xFF);
            put(lba_low, static_cast<uint32_t>(address >> (shift != 0 ? 24 : 0) & 0xFF));
            put(lba_mid, static_cast<uint32_t>(address >> (shift != 0 ? 32 : 8) & 0xFF));
            put(lba_high, static_cast<uint32_t>(address >> (shift != 0 ? 40 : 16) & 0xFF));
        }
        put(command, code);
        ready();
    }
    void issue_any(uint32_t code, uint32_t extended, uint64_t address, uint32_t sectors) {
        if (random_.one_in(3))
            issue_extended(extended, address, sectors);
        else
            issue(code, address, sectors);
    }
    uint32_t some_sectors() { return random_.one_in(8) ? 1 + random_.below(20) : 1 + random_.below(2); }

    void read_by_ports() {
        const uint32_t sectors = some_sectors();
        const bool multiple = random_.one_in(3);
        issue_any(multiple ? 0xC4 : 0x20, multiple ? 0x29 : 0x24, any_address(), sectors);
        look();
        for (uint32_t i = 0; i < sectors; ++i) {
            if (random_.one_in(10)) {
                read_words(10);
                return disturb();
            }
            read_words(sector / 2);
            ready();
            look();
        }
    }
    void read_words(uint32_t words) {
        const auto bytes = static_cast<uint8_t>(random_.one_in(4) ? 2 : 4);
        for (uint32_t at = 0; at < 2 * words; at += bytes)
            get(data, bytes);
    }
    // In a data phase nothing is listened to but a reset.
    void disturb() {
        if (random_.one_in(2)) {
            put(count, random_.below(256));
            select(lba_mode ^ slave);
            look();
            put(command, random_.pick({0xE7u, 0xECu, 0x90u, 0x20u}));
            ready();
            look();
        }
        writer_.reset(channel_);
        look();
    }
    void write_by_ports() {
        const uint32_t sectors = some_sectors();
        const bool multiple = random_.one_in(3);
        issue_any(multiple ? 0xC5 : 0x30, multiple ? 0x39 : 0x34, any_address(), sectors);
        look();
        const uint32_t pattern = random_.word();
        for (uint32_t i = 0; i < sectors; ++i) {
            for (uint32_t word = 0; word < sector / 4; ++word)
                put(data, pattern + word, 4);
            ready();
            look();
        }
    }

    // A transfer by the bus master, in the parts that a driver of two channels does for each.
    struct Transfer {
        unsigned channel, device_number;
        bool to_memory;
    };
    Transfer issue_transfer() {
        const bool to_memory = random_.one_in(2);
        const uint32_t sectors = 1 + random_.below(8);
        const auto fill = static_cast<uint8_t>(random_.below(256));
        writer_.steps.push_back({Action::fill_memory, fill, buffer_of(channel_), buffer_bytes});
        make_table(sectors * sector);
        put(bm_command, 0);
        put(bm_table, table_of(channel_), 4);
        put(bm_status, bm_clear);
        put(bm_command, to_memory ? 8 : 0);
        issue_any(to_memory ? 0xC8 : 0xCA, to_memory ? 0x25 : 0x35, any_address(), sectors);
        if (random_.one_in(4))
            get(bm_status);
        return {channel_, device_number_, to_memory};
    }
    void start(const Transfer& transfer) {
        channel_ = transfer.channel;
        put(bm_command, transfer.to_memory ? 9 : 1);
    }
    void end(const Transfer& transfer) {
        channel_ = transfer.channel;
        device_number_ = transfer.device_number;
        get(bm_status);
        look();
        put(bm_command, transfer.to_memory ? 8 : 0);
        get(bm_status);
        put(bm_status, bm_clear);
        get(bm_status);
        if (transfer.to_memory)
            writer_.steps.push_back({Action::sum_memory, 0, buffer_of(channel_), buffer_bytes});
        if (random_.one_in(3))
            writer_.reset(channel_);
    }
    void transfer_by_bus_master() {
        const Transfer transfer = issue_transfer();
        start(transfer);
        ready();
        end(transfer);
    }
    void transfer_on_both_channels() {
        const Transfer first = issue_transfer();
        channel_ = 1 - channel_;
        if (!present())
            device_number_ = 1 - device_number_;
        if (!present()) { // the channel is empty
            start(first);
            ready();
            return end(first);
        }
        const Transfer second = issue_transfer();
        start(first);
        start(second);
        writer_.both_ready();
        end(second);
        end(first);
    }
    // Regions that together have the transfer's length, or now and then more, or less.
    void make_table(uint32_t bytes) {
        if (random_.one_in(6))
            bytes = random_.one_in(2) ? bytes + sector * (1 + random_.below(8))
                                      : 2 * (1 + random_.below(bytes / 2));
        uint32_t entry = table_of(channel_), address = buffer_of(channel_);
        constexpr uint32_t last_mark = 0x8000'0000;
        while (bytes != 0) {
            const uint32_t part = random_.one_in(2) ? bytes : std::min(bytes, 2 * (1 + random_.below(700)));
            bytes -= part;
            writer_.steps.push_back({Action::write_memory, 4, entry, address});
            writer_.steps.push_back(
                {Action::write_memory, 4, entry + 4, part | (bytes == 0 ? last_mark : 0)});
            entry += 8;
            address += part;
        }
    }

    void identify() {
        select(lba_mode);
        put(command, 0xEC);
        ready();
        look();
        for (uint32_t word = 0; word < sector / 2; ++word)
            get(data, 2);
        ready();
        look();
    }
    void set_features() {
        select(lba_mode);
        put(feature, random_.one_in(4) ? random_.below(256)
                                       : random_.pick({0x02u, 0x82u, 0x03u, 0x03u, 0x03u, 0xAAu, 0x55u, 0x66u,
                                                       0xCCu, 0x05u, 0x85u, 0x42u, 0xC2u, 0x67u, 0x9Au}));
        put(count, random_.one_in(2) ? random_.below(0x60)
                                     : random_.pick({0x00u, 0x08u, 0x0Cu, 0x22u, 0x20u, 0x42u, 0x45u}));
        put(command, 0xEF);
        ready();
        look();
    }
    void smart() {
        select(lba_mode);
        const bool has_key = !random_.one_in(6);
        constexpr uint32_t enable = 0xD8, autosave = 0xD2, status = 0xDA;
        put(feature, has_key ? random_.pick({enable, enable + 1, autosave, status})
                             : random_.pick({autosave, status}));
        put(lba_low, random_.pick({0x00u, 0xF1u, 0x33u}));
        put(count, random_.pick({0x00u, 0xF1u}));
        put(lba_mid, has_key ? 0x4F : random_.below(0x4F));
        put(lba_high, 0xC2);
        put(command, 0xB0);
        ready();
        look();
    }
    void reset_or_control() {
        switch (random_.below(4)) {
        case 0:
            put(control, interrupt_off);
            break;
        case 1:
            put(control, 0);
            break;
        case 2: // only a look at the other device
            device_number_ = 1 - device_number_;
            select(lba_mode);
            look();
            device_number_ = 1 - device_number_;
            select(lba_mode);
            break;
        default:
            writer_.reset(channel_, random_.one_in(4) ? interrupt_off : 0);
            break;
        }
        ready();
        look();
    }
    // As a driver that looks for drives: patterns into registers, a command. What it leaves is cleared, for the row of
    // the table that is about absent masters.
    void probe_absent() {
        constexpr unsigned all_drives = 0b1111;
        if (drives_ == all_drives)
            return look_at_bus_master();
        do {
            channel_ = random_.below(channel_count);
            device_number_ = random_.below(2);
        } while (present());
        select(lba_mode);
        look();
        put(count, 0x55);
        put(lba_low, 0xAA);
        get(count);
        get(lba_low);
        get(data, 2);
        if (random_.one_in(2)) {
            put(command, random_.pick({0xECu, 0xA1u, 0x90u, 0xE5u, 0x20u, 0xC8u}));
            ready();
        } else if (random_.one_in(2)) {
            writer_.reset(channel_);
        }
        look();
        get(command);
        put(bm_status, bm_clear);
        device_number_ = 1 - device_number_;
        if (present()) {
            select(lba_mode);
            look();
        }
    }
    void look_at_bus_master() {
        if (random_.one_in(2)) {
            put(bm_table, random_.below(0x10000) & ~1u, 4);
            put(bm_table + random_.below(4), random_.below(256));
            put(bm_table + 2 * random_.below(2), random_.below(0x10000), 2);
        }
        if (random_.one_in(2))
            put(bm_status, random_.below(256));
        for (const uint32_t reg : {bm_command, bm_reserved, bm_status, bm_table})
            get(reg);
        get(bm_table, 4);
        get(bm_table + 2, 2);
        get(bm_command, random_.one_in(2) ? 2 : 4);
        put(bm_status, bm_clear);
    }
    void look_at_high_order_bytes() {
        const uint32_t off = random_.one_in(4) ? interrupt_off : 0;
        put(control, high_order_byte | off);
        for (const uint32_t reg : {feature, count, lba_low, lba_mid, lba_high, device})
            get(reg);
        if (random_.one_in(2)) // any write to the command block ends it
            put(random_.pick<uint32_t>({feature, lba_mid, device}),
                lba_mode | (device_number_ != 0 ? slave : 0));
        else if (random_.one_in(2))
            put(control, off);
        else
            issue(0xE5, 0, 0);
        for (const uint32_t reg : {count, lba_low, lba_mid, lba_high})
            get(reg);
        put(control, 0);
    }

    // Codes of transfers, of commands that have an act of their own, and of those that are not asked for.
    static bool is_without_data(uint32_t code) {
        constexpr std::array codes{0x06, 0x20, 0x21, 0x24, 0x25, 0x29, 0x30, 0x31, 0x34, 0x35, 0x39,
                                   0x3C, 0x91, 0xB0, 0xC4, 0xC5, 0xC8, 0xC9, 0xCA, 0xCB, 0xEC, 0xEF};
        return std::find(codes.begin(), codes.end(), static_cast<int>(code)) == codes.end();
    }
    void without_data() {
        uint32_t code = random_.pick({0x40u, 0x42u, 0x70u, 0xE7u, 0xEAu, 0x91u, 0x10u, 0x90u, 0xE0u,
                                      0xE1u, 0xE2u, 0xE3u, 0xE5u, 0xE6u, 0xF8u, 0x27u, 0xC6u, 0xC6u,
                                      0x00u, 0x08u, 0xA0u, 0xA1u, 0xFFu, 0x3Fu, 0xF5u});
        if (random_.one_in(6))
            do
                code = random_.below(256);
            while (!is_without_data(code));
        if (code == 0x91)
            return set_geometry();
        issue(code, any_address(),
              code == 0xC6 ? random_.pick({1u, 2u, 4u, 8u, 16u, 3u, 32u, 0u}) : 1 + random_.below(4));
        look();
    }
    void set_geometry() {
        const bool usual = random_.one_in(2);
        select(chs_mode | (usual ? heads - 1 : random_.below(heads)));
        put(count, usual ? sectors_per_track : 1 + random_.below(sectors_per_track));
        put(command, 0x91);
        ready();
        look();
    }

    Random& random_;
    Writer writer_;
    unsigned drives_;
    unsigned channel_ = 0, device_number_ = 0;
};

} // namespace fixpoint::qtest::ide
