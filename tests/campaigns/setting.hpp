// What a random test takes from its environment: seeds and numbers of cases, for longer campaigns and for replays.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace fixpoint::tests {

inline uint64_t setting(const char* name, uint64_t otherwise) {
    constexpr int any_base = 0;
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, any_base) : otherwise;
}

} // namespace fixpoint::tests
