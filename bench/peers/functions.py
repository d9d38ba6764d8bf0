#!/usr/bin/env python3
"""Peers of bench/cases_functions.c: each function by NumPy, Numba, numexpr and PyTorch where they
are installed, on one thread. A job is "<peer> <function>:<type>:<lo>:<hi>:<lo2>:<hi2>"."""
import math
import warnings

import numpy as np

from arrays import serve

L1 = 4096
TWO = ("pow", "atan2", "hypot", "fmod", "remainder", "logaddexp")
ONE = ("exp exp2 exp10 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh "
       "acosh atanh cbrt erf erfc lgamma tgamma rsqrt").split()


def inputs(name, kind, lo, hi, lo2, hi2):
    """Random arguments of the function, and an array for the result."""
    draw = np.random.default_rng(42)
    dtype = np.float32 if kind == "f32" else np.float64
    x = draw.uniform(float(lo), float(hi), L1).astype(dtype)
    y = draw.uniform(float(lo2), float(hi2), L1).astype(dtype)
    return ([x, y] if name in TWO else [x]), np.empty_like(x)


def numpy_jobs():
    """NumPy's own names, with an output array."""
    other = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
             "acosh": "arccosh", "atanh": "arctanh", "pow": "power", "atan2": "arctan2",
             "remainder": None}

    def job(name, call):
        def make(*arguments):
            given, out = inputs(name, *arguments)
            return lambda: call(*given, out)
        return make

    found = {n: getattr(np, other.get(n, n) or "", None) for n in ONE + list(TWO)}
    return {"numpy " + n: job(n, call) for n, call in found.items() if call}


def numba_jobs():
    """Numba's @vectorize of the functions of the module math."""
    import numba

    warnings.filterwarnings("ignore")
    other = {"tgamma": "gamma"}

    def job(name, call):
        def make(kind, *arguments):
            given, out = inputs(name, kind, *arguments)
            letter = "f4" if kind == "f32" else "f8"
            text = "%s(%s)" % (letter, ",".join([letter] * len(given)))
            body = (lambda x, y: call(x, y)) if len(given) == 2 else (lambda x: call(x))
            kernel = numba.vectorize([text])(body)
            return lambda: kernel(*given, out)
        return make

    names = [n for n in ONE + list(TWO) if n not in ("exp10", "cbrt", "rsqrt", "logaddexp")]
    found = {n: getattr(math, other.get(n, n), None) for n in names}
    return {"numba " + n: job(n, call) for n, call in found.items() if call}


def numexpr_jobs():
    """numexpr on one thread."""
    import numexpr

    numexpr.set_num_threads(1)
    other = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
             "acosh": "arccosh", "atanh": "arctanh", "atan2": "arctan2"}

    def job(name, text):
        def make(*arguments):
            given, out = inputs(name, *arguments)
            names = dict(zip("xy", given))
            return lambda: numexpr.evaluate(text, names, out=out, casting="same_kind")
        return make

    names = ("exp expm1 log log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh "
             "atanh").split()
    texts = {n: other.get(n, n) + "(x)" for n in names}
    texts.update(pow="x**y", atan2="arctan2(x, y)", fmod="fmod(x, y)")
    return {"numexpr " + n: job(n, text) for n, text in texts.items()}


def torch_jobs():
    """PyTorch with output arrays where it takes them, on one thread."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    other = {"tgamma": None, "exp10": None, "cbrt": None, "remainder": None}
    act = {"sigmoid": torch.sigmoid, "log_sigmoid": F.logsigmoid, "softplus": F.softplus,
           "silu": F.silu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
           "mish": F.mish, "elu": F.elu, "selu": F.selu}

    def job(name, call, with_out):
        def make(*arguments):
            given, out = inputs(name, *arguments)
            given = [torch.from_numpy(a) for a in given]
            result = torch.from_numpy(out)

            def run():
                with torch.inference_mode():
                    call(*given, out=result) if with_out else call(*given)
            return run
        return make

    found = {n: getattr(torch, other.get(n, n) or "", None) for n in ONE + list(TWO)}
    jobs = {"torch " + n: job(n, call, True) for n, call in found.items() if call}
    jobs.update({"torch " + n: job(n, call, False) for n, call in act.items()})
    return jobs


if __name__ == "__main__":
    serve((numpy_jobs, numba_jobs, numexpr_jobs, torch_jobs))
