#!/usr/bin/env python3
"""The tables of src/ir/table_*.c, by mpmath: tables.py NAME > src/ir/table_NAME.c
With exp32 as the name: the polynomial of times_exp_f32 in math_special.fj; with atan_tail: that of atan_f64 in
math_circular.fj."""
import struct
import sys

from mpmath import atan, cos, diff, erf, erfc, exp, floor, log, lu_solve, matrix, mp, mpf, pi, sqrt, tan

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
    step = mpf(2)**min(-16, max(-44, -58 - floor(log(abs(slope), 2))))
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


def print_table(name, what, rows, element="double"):
    print(f"/* {what}\n * Made by tools/math/tables.py {name}. */")
    print('#include "tables.h"\n\n/* clang-format off */')
    print(f"const {element} table_{name}[{len(rows)}][{len(rows[0])}] = {{")
    text = ["{ " + ", ".join(float(x).hex() + "f"*(element == "float") for x in row) + " }," for row in rows]
    abreast = 1 + len(rows)//1024
    for i in range(0, len(rows), abreast):
        print("    " + " ".join(text[i:i + abreast]))
    print("};")


def erf_row(k):
    """c near k/64, erf(c), its slope less 1, and of the series around it, over the slope, the fifth and sixth coefficients
    in one number, which make up for a seventh that is taken to be that at 0. What is added to erf(c) is rounded, which
    shows most at the left end of row 1: its c is nearer to that."""
    a = mpf(k)/64
    if k > 378:
        return [a, 1, -1, 0]
    if k == 0:  # odd: no sixth, and of 1/10 the lower half is next to none
        return [0, 0, 2/sqrt(pi) - 1, near_f64(mpf(1)/10)]
    s = 2/sqrt(pi)*exp(-a*a)
    c = nearly_a_double(erf, s, a - (k == 1)*mpf(2)**-10)
    s, w = 2/sqrt(pi)*exp(-c*c), c*c
    p = [mpf(float(erf(c))), s, -c*s, s*(2*w - 1)/3, -s*c*(2*w - 3)/6]
    d = [a - c + cos(i*pi/16)/128 for i in range(17)]
    rest = [erf(c + t) - sum(q*t**n for n, q in enumerate(p)) + s*t**7/42 for t in d]
    a5, a6 = lu_solve(matrix([[t**5, t**6] for t in d]), matrix(rest))
    both = two_in_one(a5/s, a6/s)
    # two thirds of what the fifth is off at the ends
    return [c, p[0], s*(1 + (a5/s - both)*mpf(2)**-28*2/3) - 1, both]


def near_f32(x):
    return mpf(struct.unpack("<f", struct.pack("<f", float(x)))[0])


def near_f64(x):
    return mpf(float(x))


def fit(near, f, c, low, high, known, degree):
    """Coefficients from `known` on of f(c + d), d in low .. high, after those given: each is rounded to the
    `near` number and the next ones make up for it; the relative error is what is small"""
    d = [(low + high + (high - low)*cos(i*pi/32))/2 for i in range(33)]
    rest = [f(c + t) - sum(a*t**n for n, a in enumerate(known)) for t in d]
    weight = [1/f(c + t) for t in d]
    found = []
    for n in range(len(known), degree + 1):
        rows = matrix([[w*t**k for k in range(n, degree + 1)] for t, w in zip(d, weight)])
        a = near(lu_solve(rows, matrix([w*r for r, w in zip(rest, weight)]))[0])
        found.append(a)
        rest = [r - a*t**n for r, t in zip(rest, d)]
    return found


def half_octave(i):
    """The interval of x where the bits of x + 1, as f32, are i modulo 8 from bit 22 on"""
    low = next(2**k*(1 + mpf(h)/2) for k in range(4) for h in range(2) if (254 + 2*k + h) % 8 == i)
    return low - 1, (low*4/3 if log(low, 2) % 1 else low*mpf(1.5)) - 1


def scaled_row(f, i):
    """middle, f there in two words, coefficients"""
    low, high = half_octave(i)
    c = near_f32((low + high)/2)
    a = fit(near_f32, f, c, low - c, high - c, [f(c)], 9)
    d = [(low + high + (high - low)*cos(k*pi/24))/2 - c for k in range(25)]
    rest = [1 - sum(q*t**(n + 1) for n, q in enumerate(a))/f(c + t) for t in d]
    f0 = sum(rest)/sum(1/f(c + t) for t in d)
    return [c, near_f32(f0), near_f32(f0 - near_f32(f0))] + a + 4*[0]


def erf_f32_row(k):
    """c near k*0.56, erf(c), its slope less 1, further coefficients"""
    middle = mpf(k)*mpf("0.56")
    c = near_f32(middle)
    while k and abs(erf(c) - near_f32(erf(c))) > mpf(2)**-32:
        c = near_f32(c*(1 + mpf(2)**-23))
    low = 0 if k == 0 else middle - mpf("0.28") - c
    h, high = near_f32(erf(c)), middle + mpf("0.28") - c
    s = near_f32((2/sqrt(pi) if k == 0 else fit(near_f32, erf, c, low, high, [h], 7)[0]) - 1)
    if k == 0:
        a = fit(near_f32, lambda x: erf(x)/x, c, mpf(2)**-20, high, [1 + s], 6)
    else:
        a = fit(near_f32, erf, c, low, high, [h, 1 + s], 7)
    return [c, h, s] + a + 7*[0]


