// A drive on the PIIX's first IDE channel, as device 0, with the bus master; the models follow QEMU's habits
// (AtaErrors::qemu).
//
// Both sides get time to finish after each command and each block (Action::disk_ready), then registers and the interrupt
// line are looked at.
#include "tests/qtest/subjects/subjects.hpp"

#include <array>

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

constexpr uint32_t task_file = 0x1F0, data = task_file, feature = task_file + 1, count = task_file + 2,
                   lba_low = task_file + 3, lba_mid = task_file + 4, lba_high = task_file + 5,
                   device = task_file + 6, command = task_file + 7, control = 0x3F6;
constexpr uint32_t bm_command = ide_bus_master_base, bm_status = ide_bus_master_base + 2,
                   bm_table = ide_bus_master_base + 4;
constexpr uint32_t lba_mode = 0xE0, chs_mode = 0xA0, slave = 0x10;
constexpr uint32_t software_reset = 4, interrupt_off = 2;
constexpr uint32_t table = 0x1000, buffer = 0x10000, buffer_bytes = 0x8000, sector = 512;
constexpr uint64_t work_ns = 2'000'000; // time for both sides to do what a command asks
constexpr uint64_t disk_end = 40'960;   // sectors

void pci_put(Steps& steps, uint32_t field, uint32_t value, uint8_t bytes) {
    steps.push_back(out(0xCF8, 0x8000'0900 | field, 4));
    steps.push_back(out(0xCFC, value, bytes));
}

class Writer {
public:
    Steps steps;

    void ready() {
        now_ns_ += work_ns;
        steps.push_back({Action::disk_ready, 0, 0, now_ns_});
    }
    void reset() {
        steps.push_back(out(control, software_reset));
        steps.push_back(out(control, 0));
        ready();
    }

private:
    uint64_t now_ns_ = 0;
};

class Generator {
public:
    explicit Generator(Random& random, Writer writer) : random_{random}, writer_{std::move(writer)} {}

    Steps run() {
        writer_.steps.clear();
        const unsigned commands = 1 + random_.below(8);
        for (unsigned i = 0; i < commands; ++i)
            act();
        return std::move(writer_.steps);
    }

private:
    void put(uint32_t port, uint32_t value, uint8_t bytes = 1) {
        writer_.steps.push_back(out(port, value, bytes));
    }
    void get(uint32_t port, uint8_t bytes = 1) { writer_.steps.push_back(in(port, bytes)); }

    void act() {
        switch (random_.below(12)) {
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
        case 6:
            transfer_by_bus_master();
            break;
        case 7:
            identify();
            break;
        case 8:
            set_features();
            break;
        case 9:
            reset_or_control();
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
            for (const uint32_t port : {feature, count, lba_low, lba_mid, lba_high, device})
                get(port);
        if (!random_.one_in(6))
            get(command); // ends the interrupt
    }
    uint64_t any_address() {
        return random_.one_in(12)   ? disk_end - random_.below(4)
               : random_.one_in(30) ? disk_end + random_.below(1'000)
                                    : random_.below(500);
    }
    void issue(uint8_t code, uint64_t address, uint32_t sectors) {
        if (random_.one_in(10)) { // cylinders of 16 heads and 63 sectors
            const uint64_t in_range = address % disk_end;
            put(device, chs_mode | static_cast<uint32_t>(in_range / 63 % 16));
            put(lba_low, static_cast<uint32_t>(in_range % 63 + 1));
            put(lba_mid, static_cast<uint32_t>(in_range / 1'008 & 0xFF));
            put(lba_high, static_cast<uint32_t>(in_range / 1'008 >> 8));
        } else {
            put(device, lba_mode | static_cast<uint32_t>(address >> 24 & 15));
            put(lba_low, address & 0xFF);
            put(lba_mid, address >> 8 & 0xFF);
            put(lba_high, address >> 16 & 0xFF);
        }
        put(count, sectors);
        put(command, code);
        writer_.ready();
    }
    void issue_extended(uint8_t code, uint64_t address, uint32_t sectors) {
        put(device, 0x40);
        for (const unsigned shift : {8u, 0u}) {
            put(count, sectors >> shift & 0xFF);
            put(lba_low, static_cast<uint32_t>(address >> (shift != 0 ? 24 : 0) & 0xFF));
            put(lba_mid, static_cast<uint32_t>(address >> (shift != 0 ? 32 : 8) & 0xFF));
            put(lba_high, static_cast<uint32_t>(address >> (shift != 0 ? 40 : 16) & 0xFF));
        }
        put(command, code);
        writer_.ready();
    }
    void issue_any(uint8_t code, uint8_t extended, uint64_t address, uint32_t sectors) {
        if (random_.one_in(3))
            issue_extended(extended, address, sectors);
        else
            issue(code, address, sectors);
    }
    void read_by_ports() {
        const uint32_t sectors = 1 + random_.below(2);
        const bool multiple = random_.one_in(3);
        issue_any(multiple ? 0xC4 : 0x20, multiple ? 0x29 : 0x24, any_address(), sectors);
        look();
        for (uint32_t i = 0; i < sectors; ++i) {
            constexpr uint32_t all_words = sector / 4;
            const bool stops = random_.one_in(10);
            for (uint32_t word = 0; word < (stops ? 10 : all_words); ++word)
                get(data, 4);
            if (stops)
                return writer_.reset();
            writer_.ready();
            look();
        }
    }
    void write_by_ports() {
        const uint32_t sectors = 1 + random_.below(2);
        const bool multiple = random_.one_in(3);
        issue_any(multiple ? 0xC5 : 0x30, multiple ? 0x39 : 0x34, any_address(), sectors);
        look();
        const uint32_t pattern = random_.word();
        for (uint32_t i = 0; i < sectors; ++i) {
            for (uint32_t word = 0; word < sector / 4; ++word)
                put(data, pattern + word, 4);
            writer_.ready();
            look();
        }
    }
    void transfer_by_bus_master() {
        const bool to_memory = random_.one_in(2);
        const uint32_t sectors = 1 + random_.below(8);
        const uint8_t fill = static_cast<uint8_t>(random_.below(256));
        writer_.steps.push_back({Action::fill_memory, fill, buffer, buffer_bytes});
        make_table(sectors * sector);
        put(bm_command, 0);
        put(bm_table, table, 4);
        put(bm_status, 0x66);
        put(bm_command, to_memory ? 8 : 0);
        const uint64_t address = any_address();
        issue_any(to_memory ? 0xC8 : 0xCA, to_memory ? 0x25 : 0x35, address, sectors);
        if (random_.one_in(4))
            get(bm_status);
        put(bm_command, to_memory ? 9 : 1);
        writer_.ready();
        get(bm_status);
        look();
        put(bm_command, to_memory ? 8 : 0);
        get(bm_status);
        put(bm_status, 0x66);
        get(bm_status);
        if (to_memory)
            writer_.steps.push_back({Action::sum_memory, 0, buffer, buffer_bytes});
        writer_.reset();
    }
    // Regions that together have the transfer's length, or now and then another one.
    void make_table(uint32_t bytes) {
        if (random_.one_in(6))
            bytes = sector * (1 + random_.below(12));
        uint32_t entry = table, address = buffer;
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
        put(device, lba_mode);
        put(command, 0xEC);
        writer_.ready();
        look();
        for (uint32_t word = 0; word < sector / 2; ++word)
            get(data, 2);
        writer_.ready();
        look();
    }
    void set_features() {
        put(device, lba_mode);
        put(feature, random_.pick({0x02u, 0x82u, 0x03u, 0x03u, 0xAAu, 0x55u, 0x66u, 0xCCu, 0x05u, 0x99u}));
        put(count, random_.pick({0x00u, 0x08u, 0x0Cu, 0x22u, 0x20u, 0x42u, 0x45u}));
        put(command, 0xEF);
        writer_.ready();
        look();
    }
    void reset_or_control() {
        switch (random_.below(5)) {
        case 0:
            put(control, interrupt_off);
            break;
        case 1:
            put(control, 0);
            break;
        case 2:
            put(device, lba_mode | slave);
            look();
            put(device, lba_mode);
            break;
        case 3:
            for (const uint32_t port : {0x170u, 0x171u, 0x172u, 0x176u, 0x177u, 0x376u})
                get(port);
            break;
        default:
            writer_.reset();
            break;
        }
        writer_.ready();
        look();
    }
    void without_data() {
        const uint8_t code = random_.pick<uint8_t>({0x40, 0x42, 0x70, 0xE7, 0xEA, 0x91, 0x10, 0x90, 0xE0,
                                                    0xE1, 0xE2, 0xE3, 0xE5, 0xE6, 0xF8, 0x27, 0xC6, 0xC6,
                                                    0x00, 0x08, 0xA0, 0xA1, 0xFF, 0x3F, 0xF5});
        const uint32_t sectors = code == 0xC6   ? random_.pick({1u, 2u, 4u, 8u, 16u, 3u, 32u, 0u})
                                 : code == 0x91 ? 63
                                                : 1 + random_.below(4);
        issue(code, any_address(), sectors);
        look();
    }

    Random& random_;
    Writer writer_;
};

class Ide final : public Subject {
public:
    std::string_view name() const override { return "ide"; }
    uint32_t lines() const override { return 1u << 14 | 1u << 15; }
    bool needs_disk() const override { return true; }
    bool shows_lines(const Step& step) const override {
        return step.action == Action::disk_ready || (step.action == Action::read && step.address == command);
    }
    Steps prologue() const override { return start().steps; }
    Steps generate(Random& random) const override { return Generator{random, start()}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        uint64_t code = 0;
        unsigned words = 0;
        bool of_slave = false;
        std::vector<Features> all;
        for (const Step& step : steps) {
            Features here;
            if (step.action == Action::write && step.address == command) {
                code = step.value;
                words = 0;
            }
            if (step.action == Action::write && step.address == device)
                of_slave = step.value & slave;
            here.insert(fmt::format("command:{:#04x}", code));
            if (of_slave)
                here.insert("slave");
            if (code == 0xEC && step.action == Action::read && step.address == data)
                here.insert(fmt::format("word:{}", words++));
            all.push_back(std::move(here));
        }
        return all;
    }

private:
    static Writer start() {
        Writer writer;
        pci_put(writer.steps, 0x20, ide_bus_master_base, 4);
        pci_put(writer.steps, 0x40, 0x8000'8000, 4);
        pci_put(writer.steps, 0x04, 5, 2);
        writer.steps.push_back(out(device, lba_mode));
        writer.reset();
        writer.steps.push_back(out(bm_command, 0));
        writer.steps.push_back(out(bm_status, 0x66));
        writer.steps.push_back(in(command));
        writer.steps.push_back({Action::fill_memory, 0, buffer, buffer_bytes});
        return writer;
    }
};

} // namespace

std::unique_ptr<Subject> make_ide() {
    return std::make_unique<Ide>();
}

} // namespace fixpoint::qtest
