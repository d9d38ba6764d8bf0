#!/usr/bin/env python3
"""A fresh process of bench/cases_fresh.c: imports what the argument names, computes a one-line function
of 1000 numbers, writes one byte, and waits for the end of its input. The factor is new each time, so
that no cache on disk has seen the function."""
import os
import sys
import time

FACTOR = 1 + time.time_ns() % 1000003 / 1e6


def with_numpy():
    """NumPy, imported and nothing else."""
    import numpy


def with_fusejit():
    """fusejit's own binding."""
    import numpy as np
    import fusejit
    f = fusejit.ufunc("x / (1 + exp(-%.9f*x))" % FACTOR)
    return f(np.linspace(-1, 1, 1000, dtype=np.float32))


def with_numba():
    """Numba's @vectorize."""
    import math
    import numba
    import numpy as np
    k = np.float32(FACTOR)
    f = numba.vectorize(["f4(f4)"])(lambda x: x / (np.float32(1) + math.exp(-k * x)))
    return f(np.linspace(-1, 1, 1000, dtype=np.float32))


def with_jax():
    """jax.jit."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    f = jax.jit(lambda x: x / (1 + jnp.exp(-FACTOR * x)))
    return f(np.linspace(-1, 1, 1000, dtype=np.float32)).block_until_ready()


def with_drjit():
    """Dr.Jit's LLVM backend."""
    import drjit as dr
    from drjit.llvm import Float
    x = dr.linspace(Float, -1, 1, 1000)
    dr.make_opaque(x)
    y = x / (1 + dr.exp(-FACTOR * x))
    dr.eval(y)
    dr.sync_thread()


def with_torch():
    """PyTorch, eager."""
    import torch
    x = torch.linspace(-1, 1, 1000)
    return x / (1 + torch.exp(-FACTOR * x))


def with_numexpr():
    """numexpr."""
    import numexpr
    import numpy as np
    x = np.linspace(-1, 1, 1000, dtype=np.float32)
    return numexpr.evaluate("x / (1 + exp(-k*x))", {"x": x, "k": np.float32(FACTOR)})


def main():
    """A peer that is not there writes nothing."""
    if sys.argv[1] != "nothing":
        try:
            globals()["with_" + sys.argv[1]]()
        except ImportError:
            os._exit(1)
    os.write(1, b"+")
    os.read(0, 1)
    os._exit(0)


main()
