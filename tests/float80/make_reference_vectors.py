#!/usr/bin/env python3
"""Writes reference_vectors.inc: arguments of the transcendental functions and their true values to 128 bits.

Needed only to change the vectors (Debian package python3-mpmath):
    ./make_reference_vectors.py [SEED [COUNT_PER_FUNCTION]] > reference_vectors.inc

A row: function, first operand, second operand (significand, sign and exponent; ST(1) and ST(0) of the two-operand
instructions), and the value: negative, exponent, the upper and lower half of its significand, truncated, bit 127 set.
"""
import random
import sys
from mpmath import mp, mpf, floor, ldexp, frexp

mp.prec = 400
BIAS = 16383
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1999
count = int(sys.argv[2]) if len(sys.argv) > 2 else 350
rng = random.Random(seed)


class Operand:
    def __init__(self, significand, exponent, negative=False):
        """significand / 2^63 * 2^exponent; denormalized when the exponent is below -16382."""
        field = exponent + BIAS
        if field < 1:
            significand >>= 1 - field
            field = 0
        self.significand, self.field, self.negative = significand, field, negative

    def value(self):
        magnitude = ldexp(mpf(self.significand), max(self.field, 1) - BIAS - 63)
        return -magnitude if self.negative else magnitude

    def __str__(self):
        return f"{{0x{self.significand:016x}, 0x{self.field | (0x8000 if self.negative else 0):04x}}}"


NONE = Operand(0, -BIAS)


def nearest(value):
    """The double-extended number at or below a positive value."""
    mantissa, exponent = frexp(mpf(value))
    return Operand(int(floor(ldexp(mantissa, 64))), exponent - 1)


def beside(value, ulps=2):
    operand = nearest(value)
    significand = operand.significand + rng.randint(-ulps, ulps)
    if not 2**63 <= significand < 2**64:
        significand = operand.significand
    return Operand(significand, operand.field - BIAS)


def significand():
    kind = rng.randrange(6)
    if kind == 0:
        return 2**63
    if kind == 1:
        return 2**64 - 1
    if kind == 2:
        return 2**63 | 1 << rng.randrange(63)
    return 2**63 | rng.getrandbits(63)


def number(low, high):
    return Operand(significand(), rng.randint(low, high), rng.random() < 0.5)


def signed(operand):
    operand.negative = rng.random() < 0.5
    return operand


