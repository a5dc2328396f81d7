#include "sim/config/section.hpp"

#include "sim/config/configuration_error.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace fixpoint::sim {
namespace {

std::string range_text(int64_t minimum, int64_t maximum) {
    if (maximum == std::numeric_limits<int64_t>::max())
        return fmt::format("of at least {}", minimum);
    return fmt::format("from {} to {}", minimum, maximum);
}

std::string range_text(double minimum, double maximum) {
    if (maximum == std::numeric_limits<double>::max())
        return fmt::format("of at least {}", minimum);
    return fmt::format("from {} to {}", minimum, maximum);
}

} // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
        }
    }
    return row[b.size()];
}

std::string suggestion(std::string_view wrong, const std::vector<std::string>& valid) {
    const std::string* best = nullptr;
    size_t best_distance = 0;
    for (const std::string& candidate : valid) {
        // `interval` for `interval_ms` is nearer to what was meant than any three-letter key.
        const bool one_begins_the_other =
            wrong.size() >= 3 && (candidate.starts_with(wrong) || wrong.starts_with(candidate));
        const size_t distance = one_begins_the_other ? 1 : edit_distance(wrong, candidate);
        if (!best || distance < best_distance) {
            best = &candidate;
            best_distance = distance;
        }
    }
    if (!best || best_distance > std::max<size_t>(2, wrong.size() / 2))
        return {};
    return fmt::format("; did you mean {}?", *best);
}

