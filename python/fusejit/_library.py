"""The shared library: its structs as fusejit.h and fusejit_ufunc.h declare them, arrays in and out, errors."""

import ctypes as c
import os
import sys

import numpy as np

MAX_RANK, MAX_OPERANDS, MAX_DIAGNOSTICS, COPY_OVERLAP, ALL_AXES = 8, 32, 8, 1, -1
DTYPES = ("", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
          "float32", "float64")
CODES = {name: code for code, name in enumerate(DTYPES)}


class Array(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int), ("rank", c.c_int32), ("shape", c.c_int64 * MAX_RANK),
                ("stride", c.c_int64 * MAX_RANK)]


ARRAYS = [Array * n for n in range(MAX_OPERANDS + 1)]


class Diagnostic(c.Structure):
    _fields_ = [("code", c.c_int32), ("line", c.c_int32), ("column", c.c_int32), ("length", c.c_int32),
                ("message", c.c_char * 256), ("hint", c.c_char * 128), ("excerpt", c.c_char * 200),
                ("excerpt_column", c.c_int32)]


class ErrorData(c.Structure):
    _fields_ = [("status", c.c_int), ("n_diagnostics", c.c_int32), ("file", c.c_char * 128),
                ("diagnostic", Diagnostic * MAX_DIAGNOSTICS)]


class Static(c.Structure):
    _fields_ = [("name", c.c_char_p), ("function", c.c_char_p), ("dim", c.c_int64)]


class Args(c.Structure):
    _fields_ = [("input", c.POINTER(Array)), ("out", c.POINTER(Array)), ("uniform", c.POINTER(c.c_double)),
                ("uniform_i64", c.POINTER(c.c_int64)), ("uniform_set", c.POINTER(c.c_uint8)), ("n_in", c.c_int32),
                ("n_out", c.c_int32), ("n_uniform", c.c_int32), ("threads", c.c_int32), ("options", c.c_int32),
                ("flags", c.c_uint32), ("fuel", c.c_int64), ("seed", c.c_uint64), ("cancel", c.c_void_p),
                ("statics", c.POINTER(Static)), ("n_statics", c.c_int32), ("params", c.c_void_p),
                ("workspace", c.c_void_p), ("workspace_bytes", c.c_size_t)]


class UfuncOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("statics", c.POINTER(Static)), ("n_statics", c.c_int32)]


class Method(c.Structure):
    _fields_ = [("size", c.c_size_t), ("axis", c.POINTER(c.c_int32)), ("n_axes", c.c_int32), ("keepdims", c.c_int32),
                ("dtype", c.c_int), ("initial", c.POINTER(Array)), ("where", c.POINTER(Array)), ("run", c.POINTER(Args))]


class Places(c.Structure):
    _fields_ = [("index", c.POINTER(Array)), ("n", c.c_int32)]


class LoopData(c.Structure):
    _fields_ = [("kernel", c.c_void_p), ("threads", c.c_int32), ("flags", c.c_uint32)]


class PrepareOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("statics", c.POINTER(Static)), ("n_statics", c.c_int32), ("entries", c.c_int32),
                ("params", c.c_void_p), ("weights", c.c_int), ("blas_from", c.c_double)]


class FunctionInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("n_in", c.c_int32), ("n_uniform", c.c_int32), ("n_out", c.c_int32),
                ("line", c.c_int32), ("signature", c.c_char_p), ("in_name", c.POINTER(c.c_char_p)),
                ("in_dtype", c.POINTER(c.c_int)), ("in_rank", c.POINTER(c.c_int32)), ("in_shared", c.POINTER(c.c_int32)),
                ("n_dim", c.c_int32), ("dim_name", c.POINTER(c.c_char_p)), ("uniform_name", c.POINTER(c.c_char_p)),
                ("uniform_type", c.POINTER(c.c_char_p)), ("uniform_has_default", c.POINTER(c.c_int32)),
                ("out_name", c.POINTER(c.c_char_p)), ("in_has_default", c.POINTER(c.c_int32))]


