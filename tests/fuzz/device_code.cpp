#include "tests/fuzz/device_code.hpp"

#include <cstring>
#include <iterator>
#include <vector>

namespace fixpoint::fuzz {
namespace {

constexpr uint32_t load_address = 0x10'0000, header_bytes = 0x20, buffer = 0x20'0000;

// Where devices are (docs of the chipset: Intel 82371AB, 16550, MC146818, 8254, 8259A). Some ranges often.
constexpr uint16_t ports[] = {0x1F0, 0x170,  0x3F8, 0x20, 0x40, 0x70,  0xCF8,
                              0x600, 0xC000, 0x60,  0x80, 0xF0, 0x4D0, 0xE8};
constexpr uint8_t disk_commands[] = {0x20, 0x30, 0xC4, 0xC5, 0xC6, 0xC8, 0xCA, 0xE7, 0xEC, 0xEF,
                                     0x40, 0x70, 0x90, 0x91, 0xE0, 0xE1, 0xE5, 0xA1, 0xF8, 0x00};

class Writer {
public:
    explicit Writer(Random& random) : random_{random} {}

    void fragment() {
        switch (below(12)) {
        case 0:
            return disk_transfer(false);
        case 1:
            return disk_transfer(true);
        case 2:
            return bus_master();
        case 3:
            return interrupt_controllers();
        case 4:
            return timer();
        case 5:
            return serial_line();
        case 6:
            return configuration();
        case 7:
            return wait();
        case 8:
            return string_transfer();
        default:
            return any_port();
        }
    }
    std::vector<uint8_t> bytes;

private:
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    uint32_t below(uint32_t limit) { return word() % limit; }
    bool one_in(uint32_t count) { return below(count) == 0; }

    void add(std::initializer_list<uint8_t> more) { bytes.insert(bytes.end(), more); }
    void add32(uint32_t value) {
        for (unsigned i = 0; i < 4; ++i)
            bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
    }
    void load(uint8_t number, uint32_t value) { // MOV r32, imm32
        bytes.push_back(static_cast<uint8_t>(0xB8 + number));
        add32(value);
    }
    void out(uint32_t port, uint32_t value, unsigned width = 1) {
        load(2, port);
        load(0, value);
        if (width == 2)
            bytes.push_back(0x66);
        bytes.push_back(width == 1 ? 0xEE : 0xEF);
    }
    void in(uint32_t port, unsigned width = 1) {
        load(2, port);
        if (width == 2)
            bytes.push_back(0x66);
        bytes.push_back(width == 1 ? 0xEC : 0xED);
    }