std::string Section::full_key(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void Section::fail(std::string_view key, std::string_view expected, std::string_view found,
                   std::string_view hint) const {
    const Value* value = table_.find(key);
    throw ConfigurationError(fmt::format("{}: {}: expected {}, found {}{}",
                                         (value ? value->place : table_.place).text(), full_key(key),
                                         expected, found, hint));
}

Value* Section::required(std::string_view key, std::string_view expected, bool has_default) {
    declared_.emplace_back(key);
    Value* value = table_.find(key);
    if (!value && !has_default) {
        // A misspelt required key is better reported as such.
        std::string hint;
        for (const Member& member : table_.members)
            if (edit_distance(member.key, key) <= 2 &&
                std::find(declared_.begin(), declared_.end(), member.key) == declared_.end())
                hint = fmt::format(", found the unknown key {} at {}; did you mean {}?", full_key(member.key),
                                   member.place.text(), full_key(key));
        throw ConfigurationError(fmt::format("{}: {}: expected {}{}", table_.place.text(), full_key(key),
                                             expected, hint.empty() ? ", found nothing" : hint));
    }
    return value;
}

int64_t Section::integer(std::string_view key, const IntegerKey& schema) {
    const std::string expected =
        fmt::format("{} (an integer {}{})", schema.meaning, range_text(schema.minimum, schema.maximum),
                    schema.power_of_two ? ", a power of two" : "");
    const Value* value = required(key, expected, schema.otherwise.has_value());
    if (!value)
        return table_.set(key, Value::make_integer(*schema.otherwise)).integer;
    if (value->kind != Value::Kind::integer || value->integer < schema.minimum ||
        value->integer > schema.maximum ||
        (schema.power_of_two && !std::has_single_bit(static_cast<uint64_t>(value->integer))))
        fail(key, expected, describe(*value));
    return value->integer;
}

double Section::real(std::string_view key, const RealKey& schema) {
    const std::string expected =
        fmt::format("{} (a number {})", schema.meaning, range_text(schema.minimum, schema.maximum));
    const Value* value = required(key, expected, schema.otherwise.has_value());
    if (!value)
        return table_.set(key, Value::make_real(*schema.otherwise)).real;
    if (!value->is_number() || !(value->as_real() >= schema.minimum && value->as_real() <= schema.maximum))
        fail(key, expected, describe(*value));
    return value->as_real();
}

std::string Section::text(std::string_view key, const TextKey& schema) {
    const std::string expected = fmt::format("{} (a string)", schema.meaning);
    const Value* value = required(key, expected, schema.otherwise.has_value());
    if (!value)
        return table_.set(key, Value::make_text(std::string(*schema.otherwise))).text;
    if (value->kind != Value::Kind::text || (value->text.empty() && !schema.may_be_empty))
        fail(key, expected, describe(*value));
    return value->text;
}

bool Section::boolean(std::string_view key, const BooleanKey& schema) {
    const std::string expected = fmt::format("{} (true or false)", schema.meaning);
    const Value* value = required(key, expected, schema.otherwise.has_value());
    if (!value)
        return table_.set(key, Value::make_boolean(*schema.otherwise)).boolean;
    if (value->kind != Value::Kind::boolean)
        fail(key, expected, describe(*value));
    return value->boolean;
}

size_t Section::choice(std::string_view key, std::string_view meaning,
                       const std::vector<std::string_view>& choices, std::optional<size_t> otherwise) {
    std::string list;
    std::vector<std::string> valid;
    for (const std::string_view name : choices) {
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", name);
        valid.push_back(fmt::format("\"{}\"", name));
    }
    const std::string expected = fmt::format("{} ({}{})", meaning, choices.size() > 1 ? "one of " : "", list);
    const Value* value = required(key, expected, otherwise.has_value());
    if (!value) {
        table_.set(key, Value::make_text(std::string(choices.at(*otherwise))));
        return *otherwise;
    }
    if (value->kind == Value::Kind::text) {
        const auto found = std::find(choices.begin(), choices.end(), value->text);
        if (found != choices.end())
            return static_cast<size_t>(found - choices.begin());
    }
    fail(key, expected, describe(*value), choices.size() > 1 ? suggestion(describe(*value), valid) : "");
}

Section Section::section(std::string_view key, std::string_view meaning, bool is_required) {
    const std::string expected = fmt::format("{} (a table)", meaning);
    Value* value = required(key, expected, !is_required);
    if (!value) {
        Value empty = Value::make_table();
        empty.place = table_.place;
        value = &table_.set(key, std::move(empty));
    }
    if (value->kind != Value::Kind::table)
        fail(key, expected, describe(*value));
    return Section(*value, full_key(key));
}

size_t Section::sections(std::string_view key, std::string_view meaning,
                         const std::function<void(Section&)>& read) {
    declared_.emplace_back(key);
    Value* value = table_.find(key);
    if (!value)
        return 0;
    const std::string expected = fmt::format("{} (an array of tables)", meaning);
    if (value->kind != Value::Kind::array)
        fail(key, expected, describe(*value), fmt::format("; did you mean [[{}]]?", full_key(key)));
    for (size_t i = 0; i < value->elements.size(); ++i) {
        Value& element = value->elements[i];
        if (element.kind != Value::Kind::table)
            throw ConfigurationError(fmt::format("{}: {}[{}]: expected a table, found {}",
                                                 element.place.text(), full_key(key), i, describe(element)));
        Section section(element, fmt::format("{}[{}]", full_key(key), i));
        read(section);
        section.finish();
    }
    return value->elements.size();
}

Value* Section::any(std::string_view key) {
    declared_.emplace_back(key);
    return table_.find(key);
}

void Section::finish() const {
    for (const Member& member : table_.members) {
        if (std::find(declared_.begin(), declared_.end(), member.key) != declared_.end())
            continue;
        std::vector<std::string> valid;
        for (const std::string& key : declared_)
            valid.push_back(key);
        std::string hint = suggestion(member.key, valid);
        std::string list;
        for (const std::string& key : declared_)
            list.append(list.empty() ? "" : ", ").append(key);
        throw ConfigurationError(fmt::format(
            "{}: {}: expected a key of {} ({}), found an unknown key{}", member.place.text(),
            full_key(member.key), path_.empty() ? "the document" : fmt::format("[{}]", path_), list, hint));
    }
}

} // namespace fixpoint::sim
