"""jit_ufunc from Python, as far as the comparison with NumPy's methods needs it."""

import ctypes as c

import numpy as np

from fusejit_library import DTYPES, LIBRARY, Args, Array, Error, describe, refusal, take


class Method(c.Structure):
    _fields_ = [("size", c.c_size_t), ("axis", c.POINTER(c.c_int32)), ("n_axes", c.c_int32), ("keepdims", c.c_int32),
                ("dtype", c.c_int), ("initial", c.POINTER(Array)), ("where", c.POINTER(Array)), ("run", c.POINTER(Args))]


class Places(c.Structure):
    _fields_ = [("index", c.POINTER(Array)), ("n", c.c_int32)]


P = c.c_void_p
LIBRARY.fusejit_ufunc_new.restype = P
LIBRARY.fusejit_ufunc_new.argtypes = [P, c.c_char_p, P, c.POINTER(Error)]
LIBRARY.fusejit_ufunc_free.argtypes = [P]
LIBRARY.fusejit_ufunc_reduce.argtypes = LIBRARY.fusejit_ufunc_accumulate.argtypes = [P] * 4 + [c.POINTER(Error)]
LIBRARY.fusejit_ufunc_reduceat.argtypes = LIBRARY.fusejit_ufunc_outer.argtypes = [P] * 5 + [c.POINTER(Error)]
LIBRARY.fusejit_ufunc_at.argtypes = [P] * 5 + [c.POINTER(Error)]
LIBRARY.fusejit_ufunc_call.argtypes = [P, P, P, c.POINTER(Error)]


class Ufunc:
    """The methods of a function of a program (its text), or of a built-in if that is ""."""

    def __init__(self, text, name="f"):
        err = Error()
        self.module = LIBRARY.fusejit_compile(text.encode(), None, c.byref(err))
        self.name = name
        self.u = None
        if not self.module:
            raise refusal(err)
        self.u = LIBRARY.fusejit_ufunc_new(self.module, name.encode(), None, c.byref(err))
        if not self.u:
            raise refusal(err)

    def __del__(self):
        LIBRARY.fusejit_ufunc_free(self.u)
        LIBRARY.fusejit_release(self.module)

    def method(self, axis=0, dtype=None, keepdims=False, initial=None, where=None, threads=1):
        """The options; and what they point to, which has to live as long."""
        axes = [] if axis is None else [axis] if isinstance(axis, int) else list(axis)
        run = Args(threads=threads, options=1)
        how = Method(size=c.sizeof(Method), axis=(c.c_int32 * max(1, len(axes)))(*axes), n_axes=len(axes),
                     keepdims=keepdims, run=c.pointer(run))
        if axis is None:
            how.axis, how.n_axes = None, -1
        if dtype is not None:
            how.dtype = DTYPES.index(np.dtype(dtype).name)
        kept = [run, axes]
        for name, value in (("initial", initial), ("where", where)):
            if value is not None:
                value = np.asarray(value)
                kept.append(value)
                setattr(how, name, c.pointer(describe(value)))
        return how, kept

    def apply(self, function, operands, out, **options):
        err = Error()
        how, kept = self.method(**options)
        result = Array(rank=-1) if out is None else describe(out)
        arrays = [describe(np.asarray(x)) for x in operands]
        if function(self.u, c.addressof(result), *[c.addressof(a) for a in arrays], c.addressof(how), c.byref(err)):
            raise refusal(err)
        return take(result) if out is None else out

    def reduce(self, x, out=None, **options):
        return self.apply(LIBRARY.fusejit_ufunc_reduce, [x], out, **options)

    def accumulate(self, x, out=None, **options):
        return self.apply(LIBRARY.fusejit_ufunc_accumulate, [x], out, **options)

    def reduceat(self, x, index, out=None, **options):
        return self.apply(LIBRARY.fusejit_ufunc_reduceat, [x, index], out, **options)

    def outer(self, x, y, out=None, **options):
        return self.apply(LIBRARY.fusejit_ufunc_outer, [x, y], out, **options)

    def at(self, x, index, y=None, threads=1):
        """index: a tuple of arrays."""
        err = Error()
        run = Args(threads=threads)
        how = Method(size=c.sizeof(Method), run=c.pointer(run))
        arrays = (Array * len(index))(*[describe(i) for i in index])
        places = Places(arrays, len(index))
        changed, given = describe(x), None if y is None else describe(np.asarray(y))
        if LIBRARY.fusejit_ufunc_at(self.u, c.addressof(changed), c.addressof(places), c.addressof(given) if given else None,
                                    c.addressof(how), c.byref(err)):
            raise refusal(err)

    def __call__(self, *inputs, where, out=None, threads=1):
        err = Error()
        arrays = (Array * len(inputs))(*[describe(np.asarray(x)) for x in inputs])
        results = (Array * 1)(Array(rank=-1) if out is None else describe(out))
        args = Args(input=arrays, n_in=len(inputs), out=results, n_out=1, threads=threads, options=1)
        mask = describe(where)
        if LIBRARY.fusejit_ufunc_call(self.u, c.addressof(args), c.addressof(mask), c.byref(err)):
            raise refusal(err)
        return take(results[0]) if out is None else out
