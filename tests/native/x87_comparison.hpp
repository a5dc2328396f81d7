// The model's x87 and MMX against the host's own: the whole state and memory, with operands at every format's edges.
//
// A case runs between FRSTOR of a random state and FXSAVE with FNSTENV of the result, in both places, or ends with #MF. The
// segments are flat and all operands in one page: what else can happen to an x87 instruction is the other test's.
#pragma once

#include "tests/native/model_processor.hpp"
#include "tests/native/native_processor.hpp"
#include "tests/native/test_case.hpp"

#include <functional>
#include <optional>
#include <random>
#include <string>

namespace fixpoint::native {

enum class X87Kind : uint8_t {
    function,          // one transcendental function or FPREM of moderate operands
    masked,            // one instruction, no exception unmasked
    unmasked,          // one instruction, any unmasked
    sequence,          // twelve, no exception unmasked
    unmasked_sequence, // four, any unmasked: most end with #MF
};

struct X87Case {
    TestCase code;    // FRSTOR, the instructions, and what saves the result: a chunk each
    MemoryImage page; // of operands, with the initial state
    bool pointers_known = true;
};

class X87Round {
public:
    X87Round(X87Kind kind, uint64_t number);

    [[nodiscard]] X87Case make(uint64_t index) const;
    // What differs; nothing where the processors agree.
    [[nodiscard]] std::optional<std::string> difference(const X87Case& candidate);
    // With fewer instructions, then with simpler state.
    [[nodiscard]] X87Case shrink(X87Case failing);
    // For people; `test`: the name by which it runs again.
    [[nodiscard]] std::string report(uint64_t index, const std::string& test);

    [[nodiscard]] uint64_t instructions() const { return instructions_; }
    [[nodiscard]] uint64_t faults() const { return faults_; } // cases that ended with #MF

    // A planted defect: changes what the model is said to have done, and the page as it left it.
    using Plant = std::function<void(Outcome&, uint8_t*)>;
    void plant(Plant defect) { plant_ = std::move(defect); }

private:
    struct Open;
    [[nodiscard]] Open open_in(const X87Case& candidate) const;
    [[nodiscard]] std::string compare(const X87Case& candidate);

    X87Kind kind_;
    uint64_t number_;
    std::mt19937_64 random_;
    LocalTable table_;
    MemoryImage image_;
    NativeProcessor native_;
    ModelProcessor model_;
    Outcome expected_, got_;
    Plant plant_;
    uint64_t instructions_ = 0, faults_ = 0;
};

} // namespace fixpoint::native
