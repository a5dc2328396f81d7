// One row for every checkpoint that was begun, from the server's probes: the content of checkpoints.csv.
#pragma once

#include "sim/observe/sample.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct CheckpointRow {
    unsigned start = 1; // how often the machine had been switched on
    uint32_t epoch = 0;
    models::Picoseconds stop_begin = 0, snapshot = 0, tables = 0, stop_end = 0, drained = 0,
                        committed = 0; // 0: not reached
    uint32_t dirty_pages = 0, tcb_pages = 0, copied_pages = 0;
    uint64_t sectors_written = 0; // from stop_begin to committed
    // What the workloads had done at two instants, in the units of their `work` probes since the first power-on.
    uint64_t work_at_snapshot = 0, work_at_drained = 0;
    bool delayed = false;

    [[nodiscard]] bool is_committed() const { return committed != 0; }
};

class CheckpointLog {
public:
    void stop_begin(const Sample& at, uint32_t epoch);
    void snapshot(const Sample& at, uint32_t epoch, uint64_t work);
    void snapshot_tables(const Sample& at, uint32_t epoch);
    void stop_end(const Sample& at, uint32_t epoch, uint32_t dirty_pages, uint32_t tcb_pages);
    void page_copied();
    // The server writes its directory and root from here on.
    void commit_begin(const Sample& at, uint64_t work);
    void committed(const Sample& at, uint32_t epoch);
    void delayed(uint32_t epoch);
    void power_cycle();

    [[nodiscard]] const std::vector<CheckpointRow>& rows() const { return rows_; }
    [[nodiscard]] uint32_t delayed_count() const { return delayed_count_; }
    // The instant of the newest snapshot of that epoch.
    [[nodiscard]] std::optional<models::Picoseconds> snapshot_instant(uint32_t epoch) const;
    [[nodiscard]] uint32_t committed_count() const;

private:
    CheckpointRow* current(uint32_t epoch);

    std::vector<CheckpointRow> rows_;
    std::set<uint32_t> due_late_;
    uint32_t delayed_count_ = 0;
    uint64_t sectors_before_ = 0;
    unsigned start_ = 1;
    size_t rows_of_earlier_starts_ = 0;
};

// The rows as CSV, with a header line.
[[nodiscard]] std::string to_csv(const std::vector<CheckpointRow>& rows);

} // namespace fixpoint::sim
