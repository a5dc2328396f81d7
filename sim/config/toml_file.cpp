#include "sim/config/toml_file.hpp"

#include "sim/config/configuration_error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <toml++/toml.h>

namespace fixpoint::sim {
namespace {

Place place_of(const toml::source_region& region, const std::string& shown_name) {
    return {shown_name, region.begin.line, region.begin.column};
}

template<class Date>
std::string written_date(const Date& date) {
    std::ostringstream out;
    out << date;
    return out.str();
}

Value convert(const toml::node& node, const std::string& shown_name) {
    Value value;
    switch (node.type()) {
    case toml::node_type::boolean:
        value = Value::make_boolean(node.as_boolean()->get());
        break;
    case toml::node_type::integer:
        value = Value::make_integer(node.as_integer()->get());
        break;
    case toml::node_type::floating_point:
        value = Value::make_real(node.as_floating_point()->get());
        break;
    case toml::node_type::string:
        value = Value::make_text(node.as_string()->get());
        break;
    case toml::node_type::date:
        value.text = written_date(node.as_date()->get());
        value.kind = Value::Kind::date;
        break;
    case toml::node_type::time:
        value.text = written_date(node.as_time()->get());
        value.kind = Value::Kind::date;
        break;
    case toml::node_type::date_time:
        value.text = written_date(node.as_date_time()->get());
        value.kind = Value::Kind::date;
        break;
    case toml::node_type::array:
        value = Value::make_array();
        for (const toml::node& element : *node.as_array())
            value.elements.push_back(convert(element, shown_name));
        break;
    default:
        value = Value::make_table();
        for (const auto& [key, member] : *node.as_table())
            value.members.push_back(
                {std::string(key.str()), place_of(key.source(), shown_name), convert(member, shown_name)});
        // toml++ sorts by name; people read a file in the order in which it was written.
        std::stable_sort(value.members.begin(), value.members.end(), [](const Member& a, const Member& b) {
            return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
        });
        break;
    }
    value.place = place_of(node.source(), shown_name);
    return value;
}

void move_to(Value& value, const Place& place) {
    value.place = place;
    for (Value& element : value.elements)
        move_to(element, place);
    for (Member& member : value.members) {
        member.place = place;
        move_to(member.value, place);
    }
}

} // namespace

Value parse_toml(std::string_view text, const std::string& shown_name) {
    try {
        const toml::table table = toml::parse(text, shown_name);
        Value value = convert(table, shown_name);
        value.place = {shown_name, 0, 0};
        return value;
    } catch (const toml::parse_error& error) {
        throw ConfigurationError(fmt::format("{}: expected valid TOML, found: {}",
                                             place_of(error.source(), shown_name).text(),
                                             error.description()));
    }
}

Value read_toml_file(const std::filesystem::path& path, const std::string& shown_name) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status))
        throw ConfigurationError(fmt::format("{}: expected a TOML file, found no such file", shown_name));
    if (std::filesystem::is_directory(status))
        throw ConfigurationError(fmt::format("{}: expected a TOML file, found a directory", shown_name));
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file.is_open() || file.bad())
        throw ConfigurationError(
            fmt::format("{}: expected a TOML file, found one that cannot be read", shown_name));
    Value value = parse_toml(text, shown_name);
    if (value.members.empty())
        throw ConfigurationError(
            fmt::format("{}:1:1: expected a configuration, found an empty file", shown_name));
    return value;
}

Value parse_toml_value(const std::string& text, const Place& place) {
    Value value;
    try {
        // A newline would smuggle in a second key.
        if (text.find('\n') != std::string::npos)
            throw ConfigurationError("two lines");
        value = std::move(parse_toml("value = " + text, place.source).members.at(0).value);
    } catch (const ConfigurationError&) {
        value = Value::make_text(text);
    }
    move_to(value, place);
    return value;
}

} // namespace fixpoint::sim