class NamedText(c.Structure):
    _fields_ = [("name", c.c_char_p), ("text", c.c_char_p)]


class ModelData(c.Structure):
    _fields_ = [("size", c.c_size_t), ("module", c.c_void_p), ("function", c.c_char_p), ("signature", c.c_char_p),
                ("params", c.c_void_p), ("statics", c.POINTER(Static)), ("n_statics", c.c_int32),
                ("text", c.POINTER(NamedText)), ("n_texts", c.c_int32)]


class Options(c.Structure):
    _fields_ = [("size", c.c_size_t), ("context", c.c_void_p), ("file", c.c_char_p), ("interpret", c.c_int32),
                ("dump", c.c_char_p), ("on_dump", c.c_void_p), ("dump_user", c.c_void_p),
                ("arguments", c.POINTER(c.c_char_p)), ("n_arguments", c.c_int32), ("argument_shapes", c.POINTER(Array))]


# -------------------------------------------------------------------- the library


def find():
    """FUSEJIT_LIBRARY, the one beside this file (in a wheel), else the system's."""
    given = os.environ.get("FUSEJIT_LIBRARY")
    beside = os.path.join(os.path.dirname(__file__), "libfusejit.so")
    return given or (beside if os.path.exists(beside) else "libfusejit.so.0")


P, E, TEXT = c.c_void_p, c.POINTER(ErrorData), c.c_char_p
FUNCTIONS = {  # result, arguments
    "version": (TEXT, []),
    "error_format": (c.c_size_t, [E, c.c_char_p, c.c_size_t, c.c_int]),
    "array_free": (None, [P]),
    "compile": (P, [TEXT, P, E]),
    "compile_expression": (P, [TEXT, TEXT, P, E]),
    "release": (None, [P]),
    "function_count": (c.c_int, [P]),
    "function_at": (c.c_int, [P, c.c_int, P]),
    "function_find": (c.c_int, [P, TEXT, P, E]),
    "prepare": (P, [P, TEXT, TEXT, P, E]),
    "kernel_release": (None, [P]),
    "model_load": (P, [TEXT, P, E]),
    "model_free": (None, [P]),
    "ufunc_new": (P, [P, TEXT, P, E]),
    "ufunc_free": (None, [P]),
    "ufunc_identity": (c.c_int, [P, c.c_int, P, E]),
    "ufunc_types": (c.c_int, [P, P, c.c_int32, P, c.c_int32, E]),
}
# These give a jit_status, and take objects that ctypes passes as they are: c_void_p, byref, bytes, None. To convert others
# takes as long as the rest of a short call.
UNCONVERTED = ("call", "ufunc_call", "ufunc_reduce", "ufunc_accumulate", "ufunc_reduceat", "ufunc_outer", "ufunc_at")


