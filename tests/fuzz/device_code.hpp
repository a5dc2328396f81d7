// Code that uses the PC's devices at random, for kernels out of control.
#pragma once

#include "tests/fuzz/random_scenario.hpp"

#include <cstdint>
#include <span>

namespace fixpoint::fuzz {

// 32-bit code over random instructions that lie there already; the first bytes become a Multiboot header that
// places all at 1 MiB. The linear address of the entry.
uint32_t add_device_code(std::span<uint8_t> code, Random& random);

} // namespace fixpoint::fuzz
