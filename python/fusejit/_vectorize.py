"""fusejit.vectorize, in Numba's spelling."""

import re

import numpy as np

from ._function import Function, compile_text
from ._library import code_of
from ._loops import NO_IDENTITY, Loops
from ._ufunc import Ufunc

NAMES = {"boolean": "bool", "bool_": "bool", "b1": "bool", "float": "float64", "double": "float64", "int": "int64",
         "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16", "u32": "uint32",
         "u64": "uint64", "f16": "float16", "f32": "float32", "f64": "float64"}
kept = []  # a numpy.ufunc that is handed out points to its loops: they live as long as the process


def parse_signature(text):
    """"float64(float64, float64)" as Numba writes it: the result's type and those of the arguments."""
    match = re.fullmatch(r"\s*(\w+)\s*\(([^()]*)\)\s*", text)
    if not match:
        raise ValueError("a signature is written as 'float64(float64, float64)', not %r" % text)
    names = [match.group(1)] + [n.strip() for n in match.group(2).split(",")]
    try:
        types = [np.dtype(NAMES.get(n, n)) for n in names]
    except TypeError:
        raise ValueError("%r: an unknown type" % text) from None
    for t in types:
        code_of(t)
    return types[0], tuple(types[1:])


def find_identity(function, result, given):
    """That of a sum, a product and their like, as PyUFunc_Zero, PyUFunc_One, PyUFunc_MinusOne."""
    if len(given) != 2 or not given[0] == given[1] == result:
        return NO_IDENTITY
    value = Ufunc(function._module, function.__name__, statics=function.statics).identity_for(result)
    return {0: 0, 1: 1, -1: 2}.get(value, NO_IDENTITY)


def make_ufunc(function, signatures, threads):
    """A numpy.ufunc for good."""
    loops = Loops(function, signatures, threads, find_identity(function, *signatures[0]))
    kept.append(loops)
    return loops.ufunc


# -------------------------------------------------------------------- vectorize


def vectorize(signatures=(), target="cpu"):
    """As numba.vectorize, of a text: `vectorize(["float64(float64, float64)"])("x*y + 1")` is a numpy.ufunc with a loop
    for each signature, tried in this order; target="parallel" uses all cores. Without signatures it is a fusejit.Ufunc,
    which compiles for the types that it meets."""
    if callable(signatures):
        raise TypeError("a function is given as text: vectorize([signatures])('x*2 + 1')")
    if target not in ("cpu", "parallel"):
        raise ValueError("target is 'cpu' or 'parallel', not %r" % (target,))
    wanted = [parse_signature(s) for s in ([signatures] if isinstance(signatures, str) else signatures)]
    threads = -1 if target == "parallel" else 1

    def make(text, name=None, **statics):
        module, last = compile_text(text)
        if not wanted:
            return Ufunc(module, name or last, threads, statics, text=text)
        return make_ufunc(Function(module, name or last, threads, statics), wanted, threads)

    return make
