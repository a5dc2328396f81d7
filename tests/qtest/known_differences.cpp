#include "tests/qtest/known_differences.hpp"

#include "tests/support/difference_rows.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace fixpoint::qtest {

using tests::has_one_of, tests::parse_difference_table, tests::texts;

namespace {

constexpr int64_t all_bits = 0xFFFF'FFFF;

constexpr std::string_view keys[] = {"id",         "device", "features", "without", "fields", "bits",
                                     "by_at_most", "model",  "qemu",     "source",  "reason"};

std::vector<uint32_t> numbers(const toml::table& row, std::string_view key) {
    std::vector<uint32_t> found;
    if (const toml::array* array = row[key].as_array())
        for (const toml::node& one : *array)
            found.push_back(static_cast<uint32_t>(one.value_or(int64_t{0})));
    return found;
}

bool one_of(const std::vector<uint32_t>& values, uint32_t value) {
    return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
}

} // namespace

KnownDifferences::KnownDifferences(const std::filesystem::path& file) {
    const toml::table table = parse_difference_table(file);
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
                 static_cast<uint32_t>(row["by_at_most"].value_or(all_bits)),
                 numbers(row, "model"),
                 numbers(row, "qemu")};
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
        const auto has = [&](const std::string& feature) {
            return has_one_of(feature, [&](const std::string& name) { return features.contains(name); });
        };
        const bool applies =
            row.device == device &&
            std::find(row.fields.begin(), row.fields.end(), difference.field) != row.fields.end() &&
            (unexplained & row.bits) != 0 && distance <= row.by_at_most &&
            one_of(row.model, difference.model) && one_of(row.emulator, difference.emulator) &&
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
