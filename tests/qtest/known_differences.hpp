// The committed table of differences between the models and QEMU where QEMU is simpler than the chip, or where the data
// sheet leaves it open (known_differences.toml, which says how its rows are read).
#pragma once

#include "tests/qtest/sequence.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::qtest {

// One thing that a step showed differently.
struct Difference {
    size_t step;
    std::string field; // "value", "rises" or "level"
    uint32_t model, emulator;
};

class KnownDifferences {
public:
    // Throws std::runtime_error that names file and row if something is missing or not known.
    explicit KnownDifferences(const std::filesystem::path& file);

    // Whether rows explain the difference, each perhaps some bits of it. Counts what each row has explained.
    [[nodiscard]] bool explains(std::string_view device, const Difference& difference,
                                const Features& features);
    [[nodiscard]] std::string usage(std::string_view device) const; // a line for each of its rows

private:
    struct Row {
        std::string id, device;
        std::vector<std::string> features, without, fields; // features: "a|b" is one of them
        uint32_t bits, by_at_most;
        uint64_t used = 0;
    };
    std::vector<Row> rows_;
};

} // namespace fixpoint::qtest
