#!/usr/bin/env python3
"""Peers of bench/cases_mandelbrot.c, each where it is installed, on one thread: iterations of z*z + c
in f32, at most 256. A job is "<peer> mandelbrot:<side>"."""
import os

if hasattr(os, "sched_setaffinity"):  # JAX has no other way to one thread
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])

import numpy as np

from arrays import serve

MOST = 256


def plane(side):
    """A row of real parts, a column of imaginary parts."""
    n = int(side)
    return np.linspace(-2, 0.6, n, dtype=np.float32), np.linspace(-1.2, 1.2, n, dtype=np.float32)[:, None]


def numba_jobs():
    """Numba's @vectorize of the loop."""
    import numba

    def make(side):
        two, four = np.float32(2), np.float32(4)

        @numba.vectorize(["i4(f4, f4)"])
        def count(cr, ci):
            zr = zi = np.float32(0)
            n = 0
            while n < MOST and zr * zr + zi * zi <= four:
                zr, zi = zr * zr - zi * zi + cr, two * zr * zi + ci
                n += 1
            return n
        re, im = plane(side)
        out = np.zeros((int(side), int(side)), np.int32)
        return lambda: count(re, im, out)
    return {"numba mandelbrot": make}


def numpy_jobs():
    """NumPy: all points take a step, then those that are out are left behind."""
    def make(side):
        re, im = plane(side)

        def run():
            cr, ci = (a.ravel() for a in np.broadcast_arrays(re, im))
            zr, zi, at = np.zeros_like(cr), np.zeros_like(cr), np.arange(cr.size)
            count = np.zeros(cr.size, np.int32)
            for _ in range(MOST):
                inside = zr * zr + zi * zi <= 4
                cr, ci, zr, zi, at = (a[inside] for a in (cr, ci, zr, zi, at))
                count[at] += 1
                zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
        return run
    return {"numpy mandelbrot": make}


def jax_jobs():
    """JAX: a compiled while_loop over the whole picture."""
    import jax
    import jax.numpy as jnp

    def make(side):
        re, im = (jnp.asarray(a) for a in plane(side))

        @jax.jit
        def count(re, im):
            cr, ci = jnp.broadcast_arrays(re, im)
            zero = jnp.zeros_like(cr)

            def inside(zr, zi, n):
                return (n < MOST) & (zr * zr + zi * zi <= 4)

            def step(s):
                zr, zi, n = s
                go = inside(zr, zi, n)
                new = zr * zr - zi * zi + cr, 2 * zr * zi + ci
                return jnp.where(go, new[0], zr), jnp.where(go, new[1], zi), n + go
            start = zero, zero, jnp.zeros(cr.shape, jnp.int32)
            return jax.lax.while_loop(lambda s: jnp.any(inside(*s)), step, start)[2]
        return lambda: count(re, im).block_until_ready()
    return {"jax mandelbrot": make}


def drjit_jobs():
    """Dr.Jit's LLVM backend: a symbolic loop."""
    import drjit as dr
    from drjit.llvm import Float, Int

    dr.set_thread_count(1)

    def make(side):
        re, im = plane(side)
        cr, ci = (Float(a.ravel()) for a in np.broadcast_arrays(re, im))

        def step(zr, zi, n):
            return zr * zr - zi * zi + cr, 2 * zr * zi + ci, n + 1

        def run():
            n = dr.while_loop((dr.zeros(Float, dr.width(cr)), dr.zeros(Float, dr.width(cr)), Int(0)),
                              lambda zr, zi, n: (n < MOST) & (zr * zr + zi * zi <= 4), step)[2]
            dr.eval(n)
            dr.sync_thread()
        return run
    return {"drjit mandelbrot": make}


if __name__ == "__main__":
    serve((numba_jobs, numpy_jobs, jax_jobs, drjit_jobs))
