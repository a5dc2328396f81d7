// Ports, places and habits that the parts of the IDE subject share.
#pragma once

#include "tests/qtest/sequence.hpp"

#include <cstdint>

namespace fixpoint::qtest::ide {

inline constexpr uint32_t task_file = 0x1F0, data = task_file, feature = task_file + 1, count = task_file + 2,
                          lba_low = task_file + 3, lba_mid = task_file + 4, lba_high = task_file + 5,
                          device = task_file + 6, command = task_file + 7, control = 0x3F6;
inline constexpr uint32_t bm_command = ide_bus_master_base, bm_status = ide_bus_master_base + 2,
                          bm_table = ide_bus_master_base + 4;
inline constexpr uint32_t lba_mode = 0xE0, chs_mode = 0xA0, slave = 0x10;
inline constexpr uint32_t software_reset = 4, interrupt_off = 2;
inline constexpr uint32_t table = 0x1000, buffer = 0x10000, buffer_bytes = 0x8000, sector = 512;
inline constexpr uint64_t work_ns = 2'000'000; // time for both sides to do what a command asks
inline constexpr uint64_t disk_end = 40'960;   // sectors
inline constexpr uint32_t heads = 16, sectors_per_track = 63;

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

} // namespace fixpoint::qtest::ide