class Library:
    """The functions of the library, without their prefix."""

    def __init__(self, path):
        self.handle = c.CDLL(path)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(self.handle, "fusejit_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)
        for name in UNCONVERTED:
            setattr(self, name, getattr(self.handle, "fusejit_" + name))


try:
    lib = Library(find())
except OSError as problem:
    raise ImportError("fusejit: %s (FUSEJIT_LIBRARY names another file)" % problem) from None
version = lib.version().decode()


# -------------------------------------------------------------------- errors


class Error(ValueError):
    """What the library says: str() is the whole text with places; `code`, `message`, `hint` are of the first error."""

    def __init__(self, text, data=None):
        super().__init__(text)
        first = data.diagnostic[0] if data else None
        self.code = first.code if first else 0
        self.message = first.message.decode(errors="replace") if first else text
        self.hint = first.hint.decode(errors="replace") if first else ""
        self.line = first.line if first else 0
        self.column = first.column if first else 0


class ArrayTypeError(Error, TypeError):
    pass


class PlaceError(Error, IndexError):
    pass


class NoMemory(Error, MemoryError):
    pass


class FileError(Error, OSError):
    pass


KINDS = {3: ArrayTypeError, 8: NoMemory, 9: FileError, 14: PlaceError}  # jit_status


def failure(data):
    """The exception for an error that the library has filled in."""
    size = lib.error_format(data, None, 0, 0) + 1
    text = c.create_string_buffer(size)
    lib.error_format(data, text, size, 0)
    return KINDS.get(data.status, Error)(text.value.decode(errors="replace").rstrip("\n"), data)


# -------------------------------------------------------------------- arrays


KNOWN = {np.dtype(name): code for name, code in CODES.items() if name not in ("", "bfloat16")}


def code_of(dtype):
    dtype = np.dtype(dtype)
    code = KNOWN.get(dtype) or CODES.get(dtype.name)
    if not code:
        raise ArrayTypeError("arrays of %s are not supported: bool, integers, float16, float32 and float64 are" % dtype)
    return code


def address_by_interface(a):
    return a.__array_interface__["data"][0]


def address_by_struct(a, pointer=c.c_void_p.from_address, header=object.__basicsize__):
    """What stands first in NumPy's struct of an array, in all versions: a fifth of the time."""
    return pointer(id(a) + header).value or 0


def choose_address():
    probe = np.zeros(3)
    usual = sys.implementation.name == "cpython" and header_is_plain(probe)
    return address_by_struct if usual else address_by_interface


def header_is_plain(probe):
    return all(address_by_struct(a) == address_by_interface(a) for a in (probe, probe[1:]))


address = choose_address()


def describe(a):
    """The struct for a NumPy array: its memory and strides as they are. The array must outlive it."""
    code = KNOWN.get(a.dtype) or code_of(a.dtype)
    if a.ndim > MAX_RANK:
        raise Error("an array of rank %d: at most %d axes are supported" % (a.ndim, MAX_RANK))
    return Array(address(a), code, a.ndim, a.shape, a.strides)


def as_native(x):
    """An array whose elements are as the machine's."""
    a = np.asarray(x)
    return a if a.dtype.isnative else a.astype(a.dtype.newbyteorder("="))


def as_arrays(inputs):
    """Arrays of all inputs. Python's numbers take the type of the others, as in NumPy."""
    weak = [type(x) in (int, float, bool) for x in inputs]
    arrays = [None if w else as_native(x) for x, w in zip(inputs, weak)]
    if not any(weak):
        return arrays
    typed = [a.dtype for a in arrays if a is not None]
    common = np.result_type(*typed) if typed else None
    return [as_weak(x, common) if w else a for x, a, w in zip(inputs, arrays, weak)]


def as_weak(x, common):
    """A number of Python beside arrays of the type `common` (None: there are none)."""
    if common is None or type(x) is bool:
        return np.asarray(x)
    if common.kind == "f":
        return np.asarray(x, common)
    if type(x) is int and common.kind in "iu":
        whole = np.iinfo(common)
        if not whole.min <= x <= whole.max:
            raise OverflowError("%d does not fit %s" % (x, common))
        return np.asarray(x, common)
    return np.asarray(x)


def output(x):
    """The struct for an `out` argument."""
    if not isinstance(x, np.ndarray):
        raise TypeError("an output must be an array, not %s" % type(x).__name__)
    if not x.flags.writeable:
        raise ValueError("the output array is read-only")
    if not x.dtype.isnative:
        raise ArrayTypeError("an output of another byte order: %s" % x.dtype)
    return describe(x)


class Owner:
    """Memory that the library made, freed with the last array that views it."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = {
            "data": (array.data, False), "shape": tuple(array.shape[: array.rank]), "version": 3,
            "typestr": np.dtype(DTYPES[array.dtype]).str,
        }

    def __del__(self, free=lib.array_free, address=c.addressof):
        free(address(self.array))


def take(array, copy=Array.from_buffer_copy):
    """An array that the library made as one of NumPy: a number if it has no axes."""
    owned = np.asarray(Owner(copy(array)))
    return owned if array.rank else owned[()]
