#include "sim/report/report.hpp"

#include "sim/config/search_path.hpp"
#include "sim/report/model_plots.hpp"
#include "sim/run/output_folder.hpp"
#include "sim/run/tool.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <set>

namespace fixpoint::sim {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

std::string read_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '<'   ? std::string("&lt;")
               : c == '>' ? std::string("&gt;")
               : c == '&' ? std::string("&amp;")
               : c == '"' ? std::string("&quot;")
                          : std::string(1, c);
    return out;
}

// JSON inside of a script element must not end it.
std::string for_script(std::string text) {
    for (size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3)
        text.replace(at, 2, "<\\/");
    return text;
}

std::string fill(std::string page, std::initializer_list<std::pair<const char*, std::string>> values) {
    std::string out;
    size_t from = 0;
    while (true) {
        const size_t begin = page.find('@', from);
        const size_t end = begin == std::string::npos ? begin : page.find('@', begin + 1);
        if (end == std::string::npos)
            break;
        const std::string_view name(page.data() + begin + 1, end - begin - 1);
        out.append(page, from, begin - from);
        from = begin + 1;
        bool found = false;
        for (const auto& [key, value] : values)
            if (name == key) {
                out += value;
                from = end + 1;
                found = true;
            }
        if (!found)
            out += '@'; // CSS has at-rules
    }
    return out + page.substr(from);
}

std::string fact(std::string_view name, std::string_view value) {
    return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value));
}

std::string facts(const SweepPlan& plan) {
    const Experiment& first = plan.points.front().experiment;
    const MachineParameters& machine = first.machine;
    std::set<std::string> swept;
    std::string out;
    for (const SweepAxis& axis : plan.axes) {
        std::string values;
        for (const std::string& label : axis.labels)
            values.append(values.empty() ? "" : ", ").append(label);
        out += fact(axis.key, values);
        swept.insert(axis.key);
    }
    constexpr uint64_t mib = 1 << 20;
    out += fact("Processor",
                fmt::format("{} MHz, caches {} + {} KiB and {} KiB", machine.cpu.frequency_hz / 1'000'000,
                            machine.cpu.l1_instruction.size_bytes / 1024,
                            machine.cpu.l1_data.size_bytes / 1024, machine.cpu.l2.size_bytes / 1024));
    out += fact("Memory", fmt::format("{} MiB", machine.memory.bytes / mib));
    out += fact("Disk", fmt::format("{}, {} MiB used", machine.disk.model, first.disk.size_mib));
    std::string pager = fmt::format("copy {}, tracking {}, store {}, drain by {}", first.pager.copy,
                                    first.pager.tracking, first.pager.store, first.pager.drain_order);
    out += fact("Checkpoint server", pager);
    if (!swept.contains("workload"))
        for (const Workload& workload : first.workloads)
            out += fact("Workload", workload.program + ": " + workload.arguments);
    out += fact("Seed", std::to_string(first.seed));
    out += fact("Runs", std::to_string(plan.points.size()));
    return out;
}

struct Column {
    const char* key;
    const char* title;
    const char* unit;
    int decimals;
};

constexpr Column shown_columns[] = {
    {"committed", "committed", "", 0},
    {"delayed", "delayed", "", 0},
    {"measured_interval_ms_mean", "interval measured", "ms", 1},
    {"overhead_percent", "overhead", "%", 2},
    {"stop_us_mean", "stop mean", "us", 0},
    {"stop_us_p99", "stop p99", "us", 0},
    {"stop_us_max", "stop max", "us", 0},
    {"commit_ms_mean", "commit mean", "ms", 1},
    {"dirty_pages_mean", "frozen", "pages", 1},
    {"copied_pages_mean", "copied", "pages", 1},
    {"write_amplification", "written / frozen", "", 2},
    {"simulated_seconds", "simulated", "s", 3},
};

