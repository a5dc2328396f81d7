// Where files are found: beside the file that names them, then in the project's folders, which lie relative
// to the program: build/<preset>/fixpoint in a checkout, bin/fixpoint in an installation.
#pragma once

#include "sim/config/value.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace fixpoint::sim {

[[nodiscard]] std::filesystem::path program_folder();
// The project's configs/: `../../configs` of a build, `../share/fixpoint/configs` of an installation. Empty:
// neither is there.
[[nodiscard]] std::filesystem::path configs_folder();
// The guest's image: image/ beside the program, or ../share/fixpoint/image.
[[nodiscard]] std::filesystem::path image_folder();
// Scripts and libraries of the report: report/ beside the program, or ../share/fixpoint/report.
[[nodiscard]] std::filesystem::path report_folder();

// The file that `named.text` means. Throws ConfigurationError, with the nearest file there is, under the name
// `key`.
[[nodiscard]] std::filesystem::path find_file(const Value& named, const std::string& key);
// A file named on the command line: as it stands, else in configs/ (with or without ".toml").
[[nodiscard]] std::filesystem::path find_configuration(const std::string& name);

} // namespace fixpoint::sim
