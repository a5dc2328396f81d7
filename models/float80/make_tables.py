#!/usr/bin/env python3
"""Writes tables.hpp: the constants and tables of the transcendental functions, as 128- and 256-bit integers.

Needed only to change them (Debian package python3-mpmath), in this folder:
    ./make_tables.py | clang-format --assume-filename=tables.hpp > tables.hpp
"""
from mpmath import mp, mpf, floor, pi, log, atan

mp.prec = 600


def limbs(value, count):
    return [(value >> 64 * i) & (2**64 - 1) for i in range(count)]


def wide_integer(value):
    low, high = limbs(value, 2)
    return f"join(0x{high:016x}, 0x{low:016x})"


def fixed(value, fraction_bits):
    return wide_integer(int(floor(mpf(value) * mpf(2) ** fraction_bits + mpf(1) / 2)))


def wide(value):
    """A positive number as exponent and 128-bit significand, truncated."""
    exponent = int(floor(log(value, 2)))
    return f"{{false, {exponent}, {wide_integer(int(floor(value * mpf(2) ** (127 - exponent))))}}}"


def table(comment, declaration, entries):
    print(f"\n// {comment}\ninline constexpr {declaration} = {{")
    for entry in entries:
        print(f"    {entry},")
    print("};")


print("""// Written by make_tables.py, which see for how to change it.
#pragma once

#include "models/float80/wide.hpp"

namespace fixpoint::models::float80 {

// Constants, truncated to 128 bits.""")
for name, value in [
    ("pi", pi),
    ("half_pi", pi / 2),
    ("ln_2", log(2)),
    ("log2_e", 1 / log(2)),
    ("twice_log2_e", 2 / log(2)),
    ("log2_10", log(10, 2)),
    ("log10_2", log(2, 10)),
]:
    print(f"inline constexpr Wide {name}{wide(+value)};")

two_over_pi = limbs(int(floor(2 / pi * mpf(2) ** 256)), 4)
print("\n// 2/pi * 2^256, truncated, the least significant limb first.")
print("inline constexpr uint64_t two_over_pi[4] = {" + ", ".join(f"0x{limb:016x}" for limb in two_over_pi) + "};")

print("\ninline constexpr int powers_per_unit = 32;")
table(
    "2^(i/32) * 2^126, i from -32 to 32.",
    "Wide128 power_of_two[2 * powers_per_unit + 1]",
    [fixed(mpf(2) ** (mpf(i) / 32), 126) for i in range(-32, 33)],
)
first, last = 45, 91  # 64 * sqrt(1/2) to 64 * sqrt(2), rounded
print("\ninline constexpr int logarithms_per_unit = 64;")
print(f"inline constexpr int first_logarithm = {first};")
table(
    f"|log2(i/64)| * 2^128, i from {first} to {last}; negative below 64.",
    f"Wide128 log2_magnitude[{last - first + 1}]",
    [fixed(abs(log(mpf(i) / 64, 2)), 128) for i in range(first, last + 1)],
)
print("\ninline constexpr int arctangents_per_unit = 64;")
table(
    "atan(i/64) * 2^128, i from 0 to 64.",
    "Wide128 arctangent_of[arctangents_per_unit + 1]",
    [fixed(atan(mpf(i) / 64), 128) for i in range(65)],
)
print("\n} // namespace fixpoint::models::float80")
