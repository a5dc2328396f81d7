// The folder that results are written to: made beside its place and moved there when it is complete, so that
// there is never half a result under the name that the user gave.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::sim {

class OutputFolder {
public:
    // `marker` is the file by which a finished result is recognised, `others` what else it may hold.
    // Throws ConfigurationError if `place` holds anything else.
    OutputFolder(const std::filesystem::path& place, std::string_view marker,
                 const std::vector<std::string_view>& others);
    ~OutputFolder(); // what was not committed is removed
    OutputFolder(const OutputFolder&) = delete;
    OutputFolder& operator=(const OutputFolder&) = delete;

    // Where to write until commit().
    [[nodiscard]] const std::filesystem::path& folder() const { return temporary_; }
    [[nodiscard]] const std::filesystem::path& place() const { return place_; }

    // Replaces what is at the place.
    void commit();

private:
    std::filesystem::path place_, temporary_;
};

// Throws std::runtime_error naming the file.
void write_file(const std::filesystem::path& path, std::string_view text);

} // namespace fixpoint::sim