    void any_port() {
        const uint32_t port = one_in(16) ? word() & 0xFFFF : ports[below(std::size(ports))] + below(16);
        const unsigned width = 1u << below(3);
        if (one_in(2))
            out(port, word(), width);
        else
            in(port, width);
    }
    void string_transfer() {
        static constexpr uint8_t operations[] = {0x6C, 0x6D, 0x6E, 0x6F};
        load(2, one_in(2) ? 0x1F0 : ports[below(std::size(ports))] + below(8));
        load(1, below(300));
        load(6, buffer + below(0x4000));
        load(7, buffer + below(0x4000));
        if (one_in(2))
            bytes.push_back(0x66);
        add({0xF3, operations[below(4)]});
    }
    void disk_transfer(bool by_program) {
        const uint32_t base = one_in(8) ? 0x170 : 0x1F0;
        out(base + 0x206, one_in(4) ? 2 : 0);
        out(base + 6, 0xE0 | (one_in(8) ? word() : 0));
        out(base + 2, one_in(8) ? word() : 1 + below(4));
        for (uint32_t number = 3; number < 6; ++number)
            out(base + number, one_in(4) ? word() : number == 3 ? below(64) : 0);
        out(base + 7, disk_commands[below(std::size(disk_commands))]);
        if (!by_program)
            return;
        wait();
        in(base + 7);
        load(2, base);
        load(1, 256);
        load(6, buffer);
        load(7, buffer);
        add({0x66, 0xF3, static_cast<uint8_t>(one_in(2) ? 0x6D : 0x6F)});
    }
    // A table of two regions, then the start bit.
    void bus_master() {
        const uint32_t base = 0xC000, table = buffer + 0x6000;
        const auto store = [this](uint32_t address, uint32_t value) { // MOV dword [address], value
            add({0xC7, 0x05});
            add32(address);
            add32(value);
        };
        configure(0x0900, 0x20, base | 1);
        configure(0x0900, 0x04, one_in(8) ? word() : 5);
        store(table, one_in(8) ? word() : buffer + below(0x40) * 0x100);
        store(table + 4, one_in(8) ? word() : 0x200);
        store(table + 8, one_in(8) ? word() : buffer + below(0x40) * 0x100);
        store(table + 12, 0x8000'0000 | (one_in(8) ? word() : 0x600));
        out(base + 4, one_in(16) ? word() : table, 4);
        out(base + 2, 6);
        disk_transfer(false);
        out(base, one_in(2) ? 9 : 1);
        if (one_in(2))
            wait();
        in(base + 2);
        if (one_in(2))
            out(base, 0);
    }
    void interrupt_controllers() {
        for (const uint32_t port : {0x20u, 0xA0u}) {
            out(port, 0x11);
            out(port + 1, one_in(8) ? word() : port == 0x20 ? 0x20 : 0x28);
            out(port + 1, port == 0x20 ? 4 : 2);
            out(port + 1, one_in(4) ? 3 : 1);
            out(port + 1, one_in(4) ? word() : 0);
        }
    }
    void timer() {
        out(0x43, one_in(4) ? word() : 0x30 + 2 * below(6) + below(3) * 0x40);
        const uint32_t port = 0x40 + below(3);
        out(port, word());
        out(port, below(4));
        out(0x61, word());
        if (one_in(2)) {
            out(0x70, 0x0A + below(4));
            out(0x71, word());
        }
    }
    void serial_line() {
        out(0x3F8 + 1, below(16));
        out(0x3F8 + 3, one_in(4) ? word() : 3);
        out(0x3F8, word());
        out(one_in(2) ? 0xE9 : 0x3F8, word());
        in(0x3F8 + below(8));
    }
    void configure(uint32_t function, uint32_t field, uint32_t value) {
        out(0xCF8, 0x8000'0000 | function | field, 4);
        out(0xCFC, value, 4);
    }
    void configuration() {
        out(0xCF8, 0x8000'0000 | below(0x1000) * 4, 4);
        if (one_in(2))
            out(0xCFC + below(4), word(), 1u << below(3));
        else
            in(0xCFC + below(4), 1u << below(3));
    }
    // For an interrupt, or for some microseconds.
    void wait() {
        if (one_in(2))
            return add({0xFB, 0xF4}); // STI; HLT
        load(1, 1 + below(2000));
        add({0xE2, 0xFE}); // LOOP to itself
    }

    Random& random_;
};

} // namespace

uint32_t add_device_code(std::span<uint8_t> code, Random& random) {
    constexpr uint32_t magic = 0x1BAD'B002, address_fields = 1u << 16;
    const uint32_t entry = load_address + header_bytes;
    const uint32_t header[header_bytes / 4] = {magic,
                                               address_fields,
                                               0u - magic - address_fields,
                                               load_address,
                                               load_address,
                                               load_address + static_cast<uint32_t>(code.size()),
                                               load_address + static_cast<uint32_t>(code.size()),
                                               entry};
    std::memcpy(code.data(), header, sizeof header);
    // Runs of fragments, with what was there before between them.
    for (size_t at = header_bytes;;) {
        Writer writer{random};
        for (uint64_t count = 1 + random() % 6; count != 0; --count)
            writer.fragment();
        if (at + writer.bytes.size() > code.size())
            return entry;
        std::memcpy(code.data() + at, writer.bytes.data(), writer.bytes.size());
        at += writer.bytes.size() + (random() % 4 == 0 ? random() % 40 : 0);
    }
}

} // namespace fixpoint::fuzz
