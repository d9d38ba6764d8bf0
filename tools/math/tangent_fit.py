"""Coefficients of tan_f64 and tan_f32: 2*tan(r)/r ~ (2 - z*p(z))/(1 - z/2 + z*s(z)/2), z = r^2, |r| <= pi/4.

The quotient that agrees with the tangent at Chebyshev's points gives the denominator; once that is rounded, Sollya fits the
numerator to the tangent times it."""
import struct
import subprocess

from mpmath import cos, lu_solve, matrix, mp, mpf, nstr, pi, sqrt, tan

mp.dps = 60
BELOW, ABOVE = mpf(2) ** -60, (pi / 4 * mpf("1.0002")) ** 2


def denominator(m, n):
    """Coefficients of z .. z^n of the one of the quotient with m and n of them"""
    count = m + n
    a, b = matrix(count, count), matrix(count, 1)
    for i in range(count):
        x = (BELOW + ABOVE) / 2 + (ABOVE - BELOW) / 2 * cos(pi * (2 * i + 1) / (2 * count))
        y = tan(sqrt(x)) / sqrt(x)
        for k in range(m):
            a[i, k] = x ** (k + 1)
        for k in range(n):
            a[i, m + k] = -y * x ** (k + 1)
        b[i] = y - 1
    return list(lu_solve(a, b))[m:]


def to_f32(v):
    return struct.unpack("f", struct.pack("f", v))[0]


def fit(m, n, kind, sollya):
    d = denominator(m, n)
    s = [float(c) for c in [2 * d[0] + 1] + [2 * c for c in d[1:]]]
    if kind == "f32":
        s = [to_f32(c) for c in s]
    terms = "+".join(f"({nstr(mpf(c), 40)})*x^{i}" for i, c in enumerate(s))
    text = f"""execute("fit.sollya");
g = tan(sqrt(x))/sqrt(x)*(2-x+x*({terms}));
p = fpminimax(g, [|1,...,{m}|], [|{sollya}...|], [1b-40;{nstr(ABOVE, 20)}], absolute, floating, 2);
report(p-2, dirtyinfnorm((p-g)/g, [1b-40;{nstr(ABOVE, 20)}]), "tan {kind} numerator", "relative error", [0;{nstr(ABOVE, 6)}]);
"""
    print(subprocess.run(["sollya"], input=text, stdout=subprocess.PIPE, text=True).stdout, end="")
    print(f"# tan {kind} denominator")
    for i, c in enumerate(s):
        print(i, repr(c))


fit(3, 4, "f64", "D")
fit(2, 2, "f32", "SG")
