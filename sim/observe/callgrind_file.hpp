// A profile as a file in callgrind's format, for KCachegrind and callgrind_annotate.
//
// Source: Valgrind manual, "Callgrind Format Specification", version 1. Positions are the instruction's
// address and its source line; events are retired instructions and processor cycles.
#pragma once

#include "sim/observe/profile.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace fixpoint::sim {

struct ProfileFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class CallgrindFile {
public:
    // Creates the file beside its final place, so that a place that cannot be written is known before the run.
    // Throws ProfileFileError.
    explicit CallgrindFile(const std::filesystem::path& place);
    ~CallgrindFile();
    CallgrindFile(const CallgrindFile&) = delete;
    CallgrindFile& operator=(const CallgrindFile&) = delete;

    // Writes the profile, which has ended, and puts the file in place. Throws ProfileFileError.
    void write(const Profile& profile);

private:
    std::filesystem::path place_, unfinished_;
    std::ofstream stream_;
};

// The file's text.
[[nodiscard]] std::string to_callgrind(const Profile& profile);

} // namespace fixpoint::sim
