// A bounded number of random cases, each drawn from one seed, in a process of its own: whatever ends the
// process, the case that it was working on is reported with the command that replays it.
//
//   FIXPOINT_FUZZ_SEED   first seed (default 1)   FIXPOINT_FUZZ_CASES  seeds to try for each test (default:
// what the test says)
#pragma once

#include <cstdint>
#include <functional>

namespace fixpoint::fuzz {

// `body` uses GoogleTest's expectations; the first case that fails or dies ends the campaign.
void run_campaign(unsigned default_cases, const std::function<void(uint64_t seed)>& body);

} // namespace fixpoint::fuzz
