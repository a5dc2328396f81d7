// Simpler variants of a case.
#pragma once

#include "tests/differential/case.hpp"

#include <vector>

namespace differential {

// The boldest first: without half of its instructions, without one, without a patch, with plainer state.
std::vector<Case> simpler_cases(const Case& what);

} // namespace differential
