#include "sim/run/output_folder.hpp"

#include "sim/config/configuration_error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace fixpoint::sim {

namespace fs = std::filesystem;

namespace {

void check_place(const fs::path& place, std::string_view marker,
                 const std::vector<std::string_view>& others) {
    if (!fs::exists(place))
        return;
    if (!fs::is_directory(place))
        throw ConfigurationError(
            fmt::format("--out: expected a folder for the results, found the file {}", place.string()));
    bool has_marker = false;
    std::string foreign;
    for (const fs::directory_entry& entry : fs::directory_iterator(place)) {
        const std::string name = entry.path().filename().string();
        if (name == marker)
            has_marker = true;
        else if (std::find(others.begin(), others.end(), name) == others.end() &&
                 (foreign.empty() || name < foreign))
            foreign = name;
    }
    if (!foreign.empty())
        throw ConfigurationError(fmt::format(
            "--out: expected a new, empty or finished folder, found {} in {}", foreign, place.string()));
    if (!has_marker && !fs::is_empty(place))
        throw ConfigurationError(fmt::format(
            "--out: expected a new, empty or finished folder, found {} without {}", place.string(), marker));
}

} // namespace

OutputFolder::OutputFolder(const fs::path& place, std::string_view marker,
                           const std::vector<std::string_view>& others)
    : place_(fs::absolute(place).lexically_normal()) {
    if (!place_.has_filename())
        place_ = place_.parent_path(); // "folder/" means "folder"
    check_place(place_, marker, others);
    std::error_code error;
    fs::create_directories(place_.parent_path(), error);
    temporary_ =
        place_.parent_path() / fmt::format(".{}.{}.unfinished", place_.filename().string(), getpid());
    if (!error)
        fs::create_directory(temporary_, error);
    if (error)
        throw ConfigurationError(fmt::format("--out: expected a folder that can be written, found {}: {}",
                                             place_.string(), error.message()));
}

OutputFolder::~OutputFolder() {
    std::error_code ignored; // nothing can be done about it here
    fs::remove_all(temporary_, ignored);
}

void OutputFolder::commit() {
    // Exchanged in one step: there is always a whole result at the place. The destructor removes the old one.
    if (fs::exists(place_)) {
        if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, place_.c_str(), RENAME_EXCHANGE) == 0)
            return;
        fs::remove_all(place_); // a file system that cannot exchange
    }
    fs::rename(temporary_, place_);
}

void write_file(const fs::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file)
        throw std::runtime_error(fmt::format("{}: cannot be written", path.string()));
}

} // namespace fixpoint::sim
