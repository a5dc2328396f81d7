// How the committed tables of known differences are read, whatever their rows say: TOML, lists of texts, and features of
// which one of several is enough.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace fixpoint::tests {

// Throws std::runtime_error that names file and line.
inline toml::table parse_difference_table(const std::filesystem::path& file) {
    try {
        return toml::parse_file(file.string());
    } catch (const toml::parse_error& error) {
        throw std::runtime_error(
            fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
    }
}

inline std::vector<std::string> texts(const toml::table& row, std::string_view key) {
    std::vector<std::string> found;
    if (const toml::array* array = row[key].as_array())
        for (const toml::node& one : *array)
            found.push_back(one.value_or(std::string{}));
    return found;
}

// `alternatives`: "a|b". `has(name)` says whether a feature is there.
template<class Has>
bool has_one_of(std::string_view alternatives, Has&& has) {
    while (true) {
        const size_t bar = alternatives.find('|');
        if (has(std::string{alternatives.substr(0, bar)}))
            return true;
        if (bar == std::string_view::npos)
            return false;
        alternatives.remove_prefix(bar + 1);
    }
}

} // namespace fixpoint::tests
