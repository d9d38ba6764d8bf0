#!/usr/bin/env python3
"""Peers of bench/cases_sizes.c: the subjects of bench/subjects.def by NumPy, numexpr, Numba, PyTorch,
JAX and Dr.Jit, each where it is installed. Arguments: threads (1 or 2), most elements.

A job is "<peer> sizes<threads>:<subject>:<type>:<n>". Numba on two threads is target="parallel";
NumPy has one thread only and takes no part on two. One thread's times are the processor's, so that
other programs do not count; two threads' are the clock's.
"""
import os
import re
import sys
import time
import warnings

THREADS = int(sys.argv[1])
MOST = int(sys.argv[2])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[variable] = str(THREADS)
if THREADS == 1 and hasattr(os, "sched_setaffinity"):  # JAX has no other way to one thread
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])

import numpy as np

from arrays import serve
from numpy_steps import steps_of

warnings.simplefilter("ignore")  # NaNs of the side that is not chosen
BLOCK = 1 << 16
FORMULA = {"sigmoid(x)": "1/(1 + exp(-x))", "gelu(x)": "0.5*x*(1 + erf(x*0.7071067811865476))"}
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")


def subjects():
    """Of each name: arguments, ranges, formula."""
    path = os.path.join(os.path.dirname(__file__), "..", "subjects.def")
    found = {}
    for row in re.findall(r"^SUBJECT\((.*?)\)$", open(path).read(), re.M | re.S):
        fields = row.split(",", 6)
        found[fields[0]] = (int(fields[1]), [float(f) for f in fields[2:6]], " ".join(fields[6].split()))
    return found


SUBJECTS = subjects()
ARRAYS = {}
LAST = []  # subject, type and size that the arrays are filled for


def arrays(name, kind, n):
    """Arguments in no order, of n elements, and an array for the result."""
    dtype = np.dtype({"f32": np.float32, "f64": np.float64}[kind])
    arity, (lo, hi, lo2, hi2), _ = SUBJECTS[name]
    if kind not in ARRAYS:
        ARRAYS.clear()
        ARRAYS[kind] = [np.zeros(MOST, dtype) for _ in range(3)]
    x, y, out = (a[:int(n)] for a in ARRAYS[kind])
    given = [x, y] if arity == 2 else [x]
    if LAST == [name, kind, n]:
        return given, out
    LAST[:] = [name, kind, n]
    draw = np.random.default_rng(42)
    for a, least, most in zip(given, (lo, lo2), (hi, hi2)):
        block = draw.uniform(least, most, BLOCK).astype(dtype)
        for i in range(0, len(a), BLOCK):
            a[i:i + BLOCK] = block[:len(a) - i]
    return given, out


def job(peer, start):
    """start(name, formula, given, out) gives the call."""
    def make(name, kind, n):
        given, out = arrays(name, kind, n)
        return start(name, SUBJECTS[name][2], given, out)
    return {"%s sizes%d" % (peer, THREADS): make}


def function_of(formula, given, names):
    """The formula as a Python function of one or two arguments."""
    made = eval("lambda %s: %s" % ("x, y" if len(given) == 2 else "x", formula), names)
    must_have(made.__code__.co_names, names)
    return made


def must_have(used, names):
    """Those that a library lacks are said by name."""
    missing = sorted(set(used) - set(names))
    if missing:
        raise NameError("has no " + ", ".join(missing))


def numpy_jobs():
    """NumPy with all results in arrays made before, as its fast users write it; SciPy's erf."""
    names = {n: getattr(np, n) for n in ("exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh "
                                         "cbrt sqrt hypot abs").split()}
    names.update(asin=np.arcsin, acos=np.arccos, atan=np.arctan, asinh=np.arcsinh, atan2=np.arctan2, pow=np.power)
    try:
        from scipy.special import erf
        names["erf"] = erf
    except ImportError:
        pass
    if THREADS != 1:
        return {}
    return job("numpy", lambda name, formula, given, out:
               steps_of(FORMULA.get(formula, formula), names, dict(zip("xy", given)), out))


