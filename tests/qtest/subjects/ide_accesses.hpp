// Ports, places and habits that the parts of the IDE subject share.
#pragma once

#include "tests/qtest/sequence.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace fixpoint::qtest::ide {

// A channel's registers: the task file, device control (0x3F6) and the bus master's.
enum Register : uint32_t {
    data = 0,
    feature = 1, // error, when read
    count = 2,
    lba_low = 3,
    lba_mid = 4,
    lba_high = 5,
    device = 6,
    command = 7, // status, when read
    control = 8, // alternate status, when read
    bm_command = 16,
    bm_reserved = 17,
    bm_status = 18,
    bm_table = 20,
};

inline constexpr unsigned channel_count = 2, bus_master_ports = 8, task_file_ports = 8;
struct ChannelPorts {
    uint32_t task_file, control, bus_master;
};
inline constexpr std::array<ChannelPorts, channel_count> ports{
    {{0x1F0, 0x3F6, ide_bus_master_base}, {0x170, 0x376, ide_bus_master_base + bus_master_ports}}};

constexpr uint32_t port_of(unsigned channel, uint32_t reg) {
    return reg >= bm_command ? ports[channel].bus_master + reg - bm_command
           : reg == control  ? ports[channel].control
                             : ports[channel].task_file + reg;
}

struct Place {
    unsigned channel;
    uint32_t reg;
};
// What a port is; nothing: not the controller's.
constexpr std::optional<Place> place_of(uint32_t port) {
    for (unsigned channel = 0; channel < channel_count; ++channel) {
        const ChannelPorts& of = ports[channel];
        if (port - of.task_file < task_file_ports)
            return Place{channel, port - of.task_file};
        if (port == of.control)
            return Place{channel, control};
        if (port - of.bus_master < bus_master_ports)
            return Place{channel, bm_command + port - of.bus_master};
    }
    return std::nullopt;
}

// Which places have a drive: bit 2 * channel + device.
constexpr bool has_drive(unsigned drives, unsigned channel, unsigned device_number) {
    return drives >> (2 * channel + device_number) & 1;
}

inline constexpr uint32_t lba_mode = 0xE0, chs_mode = 0xA0, slave = 0x10;
inline constexpr uint32_t software_reset = 4, interrupt_off = 2, high_order_byte = 0x80;
inline constexpr uint32_t bm_clear =
    0x66; // of the bus master's status: all that can be cleared; both drives can DMA
inline constexpr uint32_t buffer_bytes = 0x8000, sector = 512;
constexpr uint32_t table_of(unsigned channel) {
    return 0x1000 + channel * 0x1000;
}
constexpr uint32_t buffer_of(unsigned channel) {
    return 0x10000 + channel * 0x10000;
}
inline constexpr uint64_t work_ns = 2'000'000; // time for both sides to do what a command asks
inline constexpr uint64_t disk_end = 40'960;   // sectors
inline constexpr uint32_t heads = 16, sectors_per_track = 63;

class Writer {
public:
    Steps steps;

    void put(unsigned channel, uint32_t reg, uint32_t value, uint8_t bytes = 1) {
        steps.push_back(out(port_of(channel, reg), value, bytes));
    }
    void get(unsigned channel, uint32_t reg, uint8_t bytes = 1) {
        steps.push_back(in(port_of(channel, reg), bytes));
    }
    void ready(unsigned channel) { wait_for(1u << channel); }
    void both_ready() { wait_for((1u << channel_count) - 1); }
    void reset(unsigned channel, uint32_t control_value = 0) {
        put(channel, control, software_reset | control_value);
        put(channel, control, control_value);
        ready(channel);
    }

private:
    void wait_for(uint32_t channels) {
        now_ns_ += work_ns;
        steps.push_back({Action::disk_ready, 0, channels, now_ns_});
    }

    uint64_t now_ns_ = 0;
};

} // namespace fixpoint::qtest::ide
