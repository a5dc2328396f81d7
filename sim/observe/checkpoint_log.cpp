#include "sim/observe/checkpoint_log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace fixpoint::sim {

CheckpointRow* CheckpointLog::current(uint32_t epoch) {
    if (rows_.size() == rows_of_earlier_starts_ || rows_.back().epoch != epoch)
        return nullptr;
    return &rows_.back();
}

void CheckpointLog::stop_begin(const Sample& at, uint32_t epoch) {
    CheckpointRow row;
    row.start = start_;
    row.epoch = epoch;
    row.stop_begin = at.now;
    row.delayed = due_late_.erase(epoch) != 0;
    sectors_before_ = at.sectors_written;
    rows_.push_back(row);
}

void CheckpointLog::snapshot(const Sample& at, uint32_t epoch, uint64_t work) {
    if (CheckpointRow* row = current(epoch)) {
        row->snapshot = at.now;
        row->work_at_snapshot = work;
    }
}

void CheckpointLog::snapshot_tables(const Sample& at, uint32_t epoch) {
    if (CheckpointRow* row = current(epoch))
        row->tables = at.now;
}

void CheckpointLog::stop_end(const Sample& at, uint32_t epoch, uint32_t dirty_pages, uint32_t tcb_pages) {
    if (CheckpointRow* row = current(epoch)) {
        row->stop_end = at.now;
        row->dirty_pages = dirty_pages;
        row->tcb_pages = tcb_pages;
    }
}

void CheckpointLog::page_copied() {
    if (rows_.size() > rows_of_earlier_starts_)
        ++rows_.back().copied_pages;
}

void CheckpointLog::commit_begin(const Sample& at, uint64_t work) {
    if (rows_.size() == rows_of_earlier_starts_)
        return;
    CheckpointRow& row = rows_.back();
    if (row.stop_end == 0 || row.is_committed())
        return; // a store that moves pages commits between checkpoints too
    row.drained = at.now;
    row.work_at_drained = work;
}

void CheckpointLog::committed(const Sample& at, uint32_t epoch) {
    if (CheckpointRow* row = current(epoch)) {
        row->committed = at.now;
        row->sectors_written = at.sectors_written - sectors_before_;
    }
}

void CheckpointLog::delayed(uint32_t epoch) {
    ++delayed_count_;
    due_late_.insert(epoch);
}

void CheckpointLog::power_cycle() {
    ++start_;
    due_late_.clear();
    rows_of_earlier_starts_ = rows_.size();
}

std::optional<models::Picoseconds> CheckpointLog::snapshot_instant(uint32_t epoch) const {
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row)
        if (row->epoch == epoch && row->snapshot != 0)
            return row->snapshot;
    return std::nullopt;
}

uint32_t CheckpointLog::committed_count() const {
    return static_cast<uint32_t>(std::count_if(rows_.begin(), rows_.end(),
                                               [](const CheckpointRow& row) { return row.is_committed(); }));
}

std::string to_csv(const std::vector<CheckpointRow>& rows) {
    std::string csv =
        "start,epoch,snapshot_ms,stop_us,capture_us,revoke_us,tcb_copy_us,commit_ms,dirty_pages,tcb_pages,"
        "copied_pages,bytes_written,delayed,committed,drain_ms,work,drain_work\n";
    constexpr double ps_per_us = models::ps_per_us, ps_per_ms = models::ps_per_ms;
    // A phase that a power cut prevented has no duration: an empty cell.
    const auto duration = [](models::Picoseconds from, models::Picoseconds to, double unit) {
        return from == 0 || to == 0 ? std::string()
                                    : fmt::format("{}", static_cast<double>(to - from) / unit);
    };
    constexpr unsigned sector_bytes = 512;
    for (const CheckpointRow& row : rows)
        fmt::format_to(
            std::back_inserter(csv), "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", row.start,
            row.epoch,
            row.snapshot == 0 ? "" : fmt::format("{}", static_cast<double>(row.snapshot) / ps_per_ms),
            duration(row.stop_begin, row.stop_end, ps_per_us),
            duration(row.stop_begin, row.snapshot, ps_per_us), duration(row.snapshot, row.tables, ps_per_us),
            duration(row.tables, row.stop_end, ps_per_us), duration(row.snapshot, row.committed, ps_per_ms),
            row.dirty_pages, row.tcb_pages, row.copied_pages, row.sectors_written * sector_bytes,
            row.delayed ? 1 : 0, row.is_committed() ? 1 : 0, duration(row.stop_end, row.drained, ps_per_ms),
            row.snapshot == 0 ? "" : std::to_string(row.work_at_snapshot),
            row.drained == 0 ? "" : std::to_string(row.work_at_drained - row.work_at_snapshot));
    return csv;
}

} // namespace fixpoint::sim