def numexpr_jobs():
    """numexpr; constants of the arrays' type."""
    import numexpr
    from numexpr.expressions import functions

    numexpr.set_num_threads(THREADS)
    other = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "atan2": "arctan2",
             "select": "where"}

    def start(name, formula, given, out):
        formula = FORMULA.get(formula, formula)
        formula = re.sub(r"\w+(?=\()", lambda m: other.get(m.group(), m.group()), formula)
        names = dict(zip("xy", given))
        if formula.startswith("pow"):
            formula = "x**y"
        must_have(re.findall(r"\w+(?=\()", formula), functions)

        def constant(m):
            names["c%d" % len(names)] = out.dtype.type(m.group())
            return "c%d" % (len(names) - 1)
        formula = NUMBER.sub(constant, formula)
        return lambda: numexpr.evaluate(formula, names, out=out, casting="same_kind")
    return job("numexpr", start)


def numba_jobs():
    """Numba's @vectorize; constants of the arrays' type."""
    import math
    import numba

    names = {n: getattr(math, n) for n in ("exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh sqrt "
                                           "asin acos atan asinh atan2 hypot pow erf").split()}
    names.update(abs=abs, cbrt=np.cbrt, select=numba.njit(lambda c, a, b: a if c else b))
    kernels, target = {}, "cpu" if THREADS == 1 else "parallel"

    def start(name, formula, given, out):
        letter = {"f": "f4", "d": "f8"}[out.dtype.char]
        formula = NUMBER.sub(r"real(\g<0>)", FORMULA.get(formula, formula))
        signature = "%s(%s)" % (letter, ",".join([letter] * len(given)))
        if (formula, signature) not in kernels:
            body = function_of(formula, given, dict(names, real=out.dtype.type))
            kernels[formula, signature] = numba.vectorize([signature], target=target)(body)
        kernel = kernels[formula, signature]
        return lambda: kernel(*given, out)
    return job("numba", start)


def torch_jobs():
    """PyTorch, eager, in inference mode; single functions into an array made before."""
    import torch
    import torch.nn.functional as functional

    torch.set_num_threads(THREADS)
    names = {n: getattr(torch, n) for n in ("exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh sqrt "
                                            "asin acos atan asinh atan2 hypot pow erf abs sigmoid").split()}
    names.update(select=torch.where, gelu=functional.gelu)

    def start(name, formula, given, out):
        call = function_of(formula, given, names)
        given, result = [torch.from_numpy(a) for a in given], torch.from_numpy(out)
        into = names[name] if name in names and name != "gelu" else None

        def run():
            with torch.inference_mode():
                into(*given, out=result) if into else call(*given)
        return run
    return job("torch", start)


def jax_jobs():
    """JAX: one compiled function."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import erf

    jax.config.update("jax_enable_x64", True)
    names = {n: getattr(jnp, n) for n in ("exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh sqrt "
                                          "asin acos atan asinh atan2 hypot pow abs cbrt").split()}
    names.update(erf=erf, select=jnp.where, sigmoid=jax.nn.sigmoid, gelu=lambda x: jax.nn.gelu(x, approximate=False))

    def start(name, formula, given, out):
        call = jax.jit(function_of(formula, given, names))
        given = [jnp.asarray(a) for a in given]
        return lambda: call(*given).block_until_ready()
    return job("jax", start)


def drjit_jobs():
    """Dr.Jit's LLVM backend: a frozen function, which is not traced anew at each call."""
    import drjit as dr
    import drjit.llvm

    dr.set_thread_count(THREADS)
    here = ("exp exp2 log log2 sin cos tan sinh cosh tanh sqrt asin acos atan asinh atan2 hypot erf abs cbrt expm1 "
            "log1p log10").split()
    names = {n: getattr(dr, n) for n in here if hasattr(dr, n)}
    names.update(select=dr.select, pow=dr.power)

    def start(name, formula, given, out):
        kind = drjit.llvm.Float if out.dtype.char == "f" else drjit.llvm.Float64
        call = dr.freeze(function_of(FORMULA.get(formula, formula), given, names))
        given = [kind(a) for a in given]

        def run():
            dr.eval(call(*given))
            dr.sync_thread()
        return run
    return job("drjit", start)


if __name__ == "__main__":
    serve((numpy_jobs, numexpr_jobs, numba_jobs, torch_jobs, jax_jobs, drjit_jobs),
          time.process_time_ns if THREADS == 1 else time.perf_counter_ns)