def near_multiples_of_half_pi():
    """For every binary exponent, the significands whose numbers come closest to a multiple of pi/2: denominators of
    the convergents of the continued fraction of 2^exponent / (pi/2)."""
    result = []
    for exponent in range(0, 63):
        rest = ldexp(2 / mp.pi, exponent - 63)
        p0, q0, p1, q1 = 0, 1, 1, 0
        best = None
        while True:
            digit = int(floor(rest))
            p0, q0, p1, q1 = p1, q1, digit * p1 + p0, digit * q1 + q0
            if q1 >= 2**64:
                break
            if p1 > 0:
                best = q1
            rest = 1 / (rest - digit)
        if best is None:
            continue
        factor = max(1, (2**64 - 1) // best)
        result.append(Operand(best * factor, exponent) if best * factor >= 2**63 else Operand(2**63, exponent))
    return result


def angles():
    for operand in near_multiples_of_half_pi():
        yield signed(operand)
    for multiple in range(1, 60):
        yield signed(beside(mp.pi * multiple / 4, 1))
    for _ in range(count):
        yield number(*rng.choice([(-3, 3), (-3, 3), (-70, 0), (0, 62), (-16445, -60)]))


def exponents():
    for i in range(1, 32):
        yield signed(beside(mpf(i) / 32, 1))
        yield signed(beside(mpf(2 * i + 1) / 64, 1))
    for _ in range(count):
        yield number(*rng.choice([(-7, -1), (-7, -1), (-70, -1), (-16445, -60)]))


def logarithm_operands():
    for i in range(45, 92):
        yield number(-3, 3), beside(mpf(i) / 64, 1)
        yield number(-3, 3), beside(mpf(2 * i + 1) / 128, 1)
    for ulps in range(1, 40):
        yield number(-3, 3), Operand(2**63 + ulps, 0)
        yield number(-3, 3), Operand(2**64 - ulps, -1)
    for _ in range(count):
        x = number(*rng.choice([(-2, 1), (-2, 1), (-16445, 16383), (-70, 70)]))
        x.negative = False
        y = number(*rng.choice([(-5, 5), (-16445, 16360), (-16400, -16370)]))
        if x.value() != 1:
            yield y, x


def logarithm_plus_1_operands():
    limit = 1 - mp.sqrt(mpf(1) / 2)
    for i in range(1, 20):
        yield number(-3, 3), signed(beside(mpf(i) / 64, 1))
        yield number(-3, 3), signed(beside(mpf(2 * i + 1) / 128, 1) if 2 * i + 1 < 37 else beside(limit, 0))
    for _ in range(count):
        x = number(*rng.choice([(-4, -2), (-10, -6), (-70, -3), (-16445, -60)]))
        y = number(*rng.choice([(-5, 5), (-16445, 16383)]))
        if abs(x.value()) <= limit:
            yield y, x


def points():
    for i in range(1, 65):
        x = number(-2, 2)
        yield signed(beside(abs(x.value()) * i / 64, 1)), x
        yield signed(beside(abs(x.value()) * (2 * i + 1) / 128, 1)), x
        y = number(-2, 2)
        yield y, signed(beside(abs(y.value()) * i / 64, 1))
    for _ in range(count):
        low, high = rng.choice([(-4, 4), (-70, 70), (-16445, 16383), (-16445, -16360), (-8300, 8300)])
        yield number(low, high), number(low, high)


def hard_to_round(function, draw):
    """Arguments whose values lie close to the middle between two numbers: of each 400 drawn the closest. An evaluation
    that is wrong by a thousandth of a unit in the last place rounds many of them to the wrong side."""
    mp.prec = 200
    for _ in range(40):
        best = None
        for _ in range(400):
            operands = draw()
            mantissa, _ = frexp(abs(function(*(operand.value() for operand in operands))))
            units = ldexp(mantissa, 64)
            distance = abs(units - floor(units) - 0.5)
            if best is None or distance < best[0]:
                best = distance, operands
        yield best[1]


def between(low, high):
    return signed(nearest(mpf(low) + (mpf(high) - mpf(low)) * rng.getrandbits(70) / 2**70))


def positive(operand):
    operand.negative = False
    return operand


def row(name, first, second, value):
    if value == 0:
        return
    mantissa, exponent = frexp(abs(value))
    significand = int(floor(ldexp(mantissa, 128)))
    if exponent - 1 > 16383:
        return  # overflow is the special cases' subject
    print(
        f"{{Function::{name}, {first}, {second}, {'true' if value < 0 else 'false'}, {exponent - 1}, "
        f"0x{significand >> 64:016x}, 0x{significand & (2**64 - 1):016x}}},"
    )


def with_precision_for(function, *arguments):
    """Enough bits for what cancels and for arguments that differ by thousands of binary orders."""
    mp.prec = 400
    rough = function(*arguments)
    sizes = [abs(frexp(a)[1]) for a in (*arguments, rough) if a != 0]
    mp.prec = 400 + 2 * max(sizes)
    return function(*arguments)


def two_to_x_minus_1(x):
    return mp.expm1(x * mp.ln2)


def y_log2_x(y, x):
    return y * mp.log(x) / mp.ln2


def y_log2_x_plus_1(y, x):
    return y * mp.log1p(x) / mp.ln2


def near_boundary(first, last, per_unit):
    """Next to the middle between two entries of a table, where its series is longest."""
    middle = mpf(2 * rng.randint(first, last) + 1) / (2 * per_unit)
    return middle * (1 + mpf(rng.getrandbits(70) - 2**69) / 2**77)


def unit_number():
    return number(0, 0)


def point_near_boundary():
    x = number(0, 0)
    return signed(nearest(abs(x.value()) * near_boundary(0, 63, 64))), x


def rows(name, function, operands, hard_operands):
    for chosen in (*operands, *hard_to_round(function, hard_operands)):
        second = chosen[1] if len(chosen) > 1 else NONE
        row(name, chosen[0], second, with_precision_for(function, *(operand.value() for operand in chosen)))


print("// Written by make_reference_vectors.py, which see.")
angle_operands = [(x,) for x in angles()]
rows("sine", mp.sin, angle_operands, lambda: (between(0.7, 0.785),))
rows("cosine", mp.cos, angle_operands, lambda: (between(0.7, 0.785),))
rows("tangent", mp.tan, angle_operands, lambda: (between(0.7, 0.87),))
rows(
    "f2xm1",
    two_to_x_minus_1,
    [(x,) for x in exponents()],
    lambda: (between(0.0155, 0.0157) if rng.random() < 0.3 else signed(nearest(near_boundary(0, 31, 32))),),
)
rows(
    "y_log2_x",
    y_log2_x,
    logarithm_operands(),
    lambda: (unit_number(), positive(nearest(near_boundary(45, 90, 64)))),
)
rows(
    "y_log2_x_plus_1",
    y_log2_x_plus_1,
    logarithm_plus_1_operands(),
    lambda: (unit_number(), between(0.0035, 0.0045) if rng.random() < 0.3 else nearest(near_boundary(0, 18, 64))),
)
rows("arctangent", mp.atan2, points(), point_near_boundary)
