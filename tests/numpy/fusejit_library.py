"""The shared library from Python, as far as the comparisons with NumPy need it: compile, call with
arrays of any strides, errors. It mirrors structs of fusejit.h; check_layout sees that it does."""

import ctypes as c
import os
import sys

import numpy as np

import checks
from checks import expect

MAX_RANK, MAX_OPERANDS, MAX_DIAGNOSTICS = 8, 32, 8
DTYPES = ["", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
          "float32", "float64"]


class Array(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int), ("rank", c.c_int32), ("shape", c.c_int64 * MAX_RANK),
                ("stride", c.c_int64 * MAX_RANK)]


class Diagnostic(c.Structure):
    _fields_ = [("code", c.c_int32), ("line", c.c_int32), ("column", c.c_int32), ("length", c.c_int32),
                ("message", c.c_char * 256), ("hint", c.c_char * 128), ("excerpt", c.c_char * 200),
                ("excerpt_column", c.c_int32)]


class Error(c.Structure):
    _fields_ = [("status", c.c_int), ("n_diagnostics", c.c_int32), ("file", c.c_char * 128),
                ("diagnostic", Diagnostic * MAX_DIAGNOSTICS)]


class Args(c.Structure):
    _fields_ = [("input", c.POINTER(Array)), ("out", c.POINTER(Array)), ("uniform", c.POINTER(c.c_double)),
                ("uniform_i64", c.POINTER(c.c_int64)), ("uniform_set", c.POINTER(c.c_uint8)), ("n_in", c.c_int32),
                ("n_out", c.c_int32), ("n_uniform", c.c_int32), ("threads", c.c_int32), ("options", c.c_int32),
                ("flags", c.c_uint32), ("fuel", c.c_int64), ("seed", c.c_uint64), ("cancel", c.c_void_p),
                ("statics", c.c_void_p), ("n_statics", c.c_int32), ("params", c.c_void_p), ("workspace", c.c_void_p),
                ("workspace_bytes", c.c_size_t)]


LIBRARY = c.CDLL(os.path.abspath(sys.argv[1]))
LIBRARY.fusejit_compile.restype = c.c_void_p
LIBRARY.fusejit_compile.argtypes = [c.c_char_p, c.c_void_p, c.POINTER(Error)]
LIBRARY.fusejit_call.argtypes = [c.c_void_p, c.c_char_p, c.POINTER(Args), c.POINTER(Error)]
LIBRARY.fusejit_release.argtypes = [c.c_void_p]
LIBRARY.fusejit_array_free.argtypes = [c.POINTER(Array)]


class Refused(Exception):
    """The status of a failed call is its first argument, the message its second."""


def refusal(err):
    return Refused(err.status, err.diagnostic[0].message.decode())


def describe(x):
    """A view of a NumPy array: its memory and strides as they are."""
    a = Array(data=x.ctypes.data, dtype=DTYPES.index(x.dtype.name), rank=x.ndim)
    a.shape[: x.ndim] = x.shape
    a.stride[: x.ndim] = x.strides
    return a


def take(a):
    """A copy of an array that the library made, which is freed."""
    dtype = np.dtype(DTYPES[a.dtype])
    shape = tuple(a.shape[: a.rank])
    n = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    copy = np.frombuffer(c.string_at(a.data, n) if n else b"", dtype).reshape(shape).copy()
    LIBRARY.fusejit_array_free(c.byref(a))
    return copy


class Program:
    """A compiled text; calling it calls its function `f`."""

    def __init__(self, text, n_out=1):
        err = Error()
        self.text, self.n_out = text, n_out
        self.module = LIBRARY.fusejit_compile(text.encode(), None, c.byref(err))
        if not self.module:
            raise refusal(err)

    def __del__(self):
        LIBRARY.fusejit_release(getattr(self, "module", None))

    def __call__(self, *inputs, out=None, uniform=(), threads=1):
        """Results in arrays of the library's making, or `out`: a list with None for such."""
        err = Error()
        given = [np.asarray(x) for x in inputs]
        arrays = (Array * MAX_OPERANDS)(*[describe(x) for x in given])
        wanted = out or [None] * self.n_out
        results = (Array * MAX_OPERANDS)(*[Array(rank=-1) if x is None else describe(x) for x in wanted])
        values = (c.c_double * max(1, len(uniform)))(*uniform)
        args = Args(input=arrays, n_in=len(given), out=results, n_out=len(wanted), uniform=values,
                    n_uniform=len(uniform), threads=threads)
        if LIBRARY.fusejit_call(self.module, b"f", c.byref(args), c.byref(err)) != 0:
            raise refusal(err)
        got = [take(results[i]) if x is None else x for i, x in enumerate(wanted)]
        return got[0] if len(got) == 1 else tuple(got)


def expect_refusal(program, inputs, message="", **options):
    try:
        got = program(*inputs, **options)
        expect(False, program.text, [x.shape for x in inputs], "gave", got.shape, "instead of an error")
    except Refused as e:
        expect(message in e.args[1], program.text, "says", repr(e.args[1]), "without", repr(message))


def expect_close(got, wanted, bound, *message):
    """Shapes equal, and each element no further from the reference than its bound (0: exact)."""
    wanted = np.asarray(wanted)
    if got.shape != wanted.shape:
        expect(False, *message, "has the shape", got.shape, "not", wanted.shape)
        return
    with np.errstate(invalid="ignore"):
        apart = np.abs(got.astype(np.float64) - wanted.astype(np.float64))
    good = (got == wanted) | (np.isnan(got) & np.isnan(wanted)) if got.dtype.kind == "f" else got == wanted
    good = good | (apart <= bound)
    expect(np.all(good), *message, "is off by", np.max(np.where(good, 0, apart), initial=0))


def lay_out(x, how, random):
    """The same values in other memory: 0 C order, 1 Fortran, 2 spaced, 3 reversed, 4 transposed memory."""
    if x.ndim == 0 or how == 0:
        return x.copy()
    if how == 1:
        return np.asfortranarray(x)
    if how == 2:
        wide = np.zeros([2 * n + 1 for n in x.shape], x.dtype)[tuple(slice(1, 1 + 2 * n, 2) for n in x.shape)]
    elif how == 3:
        wide = np.zeros(x.shape, x.dtype)[tuple(slice(None, None, -1) for _ in x.shape)]
    else:
        order = random.permutation(x.ndim)
        wide = np.zeros([x.shape[k] for k in order], x.dtype).transpose(np.argsort(order))
    wide[...] = x
    return wide


N_LAYOUTS = 5


def seed():
    """FUSEJIT_SEED, else a fixed one: which is printed at the end."""
    return int(os.environ.get("FUSEJIT_SEED", "1"))


def finish(name):
    checks.finish(name, ", seed %d" % seed())
