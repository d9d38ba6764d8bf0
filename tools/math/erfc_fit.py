"""Coefficients of erfc_f64 and erfc_f32: (erfc(c) - erfc(c + d))/(d*s), s = 2/sqrt(pi)*exp(-c^2), as polynomials in w = c*d for
each power of d^2, by least squares over 0 <= c <= most and |d| <= 1/128, weighted as erfc's relative error has it."""
import struct

from mpmath import cos, erfc, exp, log, lu_solve, matrix, mp, mpf, nstr, pi, sqrt

mp.prec = 160
COLUMNS, ROWS = 41, 18


def quotient(c, d):
    """The sum of (-d)^n*H_n(c)/(n + 1)!, Hermite's polynomials"""
    total, term, before, hermite = mpf(1), -d/2, mpf(1), 2*c
    for n in range(1, 60):
        total += term*hermite
        before, hermite = hermite, 2*c*hermite - 2*n*before
        term *= -d/(n + 2)
    return total


def points(most):
    for i in range(COLUMNS):
        c = most*(1 - cos(pi*i/(COLUMNS - 1)))/2
        for j in range(ROWS):
            d = cos(pi*(j + mpf(0.5))/ROWS)/128
            yield c*d, d*d, quotient(c, d), abs(d)*2/sqrt(pi)*exp(-c*c)/erfc(c + d)


def rounded(v, kind):
    return struct.unpack(kind, struct.pack(kind, float(v)))[0]


def fit(title, kind, most, degrees):
    powers = [(i, j) for j, n in enumerate(degrees) for i in range(n + 1)]
    free, found = powers[2:], list(points(mpf(most)))
    a, b = matrix(len(free), len(free)), matrix(len(free), 1)
    for w, z, value, weight in found:
        row = [w**i*z**j*weight for i, j in free]
        for k, x in enumerate(row):
            b[k] += x*(value - 1 + w)*weight
            for m, y in enumerate(row):
                a[k, m] += x*y
    known = dict(zip(powers, [mpf(1), mpf(-1)] + list(lu_solve(a, b))))
    error = max(abs(value - sum(v*w**i*z**j for (i, j), v in known.items()))*weight for w, z, value, weight in found)
    print("#", title, "c up to", most, "relative error 2^", nstr(log(error, 2), 4))
    for (i, _), v in known.items():
        print(i, rounded(v, kind))


fit("erfc f64 in c*d and d^2", "d", 8, (8, 6, 3))
fit("erfc f32 in c*d and d^2", "f", 10.1, (4, 1))
