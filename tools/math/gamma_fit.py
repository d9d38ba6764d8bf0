#!/usr/bin/env python3
"""The polynomials of lgamma and tgamma: Chebyshev approximations by mpmath (Sollya has no gamma
function). Prints interval, relative error and coefficients, lowest power first."""
from mpmath import chebyfit, euler, exp, gamma, log, loggamma, mp, mpf, pi, sqrt

mp.prec = 300


def stirling(y):
    """(log gamma(x) - (x - 1/2) log x + x - log(2 pi)/2)*x at x = 1/sqrt(y)"""
    x = 1/sqrt(y)
    return (loggamma(x) - (x - mpf(1)/2)*log(x) + x - log(2*pi)/2)*x


def around_two(t):
    """log gamma(2 + t)/t"""
    return loggamma(2 + t)/t if abs(t) > mpf(10)**-30 else 1 - euler


def between(s):
    """log gamma(x)/((x - 1)*(x - 2)) at x = 2*(1 + s)/(1 - s)"""
    x = 2*(1 + s)/(1 - s)
    if abs(s) < mpf(10)**-30:
        return 1 - euler
    return euler if abs(x - 1) < mpf(10)**-30 else loggamma(x)/((x - 1)*(x - 2))


def stirling_short(w):
    """log gamma(x) - (x - 1/2) log x + x at x = 1/w"""
    return loggamma(1/w) - (1/w - mpf(1)/2)*log(1/w) + 1/w


def lanczos(w):
    """gamma(x)*e**x*x**(1/2 - x) at x = 1/w"""
    return gamma(1/w)*exp(1/w)*w**(1/w - mpf(1)/2)


def show(title, f, interval, terms):
    c, error = chebyfit(f, interval, terms, error=True)
    print("#", title, "on", interval, "absolute error", mp.nstr(error, 5))
    for k, v in enumerate(reversed(c)):
        print(f"{k:3} {float(v)!r} {float(v - mpf(float(v)))!r}")


show("stirling f64", stirling, [mpf(10)**-30, mpf(1)/100], 9)
show("lgamma f64", around_two, [mpf(-1)/2, mpf(1)/2], 20)
show("lgamma between f64", between, [mpf(-1)/3, mpf(1)/3], 21)
show("lgamma far f64", stirling, [mpf(10)**-30, mpf(1)/16], 9)
show("lgamma short", around_two, [-1, mpf(1)/2], 12)
show("lgamma short far", stirling_short, [mpf(10)**-6, mpf(2)/5], 6)
show("tgamma short", lanczos, [mpf(1)/64, mpf(2)/5], 6)
