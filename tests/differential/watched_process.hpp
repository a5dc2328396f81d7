// An emulator as a child process on a pseudo-terminal of its own (Bochs draws its screen on one).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace differential {

// Runs until the child ends by itself, or kills it when `progress` has grown and then stays as it is for
// `patience_seconds` of the child's processor time. Returns the processor time that the child has used.
double run_watched(const std::vector<std::string>& command, const std::filesystem::path& progress,
                   double patience_seconds);

} // namespace differential
