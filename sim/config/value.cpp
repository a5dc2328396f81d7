#include "sim/config/value.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fixpoint::sim {

std::string Place::text() const {
    return line == 0 ? source : fmt::format("{}:{}:{}", source, line, column);
}

namespace {

Value of_kind(Value::Kind kind) {
    Value value;
    value.kind = kind;
    return value;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
                out += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
            else
                out += c;
        }
    }
    return out + '"';
}

bool is_bare_key(std::string_view key) {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

std::string written_key(std::string_view key) {
    return is_bare_key(key) ? std::string(key) : quoted(key);
}

// TOML needs a point or an exponent in a float; the shortest digits that read back as the same number.
std::string written_real(double value) {
    if (std::isnan(value))
        return "nan";
    if (std::isinf(value))
        return value < 0 ? "-inf" : "inf";
    std::string text = fmt::format("{}", value);
    if (text.find_first_of(".e") == std::string::npos)
        text += ".0";
    return text;
}

bool is_array_of_tables(const Value& value) {
    return value.kind == Value::Kind::array && !value.elements.empty() &&
           std::all_of(value.elements.begin(), value.elements.end(),
                       [](const Value& element) { return element.kind == Value::Kind::table; });
}

// TOML wants a table's plain values before its sub-tables.
void write_table(std::string& out, const Value& table, const std::string& path) {
    for (const Member& member : table.members)
        if (member.value.kind != Value::Kind::table && !is_array_of_tables(member.value))
            out += fmt::format("{} = {}\n", written_key(member.key), to_inline_toml(member.value));
    for (const Member& member : table.members) {
        const std::string name =
            path.empty() ? written_key(member.key) : path + '.' + written_key(member.key);
        if (member.value.kind == Value::Kind::table) {
            out += fmt::format("\n[{}]\n", name);
            write_table(out, member.value, name);
        } else if (is_array_of_tables(member.value)) {
            for (const Value& element : member.value.elements) {
                out += fmt::format("\n[[{}]]\n", name);
                write_table(out, element, name);
            }
        }
    }
}

} // namespace

Value Value::make_boolean(bool value) {
    Value result = of_kind(Kind::boolean);
    result.boolean = value;
    return result;
}
Value Value::make_integer(int64_t value) {
    Value result = of_kind(Kind::integer);
    result.integer = value;
    return result;
}
Value Value::make_real(double value) {
    Value result = of_kind(Kind::real);
    result.real = value;
    return result;
}
Value Value::make_text(std::string value) {
    Value result = of_kind(Kind::text);
    result.text = std::move(value);
    return result;
}
Value Value::make_array() {
    return of_kind(Kind::array);
}
Value Value::make_table() {
    return of_kind(Kind::table);
}

const Value* Value::find(std::string_view key) const {
    for (const Member& member : members)
        if (member.key == key)
            return &member.value;
    return nullptr;
}

Value* Value::find(std::string_view key) {
    for (Member& member : members)
        if (member.key == key)
            return &member.value;
    return nullptr;
}

Value& Value::set(std::string_view key, Value value) {
    if (Value* present = find(key))
        return *present = std::move(value);
    const Place key_place = value.place;
    members.push_back({std::string(key), key_place, std::move(value)});
    return members.back().value;
}

void Value::erase(std::string_view key) {
    members.erase(
        std::remove_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; }),
        members.end());
}

std::string to_inline_toml(const Value& value) {
    switch (value.kind) {
    case Value::Kind::boolean:
        return value.boolean ? "true" : "false";
    case Value::Kind::integer:
        return fmt::format("{}", value.integer);
    case Value::Kind::real:
        return written_real(value.real);
    case Value::Kind::text:
        return quoted(value.text);
    case Value::Kind::date:
        return value.text;
    case Value::Kind::array: {
        std::string out;
        for (const Value& element : value.elements)
            out.append(out.empty() ? "" : ", ").append(to_inline_toml(element));
        return '[' + out + ']';
    }
    case Value::Kind::table: {
        std::string out;
        for (const Member& member : value.members)
            out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", written_key(member.key),
                               to_inline_toml(member.value));
        return out.empty() ? "{}" : "{ " + out + " }";
    }
    }
    return {};
}

std::string to_toml(const Value& table) {
    std::string out;
    write_table(out, table, "");
    return out.starts_with('\n') ? out.substr(1) : out;
}

std::string describe(const Value& value) {
    if (value.kind == Value::Kind::table)
        return "a table";
    if (value.kind == Value::Kind::array)
        return value.elements.empty() ? "an empty array" : "an array";
    return to_inline_toml(value);
}

} // namespace fixpoint::sim
