// How much a campaign runs, from the environment (CONTRIBUTING.md).
#pragma once

#include "tests/campaigns/setting.hpp"

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace fixpoint::native {

inline uint64_t instructions_wanted(uint64_t usual) {
    return tests::setting("FIXPOINT_NATIVE_INSTRUCTIONS", usual);
}
inline uint64_t first_round() {
    return tests::setting("FIXPOINT_NATIVE_SEED", 1);
}
inline uint64_t most_failures() {
    return tests::setting("FIXPOINT_NATIVE_FAILURES", 1);
}

struct Replay {
    uint64_t round = 0, index = 0;
};
inline std::optional<Replay> replay() {
    const char* text = std::getenv("FIXPOINT_NATIVE_REPLAY");
    if (text == nullptr)
        return std::nullopt;
    char* rest = nullptr;
    Replay chosen{std::strtoull(text, &rest, 10), 0};
    if (*rest == ':')
        chosen.index = std::strtoull(rest + 1, nullptr, 10);
    return chosen;
}

} // namespace fixpoint::native
