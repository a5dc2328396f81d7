#include "sim/config/override.hpp"

#include "sim/config/configuration_error.hpp"
#include "sim/config/search_path.hpp"
#include "sim/config/toml_file.hpp"

#include <charconv>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

struct Step {
    std::string key;
    bool indexed = false;
    size_t index = 0;
};

[[noreturn]] void bad_key(const Override& assignment, std::string_view found) {
    throw ConfigurationError(
        fmt::format("{}: {}: expected a key as pager.interval_ms or workload[0].accounts, found {}",
                    assignment.value.place.text(), assignment.key, found));
}

std::vector<Step> split(const Override& assignment) {
    std::vector<Step> steps;
    std::string_view rest = assignment.key;
    while (true) {
        const size_t end = rest.find_first_of(".[");
        Step step{std::string(rest.substr(0, end)), false, 0};
        if (step.key.empty())
            bad_key(assignment, "an empty part");
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
        if (rest.starts_with('[')) {
            const size_t close = rest.find(']');
            const char* first = rest.data() + 1;
            const char* last = rest.data() + (close == std::string_view::npos ? rest.size() : close);
            const auto [stop, error] = std::from_chars(first, last, step.index);
            if (close == std::string_view::npos || error != std::errc{} || stop != last)
                bad_key(assignment, fmt::format("no index in \"{}\"", rest));
            step.indexed = true;
            rest.remove_prefix(close + 1);
        }
        steps.push_back(std::move(step));
        if (rest.empty())
            return steps;
        if (!rest.starts_with('.'))
            bad_key(assignment, fmt::format("\"{}\"", rest));
        rest.remove_prefix(1);
    }
}

Value placed(Value value, const Place& place) {
    value.place = place;
    return value;
}

} // namespace

void include_file(Value& value, const std::string& key) {
    const std::filesystem::path path = find_file(value, key);
    value = read_toml_file(path, path.string());
}

Override parse_override(const std::string& key_and_value) {
    const size_t equals = key_and_value.find('=');
    const Place place{"--set", 0, 0};
    if (equals == std::string::npos || equals == 0)
        throw ConfigurationError(fmt::format("--set: expected KEY=VALUE, found \"{}\"", key_and_value));
    return {key_and_value.substr(0, equals), parse_toml_value(key_and_value.substr(equals + 1), place)};
}

void apply_override(Value& document, const Override& assignment) {
    const Place& place = assignment.value.place;
    Value* table = &document;
    std::string path;
    const std::vector<Step> steps = split(assignment);
    for (size_t i = 0; i < steps.size(); ++i) {
        const Step& step = steps[i];
        const bool is_last = i + 1 == steps.size();
        if (table->kind == Value::Kind::text)
            include_file(*table, path);
        if (table->kind != Value::Kind::table)
            bad_key(assignment, fmt::format("{} at {}", describe(*table), path));
        path.append(path.empty() ? "" : ".").append(step.key);
        Value* next = table->find(step.key);
        if (step.indexed) {
            if (!next)
                next = &table->set(step.key, placed(Value::make_array(), place));
            if (next->kind != Value::Kind::array || step.index > next->elements.size())
                bad_key(assignment, next->kind != Value::Kind::array
                                        ? fmt::format("{} at {}, no array", describe(*next), path)
                                        : fmt::format("an index beyond the {} elements of {}",
                                                      next->elements.size(), path));
            if (step.index == next->elements.size())
                next->elements.push_back(placed(Value::make_table(), place));
            next = &next->elements[step.index];
        } else if (!next) {
            next = &table->set(step.key, placed(Value::make_table(), place));
        }
        if (is_last)
            *next = assignment.value;
        table = next;
    }
}

} // namespace fixpoint::sim
