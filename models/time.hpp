// Modelled time. Devices count picoseconds since power-on of the simulator (not of the machine: a power cycle does not
// turn the clock back); the CPU counts cycles, and converts only where it meets the devices.
#pragma once

#include <cstdint>

namespace fixpoint::models {

using Picoseconds = uint64_t;

inline constexpr Picoseconds never = ~Picoseconds{0};
inline constexpr Picoseconds ps_per_ns = 1'000, ps_per_us = 1'000'000, ps_per_ms = 1'000'000'000;
inline constexpr Picoseconds ps_per_second = 1'000'000'000'000;

} // namespace fixpoint::models
