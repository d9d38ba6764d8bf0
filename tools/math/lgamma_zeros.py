#!/usr/bin/env python3
"""The zeros of log|gamma| below -2 that doubles can come near, for math_lgamma.fj: each as -n + e,
e in two words, by mpmath. Beyond -17 the zeros are nearer to the integers than any double."""
from mpmath import factorial, findroot, loggamma, mp, mpf, nstr, re

mp.prec = 400


def zero(n, side):
    """The e next to 0 on the side (1 or -1) with |gamma(-n + e)| = 1"""
    start = side/factorial(n)
    if n <= 3:
        start = {(2, -1): mpf("-0.457"), (3, 1): mpf("0.2523"), (3, -1): mpf("-0.1436")}[n, side]
    return findroot(lambda e: re(loggamma(-n + e)), (start, start*mpf("1.01")), tol=mpf(10)**-200)


def main():
    for side in (1, -1):
        for n in range(2 if side < 0 else 3, 18):
            e = zero(n, side)
            high = float(e)
            print(f"{n:3} {side:3} {high!r} {float(e - mpf(high))!r}  x {nstr(-n + e, 20)}")


main()
