// An emulator as a child process on a pseudo-terminal of its own (Bochs draws its screen on one).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace differential {

// Runs until the child ends by itself, or kills it when `progress` has not grown for a while.
void run_watched(const std::vector<std::string>& command, const std::filesystem::path& progress);

} // namespace differential
