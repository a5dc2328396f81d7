// Reading TOML into a tree of values. The only user of toml++.
#pragma once

#include "sim/config/value.hpp"

#include <filesystem>
#include <string>

namespace fixpoint::sim {

// Throws ConfigurationError if the file cannot be read, is no TOML or holds nothing. Places name it as
// `shown_name`.
[[nodiscard]] Value read_toml_file(const std::filesystem::path& path, const std::string& shown_name);
[[nodiscard]] Value parse_toml(std::string_view text, const std::string& shown_name);
// A value as written behind `--set KEY=`; what is no TOML is a string. Every place in it is `place`.
[[nodiscard]] Value parse_toml_value(const std::string& text, const Place& place);

} // namespace fixpoint::sim
