#include "sim/run/outcome.hpp"

#include <nlohmann/json.hpp>

namespace fixpoint::sim {

using nlohmann::json;

namespace {

template<class T>
json optional_to_json(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

template<class T>
std::optional<T> optional_from_json(const json& value) {
    return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

json row_to_json(const CheckpointRow& row) {
    return json::array({row.start, row.epoch, row.stop_begin, row.snapshot, row.tables, row.stop_end,
                        row.committed, row.dirty_pages, row.tcb_pages, row.copied_pages, row.sectors_written,
                        row.delayed, row.drained, row.work_at_snapshot, row.work_at_drained});
}

CheckpointRow row_from_json(const json& value) {
    CheckpointRow row;
    size_t index = 0;
    const auto take = [&](auto& field) { value.at(index++).get_to(field); };
    take(row.start);
    take(row.epoch);
    take(row.stop_begin);
    take(row.snapshot);
    take(row.tables);
    take(row.stop_end);
    take(row.committed);
    take(row.dirty_pages);
    take(row.tcb_pages);
    take(row.copied_pages);
    take(row.sectors_written);
    take(row.delayed);
    take(row.drained);
    take(row.work_at_snapshot);
    take(row.work_at_drained);
    return row;
}

json recovery_to_json(const RecoveryOutcome& recovery) {
    return {{"crash_ms", optional_to_json(recovery.crash_ms)},
            {"epoch", optional_to_json(recovery.epoch)},
            {"disk_found_ms", optional_to_json(recovery.disk_found_ms)},
            {"threads_ready_ms", optional_to_json(recovery.threads_ready_ms)},
            {"restart_ms", optional_to_json(recovery.restart_ms)},
            {"full_speed_ms", optional_to_json(recovery.full_speed_ms)},
            {"lost_ms", optional_to_json(recovery.lost_ms)},
            {"identical", optional_to_json(recovery.identical)},
            {"clean", optional_to_json(recovery.clean)}};
}

RecoveryOutcome recovery_from_json(const json& value) {
    return {optional_from_json<double>(value.at("crash_ms")),
            optional_from_json<uint32_t>(value.at("epoch")),
            optional_from_json<double>(value.at("disk_found_ms")),
            optional_from_json<double>(value.at("threads_ready_ms")),
            optional_from_json<double>(value.at("restart_ms")),
            optional_from_json<double>(value.at("full_speed_ms")),
            optional_from_json<double>(value.at("lost_ms")),
            optional_from_json<bool>(value.at("identical")),
            optional_from_json<bool>(value.at("clean"))};
}

json write_faults_to_json(const std::optional<std::vector<WriteFaultCost>>& faults) {
    if (!faults)
        return nullptr;
    json rows = json::array();
    for (const WriteFaultCost& fault : *faults)
        rows.push_back({fault.task, fault.address, fault.begin_cycle, fault.total_cycles, fault.cycles});
    return rows;
}

std::optional<std::vector<WriteFaultCost>> write_faults_from_json(const json& value) {
    if (value.is_null())
        return std::nullopt;
    std::vector<WriteFaultCost> faults;
    for (const json& row : value) {
        WriteFaultCost& fault = faults.emplace_back();
        row.at(0).get_to(fault.task);
        row.at(1).get_to(fault.address);
        row.at(2).get_to(fault.begin_cycle);
        row.at(3).get_to(fault.total_cycles);
        row.at(4).get_to(fault.cycles);
    }
    return faults;
}

} // namespace

json to_json(const Outcome& outcome) {
    json rows = json::array(), recoveries = json::array();
    for (const CheckpointRow& row : outcome.checkpoints)
        rows.push_back(row_to_json(row));
    for (const RecoveryOutcome& recovery : outcome.recoveries)
        recoveries.push_back(recovery_to_json(recovery));
    return {{"trouble", outcome.trouble},
            {"finished", outcome.finished},
            {"verified", outcome.verified},
            {"simulated", outcome.simulated},
            {"cycles", outcome.cycles},
            {"instructions", outcome.instructions},
            {"accounts", outcome.accounts.cycles},
            {"checkpoints", std::move(rows)},
            {"delayed", outcome.delayed},
            {"page_ins", outcome.page_ins},
            {"recoveries", std::move(recoveries)},
            {"write_faults", write_faults_to_json(outcome.write_faults)},
            {"violations", outcome.violations},
            {"console", outcome.console},
            {"output_held", outcome.output.held},
            {"output_repeated", outcome.output.repeated},
            {"host_seconds", outcome.host_seconds}};
}

Outcome outcome_from_json(const json& value) {
    Outcome outcome;
    value.at("trouble").get_to(outcome.trouble);
    value.at("finished").get_to(outcome.finished);
    value.at("verified").get_to(outcome.verified);
    value.at("simulated").get_to(outcome.simulated);
    value.at("cycles").get_to(outcome.cycles);
    value.at("instructions").get_to(outcome.instructions);
    value.at("accounts").get_to(outcome.accounts.cycles);
    for (const json& row : value.at("checkpoints"))
        outcome.checkpoints.push_back(row_from_json(row));
    value.at("delayed").get_to(outcome.delayed);
    value.at("page_ins").get_to(outcome.page_ins);
    for (const json& recovery : value.at("recoveries"))
        outcome.recoveries.push_back(recovery_from_json(recovery));
    outcome.write_faults = write_faults_from_json(value.at("write_faults"));
    value.at("violations").get_to(outcome.violations);
    value.at("console").get_to(outcome.console);
    value.at("output_held").get_to(outcome.output.held);
    value.at("output_repeated").get_to(outcome.output.repeated);
    value.at("host_seconds").get_to(outcome.host_seconds);
    return outcome;
}

} // namespace fixpoint::sim
