"""numpy.ufunc objects whose inner loops are kernels: PyUFunc_FromFuncAndData, reached without an extension module."""

import ctypes as c
import re

import numpy as np

from ._function import Function, compile_text
from ._library import Error, ErrorData, LoopData, Static, code_of, failure, lib
from ._ufunc import Ufunc

NAMES = {"boolean": "bool", "bool_": "bool", "b1": "bool", "float": "float64", "double": "float64", "int": "int64",
         "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16", "u32": "uint32",
         "u64": "uint64", "f16": "float16", "f32": "float32", "f64": "float64"}
OURS = {"bool": "bool", "float16": "f16", "float32": "f32", "float64": "f64", "int8": "i8", "int16": "i16", "int32": "i32",
        "int64": "i64", "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64"}
NO_IDENTITY = -1  # PyUFunc_None
kept = []  # a numpy.ufunc points to names, types and loops, and lives as long as the process


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


# -------------------------------------------------------------------- NumPy's C API


def numpy_api():
    """The table of NumPy's ufunc API, whose first entry is the type numpy.ufunc itself."""
    try:
        from numpy._core import _multiarray_umath as umath  # NumPy 2
        capsule = umath._UFUNC_API
    except (ImportError, AttributeError):
        from numpy.core import _multiarray_umath as umath
        capsule = umath._UFUNC_API
    name, pointer = c.pythonapi.PyCapsule_GetName, c.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = c.c_void_p, [c.py_object]
    pointer.restype, pointer.argtypes = c.c_void_p, [c.py_object, c.c_void_p]
    table = c.cast(pointer(capsule, name(capsule)), c.POINTER(c.c_void_p))
    if table[0] != id(np.ufunc):
        raise RuntimeError("the ufunc API of NumPy %s is not as expected" % np.__version__)
    return table


FROM_FUNC_AND_DATA = 1  # its place in the table, the same since NumPy 1.0
MAKER = c.PYFUNCTYPE(c.py_object, c.c_void_p, c.c_void_p, c.c_char_p, c.c_int, c.c_int, c.c_int, c.c_int, c.c_char_p,
                     c.c_char_p, c.c_int)


def make_loop(function, result, given):
    """A kernel for these types, as an inner loop's data."""
    if len(given) != function.nin:
        raise ValueError("%s has %d arguments, and a signature %d" % (function.__name__, function.nin, len(given)))
    signature = "%s -> %s" % (", ".join(OURS[t.name] for t in given), OURS[result.name])
    err = ErrorData()
    options = PrepareOptions(size=c.sizeof(PrepareOptions), statics=function._c_statics, n_statics=len(function.statics))
    kernel = lib.prepare(function._module.pointer, function._encoded, signature.encode(), c.byref(options), c.byref(err))
    if not kernel:
        raise failure(err)
    return kernel


class PrepareOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("statics", c.POINTER(Static)), ("n_statics", c.c_int32), ("entries", c.c_int32),
                ("params", c.c_void_p), ("weights", c.c_int), ("blas_from", c.c_double)]


def check_scalars(function):
    if any(function._ranks) or function.nout != 1:
        raise Error("a numpy.ufunc is of numbers, and of one result: %s" % function.signature)
    for name, kind, given in zip(function._kinds, function._kinds.values(), function._optional):
        if not given and name not in function.statics:
            raise Error("%s: argument '%s' after `;` needs a default" % (function.signature, name))


def find_identity(function, result, given):
    """0, 1 or -1 where the function is known to have it, as PyUFunc_Zero, PyUFunc_One, PyUFunc_MinusOne."""
    if len(given) != 2 or not given[0] == given[1] == result:
        return NO_IDENTITY
    try:
        methods = Ufunc(function._module, function.__name__, statics=function.statics)
        value = methods.reduce(np.empty(0, result), dtype=result)
    except Error:
        return NO_IDENTITY
    return {0: 0, 1: 1, -1: 2}.get(float(value), NO_IDENTITY)


def make_ufunc(function, signatures, threads):
    """A numpy.ufunc with a loop for each signature."""
    check_scalars(function)
    n = len(signatures)
    data = (LoopData * n)(*[LoopData(make_loop(function, r, g), threads) for r, g in signatures])
    pointers = (c.c_void_p * n)(*[c.addressof(d) for d in data])
    loops = (c.c_void_p * n)(*[c.cast(lib.handle.fusejit_ufunc_loop, c.c_void_p).value] * n)
    types = c.create_string_buffer(bytes(t.num for r, g in signatures for t in (*g, r)))
    name, doc = (c.create_string_buffer(t.encode()) for t in (function.__name__, function.__doc__))
    kept.append((function, data, pointers, loops, types, name, doc))
    maker = MAKER(numpy_api()[FROM_FUNC_AND_DATA])
    return maker(c.addressof(loops), c.addressof(pointers), c.cast(types, c.c_char_p), n, function.nin, 1,
                 find_identity(function, *signatures[0]), c.cast(name, c.c_char_p), c.cast(doc, c.c_char_p), 0)


# -------------------------------------------------------------------- vectorize


def vectorize(signatures=(), target="cpu"):
    """As numba.vectorize, of a text: `vectorize(["float64(float64, float64)"])("x*y + 1")` is a numpy.ufunc with a loop
    for each signature, tried in this order; target="parallel" uses all cores. Without signatures it is a fusejit.Ufunc,
    which compiles for the types that it meets."""
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