std::string table(const SweepPlan& plan, const std::vector<ordered_json>& rows) {
    std::vector<std::string> swept;
    for (const auto& [key, value] : rows.front().items())
        if (swept.size() < plan.axes.size())
            swept.push_back(key);
    std::string out = "<table><thead><tr>";
    for (const std::string& key : swept)
        out += fmt::format("<th class=\"text\">{}</th>", escape(key));
    for (const Column& column : shown_columns)
        out +=
            fmt::format("<th>{}<small>{}</small></th>", column.title, *column.unit ? column.unit : "&nbsp;");
    out += "<th>verified</th></tr></thead><tbody>\n";
    for (const ordered_json& row : rows) {
        out += "<tr>";
        for (const std::string& key : swept)
            out += fmt::format("<td class=\"text\">{}</td>",
                               escape(row[key].is_string() ? row[key].get<std::string>() : row[key].dump()));
        for (const Column& column : shown_columns) {
            const ordered_json& value = row[column.key];
            out += value.is_number() ? fmt::format("<td>{:.{}f}</td>", value.get<double>(), column.decimals)
                                     : "<td>&ndash;</td>";
        }
        out += row["workload_verified"] == true ? "<td>yes</td></tr>\n" : "<td class=\"bad\">no</td></tr>\n";
    }
    return out + "</tbody></table>";
}

std::string lead(const SweepPlan& plan) {
    std::string keys;
    for (const SweepAxis& axis : plan.axes)
        keys.append(keys.empty() ? "" : " and ").append(axis.key);
    return fmt::format(
        "What whole-system checkpoints by a user-level pager cost, simulated cycle by cycle for {} "
        "combinations of {}. Time is modelled time of the machine below; the same configuration and "
        "seed give the same numbers on every host.",
        plan.points.size(), keys);
}

// The plots as files for papers. Returns what is missing.
std::vector<std::string> write_plot_files(const fs::path& folder, const std::vector<Plot>& plots,
                                          const ordered_json& specifications) {
    fs::create_directories(folder / "plots");
    const fs::path script = report_folder() / "render.mjs", list = folder / "plots" / ".specifications.json";
    write_file(list, specifications.dump());
    const bool rendered = run_tool({"node", script.string(), list.string(), (folder / "plots").string()});
    fs::remove(list);
    if (!rendered)
        return {"plots/*.svg (node could not render them)"};
    std::vector<std::string> missing;
    for (const Plot& plot : plots) {
        const fs::path svg = folder / "plots" / (plot.name + ".svg");
        if (!run_tool({"rsvg-convert", "--format=pdf", "--output",
                       (folder / "plots" / (plot.name + ".pdf")).string(), svg.string()}))
            return {"plots/*.pdf (rsvg-convert could not make them)"};
    }
    return missing;
}

} // namespace

std::vector<std::string> write_report(const fs::path& folder, const SweepPlan& plan,
                                      const std::vector<ordered_json>& rows,
                                      const std::vector<ordered_json>& model_rows) {
    const fs::path parts = report_folder();
    if (parts.empty() || !fs::exists(parts / "plot-library.js"))
        return {"report.html and plots/ (this build could not fetch the plotting library with npm)"};
    std::vector<Plot> plots = make_plots(plan, rows);
    for (Plot& plot : make_model_plots(plan, model_rows))
        plots.push_back(std::move(plot));
    ordered_json specifications = ordered_json::array();
    std::string figures;
    for (const Plot& plot : plots) {
        specifications.push_back({{"name", plot.name}, {"specification", plot.specification}});
        figures += fmt::format("<h2>{}</h2>\n<figure><div class=\"plot\" id=\"{}\"></div>"
                               "<figcaption>{}</figcaption></figure>\n",
                               escape(plot.title), plot.name, escape(plot.caption));
    }
    write_file(folder / "report.html",
               fill(read_text(parts / "page.html"), {{"TITLE", escape(plan.name)},
                                                     {"LEAD", escape(lead(plan))},
                                                     {"FACTS", facts(plan)},
                                                     {"FIGURES", figures},
                                                     {"TABLE", table(plan, rows)},
                                                     {"CONFIGURATION", escape(to_toml(plan.document))},
                                                     {"LIBRARY", read_text(parts / "plot-library.js")},
                                                     {"SPECIFICATIONS", for_script(specifications.dump())}}));
    return write_plot_files(folder, plots, specifications);
}

} // namespace fixpoint::sim
