#!/usr/bin/env python3
"""The tables of src/ir/table_*.c, by mpmath: tables.py NAME > src/ir/table_NAME.c"""
import struct
import sys

from mpmath import cos, diff, erf, exp, floor, log, lu_solve, matrix, mp, mpf, pi, sqrt

mp.prec = 130


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def from_bits(b):
    return struct.unpack("<d", struct.pack("<Q", b))[0]


def two_in_one(high, low):
    """One double whose upper 32 bits are near `high`, and whose lower 32 bits, moved up, near `low`."""
    down = (bits(float(low)) + (1 << 31)) >> 32
    start = bits(float(high)) >> 32
    near = [start + i << 32 | down for i in (-1, 0, 1)]
    return from_bits(min(near, key=lambda b: abs(mpf(from_bits(b)) - high)))


def nearly_a_double(f, slope, middle):
    """The c within 2^-8 of `middle` where f is a double but for 2^-60 of it (Gal's method); where the slope is
    too small for that, the one where it is next to one"""
    step = mpf(2)**min(-16, max(-44, -58 - floor(log(slope, 2))))
    value, bend = f(mpf(middle)), diff(f, middle, 2)/2
    best, error = None, 1
    for i in range(int(min(1 << 16, mpf(2)**-7/step))):
        e = step*(i//2 if i % 2 else -i//2)
        y = value + e*(slope + e*bend) if step < mpf(2)**-40 else f(middle + e)
        off = abs(y - mpf(float(y)))/abs(y)
        if off < error:
            best, error = mpf(middle) + e, off
        if off <= mpf(2)**-60:
            break
    return best


def print_table(name, what, rows):
    print(f"/* {what}\n * Made by tools/math/tables.py {name}. */")
    print('#include "tables.h"\n\n/* clang-format off */')
    print(f"const double table_{name}[{len(rows)}][{len(rows[0])}] = {{")
    for row in rows:
        print("    { " + ", ".join(float(x).hex() for x in row) + " },")
    print("};")


def erf_row(k):
    """c near k/64, erf(c), its slope less 1, and of the series around it the fifth and sixth coefficients in
    one number, which make up for a seventh that is taken to be that at 0"""
    a = mpf(k)/64
    if k > 378:
        return [a, 1, -1, 0]
    s = 2/sqrt(pi)*exp(-a*a)
    c = nearly_a_double(erf, s, a) if k else a
    s, w = 2/sqrt(pi)*exp(-c*c), c*c
    p = [mpf(float(erf(c))), s, -c*s, s*(2*w - 1)/3, -s*c*(2*w - 3)/6]
    d = [a - c + cos(i*pi/16)/128 for i in range(17)]
    rest = [erf(c + t) - sum(q*t**n for n, q in enumerate(p)) + t**7*mpf(0.026866170645131252) for t in d]
    a5, a6 = lu_solve(matrix([[t**5, t**6] for t in d]), matrix(rest))
    return [c, p[0], s - 1, two_in_one(a5, a6)]


def main():
    if sys.argv[1] == "erf":
        print_table("erf", "erf_f64: c, erf(c), 2/sqrt(pi)*exp(-c^2) - 1, two coefficients in one.",
                    [erf_row(k) for k in range(512)])


main()
