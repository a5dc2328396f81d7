// A folder of a test's own, gone with everything in it at the end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace fixpoint::tests {

class TemporaryFolder {
public:
    // `purpose` begins the folder's name, so that messages with a path in it can be recognised.
    explicit TemporaryFolder(const std::string& purpose) {
        std::string name = (std::filesystem::temp_directory_path() / (purpose + "-XXXXXX")).string();
        if (mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("cannot make the folder " + name);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

} // namespace fixpoint::tests
