#include "sim/config/search_path.hpp"

#include "sim/config/configuration_error.hpp"
#include "sim/config/section.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace fixpoint::sim {

namespace fs = std::filesystem;

namespace {

fs::path first_folder(std::initializer_list<fs::path> candidates) {
    std::error_code error;
    for (const fs::path& candidate : candidates)
        if (fs::is_directory(candidate, error))
            return fs::weakly_canonical(candidate, error);
    return {};
}

// All files of configs/, by their names relative to it.
std::vector<std::string> project_files() {
    std::vector<std::string> names;
    const fs::path root = configs_folder();
    std::error_code error;
    if (!root.empty())
        for (fs::recursive_directory_iterator entry(root, error), end; entry != end; entry.increment(error))
            if (entry->is_regular_file(error))
                names.push_back(fs::relative(entry->path(), root, error).generic_string());
    std::sort(names.begin(), names.end());
    return names;
}

bool is_file(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

} // namespace

fs::path program_folder() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    return program.parent_path();
}

fs::path configs_folder() {
    const fs::path here = program_folder();
    return first_folder({here / "../../configs", here / "../share/fixpoint/configs", here / "configs"});
}

fs::path image_folder() {
    const fs::path here = program_folder();
    return first_folder({here / "image", here / "../share/fixpoint/image"});
}

fs::path report_folder() {
    const fs::path here = program_folder();
    return first_folder({here / "report", here / "../share/fixpoint/report"});
}

fs::path find_file(const Value& named, const std::string& key) {
    const fs::path path = named.text;
    if (named.kind != Value::Kind::text || named.text.empty())
        throw ConfigurationError(fmt::format("{}: {}: expected the name of a file, found {}",
                                             named.place.text(), key, describe(named)));
    const fs::path beside =
        named.place.source == "--set" ? fs::path() : fs::path(named.place.source).parent_path();
    if (is_file(beside / path))
        return beside / path;
    const fs::path configs = configs_folder();
    if (path.is_relative() && !configs.empty() && is_file(configs / path))
        return configs / path;
    const std::string where =
        path.is_absolute() ? ""
                           : fmt::format(" in {}{}", beside.empty() ? "the current folder" : beside.string(),
                                         configs.empty() ? "" : " nor among the project's configs");
    throw ConfigurationError(fmt::format("{}: {}: expected a file, found no {}{}{}", named.place.text(), key,
                                         describe(named), where, suggestion(named.text, project_files())));
}

fs::path find_configuration(const std::string& name) {
    if (fs::exists(name))
        return name;
    const fs::path configs = configs_folder();
    if (!configs.empty() && !name.empty() && fs::path(name).is_relative())
        for (const std::string& candidate : {name, name + ".toml"})
            if (is_file(configs / candidate))
                return configs / candidate;
    std::string shortened = name;
    if (shortened.starts_with("configs/"))
        shortened.erase(0, std::string_view("configs/").size());
    throw ConfigurationError(fmt::format("{}: expected a configuration file, found no such file{}", name,
                                         suggestion(shortened, project_files())));
}

} // namespace fixpoint::sim
