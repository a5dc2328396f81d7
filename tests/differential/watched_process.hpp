// An emulator as a child process on a pseudo-terminal of its own (Bochs draws its screen on one).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace differential {

struct Watched {
    double seconds;   // of processor time
    bool ended;       // by itself, if only by crashing: not killed here
    std::string last; // what it wrote on its terminal last, at most 4 KB
};

// Runs until the child ends by itself, or kills it when `progress` has grown and then stays as it is for
// `patience_seconds` of the child's processor time.
Watched run_watched(const std::vector<std::string>& command, const std::filesystem::path& progress,
                    double patience_seconds);

} // namespace differential
