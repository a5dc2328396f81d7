#include "tests/qtest/known_differences.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace fixpoint::qtest {
namespace {

constexpr int64_t all_bits = 0xFFFF'FFFF;

constexpr std::string_view keys[] = {"id",   "device",     "features", "without", "fields",
                                     "bits", "by_at_most", "source",   "reason"};

std::vector<std::string> texts(const toml::table& row, std::string_view key) {
    std::vector<std::string> found;
    if (const toml::array* array = row[key].as_array())
        for (const toml::node& one : *array)
            found.push_back(one.value_or(std::string{}));
    return found;
}

bool has_one_of(const Features& features, std::string_view alternatives) {
    while (true) {
        const size_t bar = alternatives.find('|');
        if (features.contains(std::string{alternatives.substr(0, bar)}))
            return true;
        if (bar == std::string_view::npos)
            return false;
        alternatives.remove_prefix(bar + 1);
    }
}

} // namespace

KnownDifferences::KnownDifferences(const std::filesystem::path& file) {
    toml::table table;
    try {
        table = toml::parse_file(file.string());
    } catch (const toml::parse_error& error) {
        throw std::runtime_error(
            fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
    }
    const toml::array* list = table["difference"].as_array();
    if (list == nullptr)
        return;
    for (const toml::node& node : *list) {
        const toml::table& row = *node.as_table();
        const auto complain = [&](std::string_view what, std::string_view key) {
            throw std::runtime_error(
                fmt::format("{}:{}: {} {}", file.string(), node.source().begin.line, what, key));
        };
        const auto text = [&](std::string_view key) {
            const auto value = row[key].value<std::string>();
            if (!value || value->empty())
                complain("a row without", key);
            return *value;
        };
        for (const auto& [key, value] : row)
            if (std::find(std::begin(keys), std::end(keys), key.str()) == std::end(keys))
                complain("no key", key.str());
        text("source");
        text("reason");
        Row read{text("id"),
                 text("device"),
                 texts(row, "features"),
                 texts(row, "without"),
                 texts(row, "fields"),
                 static_cast<uint32_t>(row["bits"].value_or(all_bits)),
                 static_cast<uint32_t>(row["by_at_most"].value_or(all_bits))};
        if (read.fields.empty())
            complain("a row without", "fields");
        rows_.push_back(std::move(read));
    }
}

bool KnownDifferences::explains(std::string_view device, const Difference& difference,
                                const Features& features) {
    uint32_t unexplained = difference.model ^ difference.emulator;
    const uint32_t distance =
        std::max(difference.model, difference.emulator) - std::min(difference.model, difference.emulator);
    for (Row& row : rows_) {
        const auto has = [&](const std::string& feature) { return has_one_of(features, feature); };
        const bool applies =
            row.device == device &&
            std::find(row.fields.begin(), row.fields.end(), difference.field) != row.fields.end() &&
            (unexplained & row.bits) != 0 && distance <= row.by_at_most &&
            std::all_of(row.features.begin(), row.features.end(), has) &&
            std::none_of(row.without.begin(), row.without.end(), has);
        if (!applies)
            continue;
        ++row.used;
        unexplained &= ~row.bits;
        if (unexplained == 0)
            return true;
    }
    return false;
}

std::string KnownDifferences::usage(std::string_view device) const {
    std::string text;
    for (const Row& row : rows_)
        if (row.device == device)
            text += fmt::format("  {:<44} {:>8}\n", row.id, row.used);
    return text;
}

} // namespace fixpoint::qtest
