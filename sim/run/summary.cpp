#include "sim/run/summary.hpp"

#include "sim/observe/snapshots.hpp"
#include "sim/run/statistics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fixpoint::sim {

using nlohmann::ordered_json;

namespace {

constexpr int schema = 1;
constexpr uint64_t sector_bytes = 512;

ordered_json optional_json(const auto& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json with_keys(const Statistics& values, std::initializer_list<const char*> keys) {
    ordered_json result;
    for (const std::string_view key : keys)
        result[std::string(key)] = key == "mean"  ? optional_json(values.mean())
                                   : key == "p50" ? optional_json(values.percentile(50))
                                   : key == "p99" ? optional_json(values.percentile(99))
                                                  : optional_json(values.maximum());
    return result;
}

ordered_json checkpoints_json(const Outcome& run) {
    Statistics interval_ms, stop_us, commit_ms, dirty_pages, copied_pages;
    uint64_t committed = 0, bytes_written = 0, bytes_dirty = 0;
    const CheckpointRow* previous = nullptr;
    for (const CheckpointRow& row : run.checkpoints) {
        if (previous && previous->start == row.start && row.snapshot != 0 && previous->snapshot != 0)
            interval_ms.add(static_cast<double>(row.snapshot - previous->snapshot) / models::ps_per_ms);
        previous = &row;
        if (row.stop_end != 0) {
            stop_us.add(static_cast<double>(row.stop_end - row.stop_begin) / models::ps_per_us);
            dirty_pages.add(row.dirty_pages);
        }
        if (!row.is_committed())
            continue;
        ++committed;
        commit_ms.add(static_cast<double>(row.committed - row.snapshot) / models::ps_per_ms);
        copied_pages.add(row.copied_pages);
        bytes_written += row.sectors_written * sector_bytes;
        bytes_dirty += uint64_t{row.dirty_pages} * page_bytes;
    }
    ordered_json result;
    result["committed"] = committed;
    result["delayed"] = run.delayed;
    result["interval_ms"] = with_keys(interval_ms, {"mean", "p99"});
    result["stop_us"] = with_keys(stop_us, {"mean", "p50", "p99", "max"});
    result["commit_ms"] = with_keys(commit_ms, {"mean", "p50", "p99", "max"});
    result["dirty_pages"] = with_keys(dirty_pages, {"mean", "max"});
    result["copied_pages"] = with_keys(copied_pages, {"mean", "max"});
    result["bytes_written"] = bytes_written;
    result["write_amplification"] =
        bytes_dirty == 0
            ? ordered_json(nullptr)
            : ordered_json(static_cast<double>(bytes_written) / static_cast<double>(bytes_dirty));
    return result;
}

ordered_json page_ins_json(const Outcome& run) {
    Statistics us;
    for (const models::Picoseconds latency : run.page_ins)
        us.add(static_cast<double>(latency) / models::ps_per_us);
    ordered_json result;
    result["count"] = run.page_ins.size();
    result["us"] = with_keys(us, {"mean", "p50", "p99", "max"});
    return result;
}

ordered_json output_json(const OutputFigures& output) {
    Statistics held_ms;
    for (const models::Picoseconds held : output.held)
        held_ms.add(static_cast<double>(held) / models::ps_per_ms);
    ordered_json result;
    result["lines"] = output.held.size();
    result["repeated"] = output.repeated;
    result["held_ms"] = with_keys(held_ms, {"mean", "p50", "p99", "max"});
    return result;
}

ordered_json overhead_json(const Comparison& comparison) {
    const OverheadParts parts = overhead_parts(comparison.with->accounts, comparison.without->accounts);
    const auto difference = static_cast<int64_t>(comparison.with->cycles - comparison.without->cycles);
    ordered_json result;
    result["percent"] =
        100.0 * static_cast<double>(difference) / static_cast<double>(comparison.without->cycles);
    result["baseline_cycles"] = comparison.without->cycles;
    result["cycles"] = {{"stop", parts.stop},     {"write_faults", parts.write_faults},
                        {"copies", parts.copies}, {"tlb_and_cache", parts.tlb_and_cache},
                        {"driver", parts.driver}, {"other", parts.other}};
    return result;
}

// By part, and in all; null if they were not followed.
ordered_json write_faults_json(const std::optional<std::vector<WriteFaultCost>>& faults) {
    if (!faults)
        return nullptr;
    const auto statistics = [&](auto&& cycles_of) {
        Statistics values;
        for (const WriteFaultCost& fault : *faults)
            values.add(static_cast<double>(cycles_of(fault)));
        return with_keys(values, {"mean", "p50", "p99"});
    };
    ordered_json result;
    result["faults"] = faults->size();
    for (size_t part = 0; part < write_fault_part_names.size(); ++part)
        result[write_fault_part_names[part]] =
            statistics([part](const WriteFaultCost& fault) { return fault.cycles[part]; });
    result["total"] = statistics([](const WriteFaultCost& fault) { return fault.total_cycles; });
    return result;
}

} // namespace

ordered_json summarise(const Experiment& experiment, const Outcome& run,
                       const std::optional<Comparison>& comparison) {
    ordered_json summary;
    summary["schema"] = schema;
    summary["experiment"] = experiment.name;
    summary["seed"] = experiment.seed;
    summary["simulated"] = {
        {"seconds", static_cast<double>(run.simulated) / static_cast<double>(models::ps_per_second)},
        {"cycles", run.cycles},
        {"instructions", run.instructions}};
    summary["host"] = {{"seconds", run.host_seconds},
                       {"mips", run.host_seconds > 0
                                    ? static_cast<double>(run.instructions) / run.host_seconds / 1e6
                                    : 0.0}};
    summary["workload"] = {{"finished", run.finished}, {"verified", run.verified}};
    summary["checkpoints"] = checkpoints_json(run);
    summary["page_ins"] = page_ins_json(run);
    summary["output"] = output_json(run.output);
    summary["overhead"] = comparison ? overhead_json(*comparison) : ordered_json(nullptr);
    summary["write_fault_cycles"] = write_faults_json(run.write_faults);
    summary["recovery"] = ordered_json::array();
    for (const RecoveryOutcome& recovery : run.recoveries)
        summary["recovery"].push_back({{"crash_ms", optional_json(recovery.crash_ms)},
                                       {"epoch", optional_json(recovery.epoch)},
                                       {"disk_found_ms", optional_json(recovery.disk_found_ms)},
                                       {"threads_ready_ms", optional_json(recovery.threads_ready_ms)},
                                       {"restart_ms", optional_json(recovery.restart_ms)},
                                       {"full_speed_ms", optional_json(recovery.full_speed_ms)},
                                       {"lost_ms", optional_json(recovery.lost_ms)},
                                       {"identical", optional_json(recovery.identical)},
                                       {"clean", optional_json(recovery.clean)}});
    return summary;
}

std::vector<std::string> failures(const Experiment& experiment, const Outcome& run) {
    std::vector<std::string> found;
    if (!run.trouble.empty())
        found.push_back(run.trouble);
    if (run.finished && !run.verified)
        found.push_back("a workload found its data wrong");
    for (const std::string& violation : run.violations)
        found.push_back(violation);
    for (const RecoveryOutcome& recovery : run.recoveries)
        if (recovery.identical == false && run.violations.empty())
            found.push_back(fmt::format("the memory of epoch {} came back changed", *recovery.epoch));
    if (experiment.run.until_workload && !run.finished && run.trouble.empty())
        found.push_back("the workloads did not end");
    return found;
}

} // namespace fixpoint::sim
