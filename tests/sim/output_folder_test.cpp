#include "sim/config/configuration_error.hpp"
#include "sim/run/output_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

namespace fs = std::filesystem;

class OutputFolderTest : public testing::Test {
protected:
    OutputFolderTest() { fs::create_directories(root_); }
    ~OutputFolderTest() override { fs::remove_all(root_); }

    void finish(const std::string& content) const {
        OutputFolder output(root_ / "deep" / "run", "summary.json", {"config.toml"});
        write_file(output.folder() / "summary.json", content);
        output.commit();
    }
    [[nodiscard]] std::string summary() const {
        std::ifstream file(root_ / "deep/run/summary.json");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] size_t entries(const fs::path& folder) const {
        return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
    }

    fs::path root_ = fs::temp_directory_path() / ("fixpoint_output_test_" + std::to_string(getpid()));
};

TEST_F(OutputFolderTest, AppearsOnlyWhenCommittedAndReplacesAFinishedResult) {
    finish("first");
    EXPECT_EQ(summary(), "first");
    finish("second");
    EXPECT_EQ(summary(), "second");
    EXPECT_EQ(entries(root_ / "deep"), 1u);
}

TEST_F(OutputFolderTest, LeavesTheOldResultIfNotCommitted) {
    finish("first");
    {
        OutputFolder output(root_ / "deep/run", "summary.json", {});
        write_file(output.folder() / "summary.json", "half");
    }
    EXPECT_EQ(summary(), "first");
    EXPECT_EQ(entries(root_ / "deep"), 1u);
}

TEST_F(OutputFolderTest, RefusesWhatIsNoResult) {
    std::ofstream(root_ / "thesis.tex") << "precious";
    EXPECT_THROW(OutputFolder(root_, "summary.json", {}), ConfigurationError);
    EXPECT_THROW(OutputFolder(root_ / "thesis.tex", "summary.json", {}), ConfigurationError);
    fs::create_directory(root_ / "half");
    std::ofstream(root_ / "half/config.toml") << "";
    EXPECT_THROW(OutputFolder(root_ / "half", "summary.json", {"config.toml"}), ConfigurationError);
    fs::create_directory(root_ / "empty");
    EXPECT_NO_THROW(OutputFolder(root_ / "empty", "summary.json", {}));
    EXPECT_NO_THROW(OutputFolder(root_ / "empty/", "summary.json", {}));
}

} // namespace
} // namespace fixpoint::sim
