#include "tests/differential/shrink_steps.hpp"

#include <cstring>

namespace differential {
namespace {

constexpr size_t words = sizeof(CaseRecord) / 4;
// general[0] of CaseRecord: registers are tried with 0 as well.
constexpr size_t first_general = 2, end_general = first_general + 8;

Case with_word(const Case& what, size_t index, uint32_t value) {
    Case simpler = what;
    std::memcpy(reinterpret_cast<uint8_t*>(&simpler.state) + index * 4, &value, 4);
    return simpler;
}

} // namespace

std::vector<Case> simpler_cases(const Case& what) {
    std::vector<Case> found;
    for (size_t size = what.code.size() / 2; size > 0; size /= 2)
        for (size_t begin = 0; begin + size <= what.code.size(); begin += size) {
            Case simpler = what;
            const auto at = simpler.code.begin() + static_cast<std::ptrdiff_t>(begin);
            simpler.code.erase(at, at + static_cast<std::ptrdiff_t>(size));
            found.push_back(std::move(simpler));
        }
    for (size_t i = 0; i < what.patches.size(); ++i) {
        Case simpler = what;
        simpler.patches.erase(simpler.patches.begin() + static_cast<std::ptrdiff_t>(i));
        found.push_back(std::move(simpler));
    }
    uint32_t now[words], plain[words];
    std::memcpy(now, &what.state, sizeof now);
    std::memcpy(plain, &what.plain, sizeof plain);
    for (size_t i = 0; i < words; ++i) {
        const bool register_word = i >= first_general && i < end_general && i != first_general + 4; // not ESP
        if (now[i] != plain[i] && !(register_word && now[i] == 0))
            found.push_back(with_word(what, i, plain[i]));
        if (register_word && now[i] != 0)
            found.push_back(with_word(what, i, 0));
    }
    return found;
}

} // namespace differential
