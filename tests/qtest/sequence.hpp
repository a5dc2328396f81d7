// A sequence of accesses to devices: what is replayed on the models and on QEMU.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace fixpoint::qtest {

enum class Action : uint8_t {
    read,         // port `address`, `bytes`
    write,        // the same, `value`
    wait,         // until `value` ns after the sequence's beginning; nothing if that has passed
    line,         // interrupt line `address` of the board goes to level `value`
    pin,          // the same for an input of the I/O APIC
    read_memory,  // `bytes` of main memory, or of a device that is there
    write_memory, // the same, `value`
    fill_memory,  // `value` bytes of main memory from `address` on become the byte `bytes`
    sum_memory,   // a checksum over `value` bytes of main memory from `address` on
    disk_ready, // as wait, and until drives and bus masters of the IDE channels `address`, a bit each, have nothing more to do
    key,        // models::Key `address` goes down or, with `value` 0, up
    end_of_interrupt, // a local APIC tells the I/O APIC that the interrupt with vector `value` is over
};

struct Step {
    Action action;
    uint8_t bytes;
    uint32_t address;
    uint64_t value;

    bool operator==(const Step&) const = default;
};

using Steps = std::vector<Step>;

// Where sequences that use the bus master put its registers.
inline constexpr uint32_t ide_bus_master_base = 0xC000;

constexpr Step in(uint32_t port, uint8_t bytes = 1) {
    return {Action::read, bytes, port, 0};
}
constexpr Step out(uint32_t port, uint32_t value, uint8_t bytes = 1) {
    return {Action::write, bytes, port, value};
}
constexpr Step peek(uint32_t address, uint8_t bytes = 1) {
    return {Action::read_memory, bytes, address, 0};
}
constexpr Step poke(uint32_t address, uint32_t value, uint8_t bytes = 1) {
    return {Action::write_memory, bytes, address, value};
}
constexpr Step wait_until(uint64_t ns) {
    return {Action::wait, 0, 0, ns};
}
constexpr Step line(unsigned irq, bool level) {
    return {Action::line, 0, irq, level};
}

constexpr Step pin(unsigned number, bool level) {
    return {Action::pin, 0, number, level};
}
constexpr Step key(uint32_t number, bool down) {
    return {Action::key, 0, number, down};
}
constexpr Step end_of_interrupt(uint8_t vector) {
    return {Action::end_of_interrupt, 0, 0, vector};
}

constexpr bool shows_value(const Step& step) {
    return step.action == Action::read || step.action == Action::read_memory ||
           step.action == Action::sum_memory;
}

// What a step showed.
struct Observation {
    uint32_t value = 0; // of a read or a sum
    struct Change {
        unsigned line;
        bool level;
        bool operator==(const Change&) const = default;
    };
    std::vector<Change> changes; // of interrupt lines, in their order
    uint32_t levels = 0;         // of all lines at the end, a bit a line
};
using Observations = std::vector<Observation>;

// What the table of known differences names in a step: "read", "port:0x43" (or "address:0xb8000") and what the subject adds.
using Features = std::set<std::string>;

[[nodiscard]] std::string describe(const Step& step);
[[nodiscard]] Features plain_features(const Step& step);

inline constexpr uint32_t checksum_start = 2'166'136'261u; // FNV-1a
constexpr uint32_t add_to_checksum(uint32_t sum, uint8_t byte) {
    constexpr uint32_t prime = 16'777'619;
    return (sum ^ byte) * prime;
}

} // namespace fixpoint::qtest
