// The committed table of differences between the model and an emulator where the emulator is wrong, or where the
// manual leaves the result open (known_differences.toml, which says how its rows are read).
#pragma once

#include "tests/differential/case.hpp"
#include "tests/differential/difference.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace differential {

class KnownDifferences {
public:
    // Throws std::runtime_error that names file and row if something is missing or not known.
    explicit KnownDifferences(const std::filesystem::path& file);

    // What `emulator` got, seen beside what the model got and another emulator got (null: there is none).
    struct Observation {
        const Case& what;
        const std::string& emulator;
        const Result& model;
        const Result& got;
        const Result* other;
    };
    // The differences that no row explains. Counts the rows that explained something.
    std::vector<Difference> unexplained(const Observation& seen);

    // Whether a row says that this case makes the emulator hang or crash: it is not run there.
    [[nodiscard]] bool hangs(const Case& what, const std::string& emulator) const;

    [[nodiscard]] std::string usage() const; // a line for each row: how many cases it explained

private:
    using Conditions =
        std::map<std::string, std::vector<uint32_t>>; // word of the outcome: one of these values
    struct Row {
        std::string id, emulator;
        std::vector<std::string> features, without; // "a|b": one of them
        std::vector<std::string> fields;            // "*": all
        std::vector<std::string> model_at, emulator_at;
        Conditions model, got;
        bool other_agrees, hangs;
        uint32_t bits; // only these bits of the fields differ
        uint64_t used = 0;
    };
    [[nodiscard]] static bool concerns(const Row& row, const Case& what, const std::string& emulator);
    [[nodiscard]] static bool applies(const Row& row, const Observation& seen);
    [[nodiscard]] static bool covers(const Row& row, const Difference& difference, const Observation& seen,
                                     const std::vector<Difference>& of_other);

    std::vector<Row> rows_;
};

} // namespace differential
