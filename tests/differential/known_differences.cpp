#include "tests/differential/known_differences.hpp"

#include "tests/support/difference_rows.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace differential {

using fixpoint::tests::has_one_of, fixpoint::tests::parse_difference_table, fixpoint::tests::texts;

namespace {

std::map<std::string, std::vector<uint32_t>> conditions(const toml::table& row, std::string_view key) {
    std::map<std::string, std::vector<uint32_t>> found;
    if (const toml::table* table = row[key].as_table())
        for (const auto& [name, values] : *table)
            if (const toml::array* array = values.as_array())
                for (const toml::node& one : *array)
                    found[std::string{name.str()}].push_back(static_cast<uint32_t>(one.value_or(int64_t{0})));
    return found;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

constexpr std::string_view keys[] = {"id",       "emulator",    "features", "without", "fields",
                                     "model_at", "emulator_at", "model",    "got",     "other_agrees",
                                     "hangs",    "bits",        "manual",   "reason"};

} // namespace

KnownDifferences::KnownDifferences(const std::filesystem::path& file) {
    const toml::table table = parse_difference_table(file);
    const toml::array* list = table["difference"].as_array();
    if (list == nullptr)
        return;
    for (const toml::node& node : *list) {
        const toml::table& row = *node.as_table();
        const auto text = [&](std::string_view key) {
            const auto value = row[key].value<std::string>();
            if (!value || value->empty())
                throw std::runtime_error(
                    fmt::format("{}:{}: a row without {}", file.string(), node.source().begin.line, key));
            return *value;
        };
        for (const auto& [key, value] : row)
            if (std::find(std::begin(keys), std::end(keys), key.str()) == std::end(keys))
                throw std::runtime_error(
                    fmt::format("{}:{}: no key {}", file.string(), node.source().begin.line, key.str()));
        text("manual");
        text("reason");
        rows_.push_back({text("id"), text("emulator"), texts(row, "features"), texts(row, "without"),
                         texts(row, "fields"), texts(row, "model_at"), texts(row, "emulator_at"),
                         conditions(row, "model"), conditions(row, "got"), row["other_agrees"].value_or(true),
                         row["hangs"].value_or(false),
                         static_cast<uint32_t>(row["bits"].value_or(int64_t{0xFFFF'FFFF}))});
    }
}

bool KnownDifferences::concerns(const Row& row, const Case& what, const std::string& emulator) {
    const auto has = [&](const std::string& feature) {
        return has_one_of(feature, [&](const std::string& name) { return what.has(name); });
    };
    return row.emulator == emulator && std::all_of(row.features.begin(), row.features.end(), has) &&
           std::none_of(row.without.begin(), row.without.end(), has);
}

bool KnownDifferences::hangs(const Case& what, const std::string& emulator) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const Row& row) { return row.hangs && concerns(row, what, emulator); });
}

bool KnownDifferences::applies(const Row& row, const Observation& seen) {
    const auto hold = [](const Conditions& conditions, const Result& result) {
        return std::all_of(conditions.begin(), conditions.end(), [&](const auto& condition) {
            const uint32_t value = field_of(result.outcome, condition.first);
            return std::find(condition.second.begin(), condition.second.end(), value) !=
                   condition.second.end();
        });
    };
    const auto ended_at = [&](const std::vector<std::string>& names, const Result& result) {
        return names.empty() || contains(names, seen.what.instruction_at(result.outcome.eip));
    };
    return concerns(row, seen.what, seen.emulator) && hold(row.model, seen.model) &&
           hold(row.got, seen.got) && ended_at(row.model_at, seen.model) &&
           ended_at(row.emulator_at, seen.got);
}

bool KnownDifferences::covers(const Row& row, const Difference& difference, const Observation& seen,
                              const std::vector<Difference>& of_other) {
    if (!contains(row.fields, "*") && !contains(row.fields, difference.field))
        return false;
    if (((difference.expected ^ difference.got) & ~row.bits) != 0)
        return false;
    if (!row.other_agrees || seen.other == nullptr)
        return true;
    return std::none_of(of_other.begin(), of_other.end(), [&](const Difference& one) {
        return one.field == "hang" || (one.field == difference.field && one.offset == difference.offset);
    });
}

std::vector<Difference> KnownDifferences::unexplained(const Observation& seen) {
    std::vector<Difference> left = differences(seen.what, seen.model, seen.got);
    const std::vector<Difference> of_other =
        seen.other != nullptr ? differences(seen.what, seen.model, *seen.other) : std::vector<Difference>{};
    for (Row& row : rows_) {
        if (left.empty())
            break;
        if (!applies(row, seen))
            continue;
        const size_t before = left.size();
        std::erase_if(left, [&](const Difference& one) { return covers(row, one, seen, of_other); });
        row.used += left.size() != before ? 1 : 0;
    }
    return left;
}

std::string KnownDifferences::usage() const {
    std::string text;
    for (const Row& row : rows_)
        text += fmt::format("  {:<40} {:<6} {:>8}\n", row.id, row.emulator, row.used);
    return text;
}

} // namespace differential
