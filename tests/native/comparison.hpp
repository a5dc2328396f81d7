// Runs cases on both processors, tells how they differ, and cuts a difference down to its shortest form.
#pragma once

#include "tests/native/allowance.hpp"
#include "tests/native/instruction_generator.hpp"
#include "tests/native/model_processor.hpp"
#include "tests/native/native_processor.hpp"

#include <functional>
#include <optional>
#include <string>

namespace fixpoint::native {

// Cases that share descriptors and the initial content of memory; all follows from the round's number.
class Round {
public:
    explicit Round(uint64_t number);

    [[nodiscard]] TestCase make(uint64_t index) const;
    // What differs; nothing where the processors agree.
    [[nodiscard]] std::optional<std::string> difference(const TestCase& candidate);
    // The smallest case that still differs: without instructions, then with simpler state.
    [[nodiscard]] TestCase shrink(TestCase failing);
    // A report for people: the shrunk case, the difference, how to run it again.
    [[nodiscard]] std::string report(uint64_t index);

    [[nodiscard]] const LocalTable& table() const { return table_; }
    [[nodiscard]] uint64_t instructions() const { return model_.instructions(); }
    // Differences that the manual allows.
    [[nodiscard]] uint64_t choices() const { return choices_; }
    // How many cases ended with each vector.
    [[nodiscard]] const std::array<uint64_t, 32>& endings() const { return endings_; }

    // A planted defect: changes what the model is said to have done, and its memory image.
    using Plant = std::function<void(const TestCase&, Outcome&, uint8_t*)>;
    void plant(Plant defect) { plant_ = std::move(defect); }

private:
    [[nodiscard]] std::string compare(const TestCase& candidate, const char* when, const Registers& expected,
                                      const Registers& got, uint32_t open_flags) const;

    bool settle(const Allowance& open, const Registers& expected, Registers& got);

    uint64_t number_;
    std::mt19937_64 random_;
    LocalTable table_;
    MemoryImage image_;
    NativeProcessor native_;
    ModelProcessor model_;
    Plant plant_;
    std::array<uint64_t, 32> endings_{};
    uint64_t choices_ = 0;
};

} // namespace fixpoint::native
