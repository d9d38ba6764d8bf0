#!/usr/bin/env python3
"""Peers of bench/bench.c: NumPy and, where they are installed, numexpr and Numba.

Speaks with bench over its standard streams. First line out: the jobs, comma-separated. Then for
each line in, "job,n": makes n calls and answers with the ns they took. Arrays are as in bench.c:
4096 f32 in L1, and N f32 (first argument) from memory.
"""
import sys
import time

import numpy as np

L1 = 4096


def numpy_jobs(small, large):
    """NumPy with output arrays given, as its fast users write it."""
    out, big_out = np.empty_like(small), np.empty_like(large)
    one = np.float32(1)

    def sigmoid():
        np.negative(small, out)
        np.exp(out, out)
        np.add(out, one, out)
        np.divide(one, out, out)

    def chain():
        np.multiply(large, np.float32(1.25), big_out)
        for i, factor in enumerate((0.5, 1.5, 0.75, 1.125)):
            np.add(big_out, np.float32(i + 0.5), big_out)
            np.multiply(big_out, np.float32(factor), big_out)
        np.subtract(big_out, large, big_out)

    return {
        "numpy exp": lambda: np.exp(small, out),
        "numpy tanh": lambda: np.tanh(small, out),
        "numpy sigmoid": sigmoid,
        "numpy chain": chain,
    }


def numexpr_jobs(small, large):
    """numexpr on one thread; constants in f32."""
    import numexpr

    numexpr.set_num_threads(1)
    out, big_out = np.empty_like(small), np.empty_like(large)
    options = {"truediv": True, "casting": "same_kind"}
    names = {"x": small, "one": np.float32(1)}
    numbers = {"a%d" % i: np.float32(v) for i, v in enumerate(
        (1.25, 0.5, 0.5, 1.5, 1.5, 2.5, 0.75, 3.5, 1.125))}
    text = "((((x*a0 + a1)*a2 + a3)*a4 + a5)*a6 + a7)*a8 - x"
    return {
        "numexpr exp": lambda: numexpr.evaluate("exp(x)", names, out=out, **options),
        "numexpr tanh": lambda: numexpr.evaluate("tanh(x)", names, out=out, **options),
        "numexpr sigmoid": lambda: numexpr.evaluate("one/(one + exp(-x))", names, out=out, **options),
        "numexpr chain": lambda: numexpr.evaluate(text, dict(numbers, x=large), out=big_out, **options),
    }


def numba_jobs(small, large):
    """Numba's @vectorize, compiled before the first call."""
    import math

    import numba

    out, big_out = np.empty_like(small), np.empty_like(large)
    f = np.float32
    kernel = numba.vectorize(["f4(f4)"])
    exp = kernel(lambda x: math.exp(x))
    tanh = kernel(lambda x: math.tanh(x))
    sigmoid = kernel(lambda x: f(1) / (f(1) + math.exp(-x)))
    chain = kernel(lambda x: ((((x * f(1.25) + f(0.5)) * f(0.5) + f(1.5)) * f(1.5) + f(2.5))
                              * f(0.75) + f(3.5)) * f(1.125) - x)
    return {
        "numba exp": lambda: exp(small, out),
        "numba tanh": lambda: tanh(small, out),
        "numba sigmoid": lambda: sigmoid(small, out),
        "numba chain": lambda: chain(large, big_out),
    }


def all_jobs(n_large):
    """The jobs of every peer that can be imported."""
    small = np.linspace(-8, 8, L1, dtype=np.float32)
    large = np.linspace(-8, 8, n_large, dtype=np.float32)
    jobs = {}
    for make in (numpy_jobs, numexpr_jobs, numba_jobs):
        try:
            jobs.update(make(small, large))
        except ImportError:
            pass
    return jobs


def main():
    """Answers until the input ends."""
    jobs = all_jobs(int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 26)
    print(",".join(jobs), flush=True)
    for line in sys.stdin:
        name, n = line.rsplit(",", 1)
        call = jobs[name]
        start = time.perf_counter_ns()
        for _ in range(int(n)):
            call()
        print(time.perf_counter_ns() - start, flush=True)


if __name__ == "__main__":
    main()
