// How much a campaign runs, from the environment (CONTRIBUTING.md).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace fixpoint::native {

inline uint64_t setting(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}
inline uint64_t instructions_wanted(uint64_t usual) {
    return setting("FIXPOINT_NATIVE_INSTRUCTIONS", usual);
}
inline uint64_t first_round() {
    return setting("FIXPOINT_NATIVE_SEED", 1);
}
inline uint64_t most_failures() {
    return setting("FIXPOINT_NATIVE_FAILURES", 1);
}

struct Replay {
    uint64_t round = 0, index = 0;
};
inline std::optional<Replay> replay() {
    const char* text = std::getenv("FIXPOINT_NATIVE_REPLAY"); // NOLINT(concurrency-mt-unsafe)
    if (text == nullptr)
        return std::nullopt;
    char* rest = nullptr;
    Replay chosen{std::strtoull(text, &rest, 10), 0};
    if (*rest == ':')
        chosen.index = std::strtoull(rest + 1, nullptr, 10);
    return chosen;
}

} // namespace fixpoint::native
