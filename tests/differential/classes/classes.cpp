#include "tests/differential/classes/classes.hpp"

#include <array>
#include <stdexcept>

namespace differential {
namespace {

constexpr std::array all_classes{
    CaseClass{"segment_loads", segment_loads},
    CaseClass{"far_transfers", far_transfers},
    CaseClass{"interrupts", interrupts},
    CaseClass{"interrupt_returns", interrupt_returns},
    CaseClass{"system_instructions", system_instructions},
    CaseClass{"paging", paging},
    CaseClass{"strings", strings},
    CaseClass{"stacks", stacks},
    CaseClass{"tasks", tasks},
    CaseClass{"debug", debug},
    CaseClass{"sensitive", sensitive},
    CaseClass{"fast_calls", fast_calls},
    CaseClass{"alignment", alignment},
    CaseClass{"encodings", encodings},
};

} // namespace

std::span<const CaseClass> case_classes() {
    return all_classes;
}

Case generate_case(uint64_t seed, uint64_t number, const std::string& only) {
    Builder builder{seed, number};
    const CaseClass* chosen = &all_classes[number % all_classes.size()];
    if (!only.empty()) {
        chosen = nullptr;
        for (const CaseClass& one : all_classes)
            if (only == one.name)
                chosen = &one;
        if (chosen == nullptr)
            throw std::invalid_argument("no class " + only);
    }
    builder.feature(std::string{"class:"} + chosen->name);
    chosen->generate(builder);
    return builder.result;
}

} // namespace differential
