"""numpy.ufunc objects whose inner loops are kernels: PyUFunc_FromFuncAndData, reached without an extension module."""

import ctypes as c

import numpy as np

from ._library import Error, ErrorData, LoopData, PrepareOptions, failure, lib

OURS = {"bool": "bool", "float16": "f16", "float32": "f32", "float64": "f64", "int8": "i8", "int16": "i16", "int32": "i32",
        "int64": "i64", "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64"}
STOPPED = 256  # JIT_LOOP_STOPPED
NO_IDENTITY = -1  # PyUFunc_None


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


def check_scalars(function):
    if any(function._ranks) or function.nout != 1:
        raise Error("a numpy.ufunc is of numbers, and of one result: %s" % function.signature)
    for name, kind, given in zip(function._kinds, function._kinds.values(), function._optional):
        if not given and name not in function.statics:
            raise Error("%s: argument '%s' after `;` needs a default" % (function.signature, name))


class Loops:
    """A numpy.ufunc with a loop for each signature, and what it points to: which has to live as long. Its kernels are
    released with this object."""

    def __init__(self, function, signatures, threads, identity=NO_IDENTITY):
        check_scalars(function)
        n = len(signatures)
        self.data = (LoopData * n)()
        for data, (result, given) in zip(self.data, signatures):
            data.kernel, data.threads = make_loop(function, result, given), threads
        self.first = self.data[0]
        self.pointers = (c.c_void_p * n)(*[c.addressof(d) for d in self.data])
        self.loops = (c.c_void_p * n)(*[c.cast(lib.handle.fusejit_ufunc_loop, c.c_void_p).value] * n)
        self.types = c.create_string_buffer(bytes(t.num for r, g in signatures for t in (*g, r)))
        self.name, self.doc = (c.create_string_buffer(t.encode()) for t in (function.__name__, function.__doc__))
        make = MAKER(numpy_api()[FROM_FUNC_AND_DATA])
        self.ufunc = make(c.addressof(self.loops), c.addressof(self.pointers), c.cast(self.types, c.c_char_p), n,
                          function.nin, 1, identity, c.cast(self.name, c.c_char_p), c.cast(self.doc, c.c_char_p), 0)

    def __del__(self, release=lib.kernel_release):
        self.ufunc = None
        for data in getattr(self, "data", ()):
            release(data.kernel)  # NULL is fine