def octave_row(f, slope, octaves, i):
    """As scaled_row(), in doubles, 32 rows an octave of x + 1/4, bits from 47 on; the last two coefficients in one"""
    octave = (i//32 + 3) % 8 - 2
    if octave > octaves:
        return 8*[0]
    low = (1 + mpf(i % 32)/32)*mpf(2)**octave
    low, high = low - mpf(0.25), low*(1 + mpf(1)/(32 + i % 32)) - mpf(0.25)
    middle = near_f32((low + high)/2)
    c = nearly_a_double(f, slope(middle), middle)
    a = fit(near_f64, f, c, low - c, high - c, [f(c)], 7)
    return [c, f(c)] + a[:5] + [two_in_one(a[5], a[6])]


def erfc_row(k):
    """c near (k + 1/2)/64, erfc(c), 2/sqrt(pi)*exp(-c^2)"""
    middle, step = (k + mpf(0.5))/64, mpf(2)**-42
    tries = ((abs(erfc(c)/near_f64(erfc(c)) - 1), c) for c in (middle + i*step for i in range(1 << 16)))
    c = next(c for off, c in tries if off <= mpf(2)**-60)
    return [c, erfc(c), 2/sqrt(pi)*exp(-c*c), 0]


def erfc_f32_row(k):
    """As erfc_row, times 2^64"""
    middle, step = (k + mpf(0.5))/64, mpf(2)**-20
    near = (near_f32(middle + (i//2 if i % 2 else -i//2)*step) for i in range(1 << 10))
    c = next(c for c in near if abs(erfc(c)*2**64/near_f32(erfc(c)*2**64) - 1) <= mpf(2)**-30)
    return [c, near_f32(erfc(c)*2**64), near_f32(2/sqrt(pi)*exp(-c*c)*2**64), 0]


def scaled_normal(x):
    return exp(x*x/2)*erfc(x/sqrt(2))/2


def atan_row(i):
    """A, B and atan(B/A) in two words, so that atan(x) is that and atan((A*x - B)/(A + B*x)): 16 rows an octave of
    x + 1/8, bits from 48 on; beyond 30.875 B/A is infinite"""
    low = (1 + mpf(i % 16)/16)*mpf(2)**((i//16 + 4) % 8 - 3) - mpf(0.125)
    if low < mpf(2)**-5:
        return [1, 0, 0, 0]
    if low > 30:
        return [0, 1, near_f64(pi/2), pi/2 - near_f64(pi/2)]
    c = near_f32(low + (low + mpf(0.125))/(32 + 2*(i % 16)))
    return [1, c, near_f64(atan(c)), atan(c) - near_f64(atan(c))]


def atan2_row(i):
    """B and atan(B) in two words, so that atan(q) is that and atan((q - B)/(1 + B*q)), for 0 <= q <= 1: 16 rows an
    octave of q + 1/8, bits from 48 on; 64 rows each for an angle from the x axis, the y axis, the other side of the
    x axis, of the y axis, less that axis, so that all have the same sign"""
    octave, quadrant = (i//16 + 4) % 4 - 3, (i//64 + 1) % 4
    low = (1 + mpf(i % 16)/16)*mpf(2)**octave
    low, high = low - mpf(0.125), low*(1 + mpf(1)/(16 + i % 16)) - mpf(0.125)
    c = near_f32(tan((atan(low) + atan(high))/2)) if low >= mpf(2)**-5 else mpf(0)
    angle = atan(c) + [0, -pi/2, -pi, pi/2][quadrant]
    return [c, near_f64(angle), angle - near_f64(angle), 0]


def main():
    if sys.argv[1] == "atan2":
        print_table("atan2", "atan2_f64: B, an angle in two words.", [atan2_row(i) for i in range(256)])
    if sys.argv[1] == "atan":
        print_table("atan", "atan_f64: A, B and atan(B/A) in two words.", [atan_row(i) for i in range(128)])
    if sys.argv[1] == "atan_tail":
        h = mpf("0.0324")**2
        for a in fit(near_f64, lambda z: (atan(sqrt(z))/sqrt(z) - 1)/z, mpf(0), mpf(2)**-40, h, [], 3):
            print(repr(float(a)))
    if sys.argv[1] == "erfc":
        print_table("erfc", "erfc_f64: c, erfc(c), 2/sqrt(pi)*exp(-c^2).", [erfc_row(k) for k in range(512)])
    if sys.argv[1] == "normal":
        print_table("normal", "gelu_f64: c, exp(c^2/2)*erfc(c/sqrt(2))/2, coefficients, the last two in one.",
                    [octave_row(scaled_normal, lambda x: x*scaled_normal(x) - 1/sqrt(2*pi), 5, i)
                     for i in range(256)])
    if sys.argv[1] == "erf":
        print_table("erf", "erf_f64: c, erf(c), 2/sqrt(pi)*exp(-c^2) - 1, two coefficients in one.",
                    [erf_row(k) for k in range(512)])
    if sys.argv[1] == "erf32":
        print_table("erf32", "erf_f32: c, erf(c), coefficients; the first less 1.",
                    [erf_f32_row(k) for k in range(8)], "float")
    if sys.argv[1] == "erfc32":
        print_table("erfc32", "erfc_f32: c and, times 2^64, erfc(c), 2/sqrt(pi)*exp(-c^2).",
                    [erfc_f32_row(k) if k < 660 else 4*[0] for k in range(1024)], "float")
    if sys.argv[1] == "exp32":
        h = log(2)/2 + mpf(2)**-12
        for a in fit(near_f32, exp, mpf(0), -h, h, [1, 1, mpf("0.5")], 7):
            print(f"{float(a):.9g}")
    if sys.argv[1] == "normal32":
        print_table("normal32", "gelu_f32: c, exp(c^2/2)*erfc(c/sqrt(2))/2 in two words, coefficients.",
                    [scaled_row(scaled_normal, i) for i in range(8)], "float")


main()
