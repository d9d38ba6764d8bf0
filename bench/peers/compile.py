#!/usr/bin/env python3
"""Peers of bench/cases_fresh.c, each where it is installed: compile a one-line function that they have not
seen, and call it once. Jobs: "numba compile", "jax compile", "drjit compile"."""
import itertools
import time

import numpy as np

from arrays import serve

X = np.linspace(-1, 1, 1000, dtype=np.float32)
SEEN = itertools.count(time.time_ns() % 100003)


def factor():
    """Another one each time."""
    return 1 + next(SEEN) / 1e6


def numba_jobs():
    """Numba's @vectorize."""
    import math
    import numba

    def run():
        k, one = np.float32(factor()), np.float32(1)
        numba.vectorize(["f4(f4)"])(lambda x: x / (one + math.exp(-k * x)))(X)
    return {"numba compile": lambda: run}


def jax_jobs():
    """jax.jit."""
    import jax
    import jax.numpy as jnp

    def run():
        k = factor()
        jax.jit(lambda x: x / (1 + jnp.exp(-k * x)))(X).block_until_ready()
    return {"jax compile": lambda: run}


def drjit_jobs():
    """Dr.Jit's LLVM backend."""
    import drjit as dr
    from drjit.llvm import Float
    x = Float(X)

    def run():
        y = x / (1 + dr.exp(-factor() * x))
        dr.eval(y)
        dr.sync_thread()
    return {"drjit compile": lambda: run}


if __name__ == "__main__":
    serve((numba_jobs, jax_jobs, drjit_jobs))
