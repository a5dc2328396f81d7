// Sums that are kept in registers from the first addition to the last: what a thread loses if its registers are not those
// that it had.
#pragma once

#include <cstdint>

namespace workloads {

// Adds up in all seven free registers, `count` times. The first addition of each round takes its one from the carry flag,
// which has to survive between two instructions. True if all sums are right.
bool registers_count_to(uint32_t count);

bool has_x87();
// The sum stays in a register of the x87.
uint32_t count_in_x87(uint32_t count);

} // namespace workloads
