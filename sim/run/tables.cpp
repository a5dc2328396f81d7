#include "sim/run/tables.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fixpoint::sim {

using nlohmann::ordered_json;

namespace {

constexpr size_t rows_max = 24; // what fits on a terminal; checkpoints.csv has them all

std::string number(const ordered_json& value, int decimals, std::string_view unit) {
    return value.is_null() ? "-" : fmt::format("{:.{}f} {}", value.get<double>(), decimals, unit);
}

std::string duration(models::Picoseconds from, models::Picoseconds to, models::Picoseconds unit,
                     int decimals) {
    return from == 0 || to == 0
               ? "-"
               : fmt::format("{:.{}f}", static_cast<double>(to - from) / static_cast<double>(unit), decimals);
}

} // namespace

std::string checkpoint_table(const std::vector<CheckpointRow>& rows) {
    if (rows.empty())
        return {};
    constexpr unsigned sector_bytes = 512, kib = 1024;
    std::string table =
        fmt::format("  {:>8} {:>13} {:>9} {:>18} {:>11} {:>9} {:>7} {:>11}\n", "epoch", "snapshot ms",
                    "stop us", "durable after ms", "dirty pages", "TCB pages", "copied", "written KiB");
    const size_t left_out = rows.size() > rows_max ? rows.size() - rows_max : 0;
    unsigned start = rows.front().start;
    for (size_t i = 0; i < rows.size(); ++i) {
        if (left_out != 0 && i == rows_max / 2) {
            table += fmt::format("  {:>8} {} more, in checkpoints.csv\n", "...", left_out);
            i += left_out;
        }
        const CheckpointRow& row = rows[i];
        if (row.start != start)
            table += "  -- switched off, recovery --\n";
        start = row.start;
        table += fmt::format(
            "  {:>8} {:>13} {:>9} {:>18} {:>11} {:>9} {:>7} {:>11}\n", row.epoch,
            row.snapshot == 0 ? "-"
                              : fmt::format("{:.1f}", static_cast<double>(row.snapshot) / models::ps_per_ms),
            duration(row.stop_begin, row.stop_end, models::ps_per_us, 0),
            row.is_committed() ? duration(row.snapshot, row.committed, models::ps_per_ms, 1)
                               : "not committed",
            row.dirty_pages, row.tcb_pages, row.copied_pages, row.sectors_written * sector_bytes / kib);
    }
    return table;
}

std::string summary_table(const ordered_json& summary) {
    std::string table;
    const auto line = [&](std::string_view name, std::string_view value) {
        table += fmt::format("  {:<16} {}\n", name, value);
    };
    const ordered_json& checkpoints = summary["checkpoints"];
    const ordered_json& workload = summary["workload"];
    table += fmt::format("{}, seed {}\n", summary["experiment"].get<std::string>(),
                         summary["seed"].get<uint64_t>());
    line("simulated", fmt::format("{:.3f} s, {} instructions, at {:.0f} MIPS",
                                  summary["simulated"]["seconds"].get<double>(),
                                  summary["simulated"]["instructions"].get<uint64_t>(),
                                  summary["host"]["mips"].get<double>()));
    line("workload", !workload["finished"].get<bool>()  ? "not finished"
                     : workload["verified"].get<bool>() ? "finished, verified"
                                                        : "finished, FAILED");
    line("checkpoints",
         fmt::format("{} committed, {} delayed, every {}", checkpoints["committed"].get<uint64_t>(),
                     checkpoints["delayed"].get<uint64_t>(),
                     number(checkpoints["interval_ms"]["mean"], 1, "ms")));
    line("  stop", fmt::format("mean {}, p99 {}, max {}", number(checkpoints["stop_us"]["mean"], 0, "us"),
                               number(checkpoints["stop_us"]["p99"], 0, "us"),
                               number(checkpoints["stop_us"]["max"], 0, "us")));
    line("  until durable", fmt::format("mean {}, max {}", number(checkpoints["commit_ms"]["mean"], 1, "ms"),
                                        number(checkpoints["commit_ms"]["max"], 1, "ms")));
    line("  dirty pages", fmt::format("mean {}, max {}; copied on write: mean {}",
                                      number(checkpoints["dirty_pages"]["mean"], 1, ""),
                                      number(checkpoints["dirty_pages"]["max"], 0, ""),
                                      number(checkpoints["copied_pages"]["mean"], 1, "")));
    for (const ordered_json& recovery : summary["recovery"]) {
        const ordered_json& identical = recovery["identical"];
        line(recovery["clean"] == true ? "shutdown" : "power cut",
             fmt::format(
                 "{}: epoch {}, memory {}, restart {}, full speed after {}, lost {}",
                 recovery["crash_ms"].is_null() ? "earlier" : "at " + number(recovery["crash_ms"], 0, "ms"),
                 recovery["epoch"].is_null() ? "-" : std::to_string(recovery["epoch"].get<uint32_t>()),
                 identical.is_null()     ? "not compared"
                 : identical.get<bool>() ? "identical"
                                         : "CHANGED",
                 number(recovery["restart_ms"], 1, "ms"), number(recovery["full_speed_ms"], 0, "ms"),
                 number(recovery["lost_ms"], 1, "ms")));
    }
    if (summary["overhead"].is_null())
        return table;
    const ordered_json& overhead = summary["overhead"];
    const double baseline = overhead["baseline_cycles"].get<double>();
    line("overhead",
         fmt::format("{:.2f} % of {} cycles without checkpoints", overhead["percent"].get<double>(),
                     overhead["baseline_cycles"].get<uint64_t>()));
    for (const auto& [part, cycles] : overhead["cycles"].items())
        line("  " + part, fmt::format("{:>14} cycles {:>8.2f} %", cycles.get<int64_t>(),
                                      100.0 * cycles.get<double>() / baseline));
    return table;
}

} // namespace fixpoint::sim
