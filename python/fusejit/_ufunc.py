"""Functions of scalars with the methods of NumPy's universal functions."""

import ctypes as c
import operator

import numpy as np
from numpy import ndarray

from ._function import Function, compile_text
from ._library import (ALL_AXES, DTYPES, Array, Error, ErrorData, Method, Places, UfuncOptions, as_arrays, as_native,
                       code_of, describe, failure, lib, output, take)
from ._loops import OURS, STOPPED, Loops

ORDER = "?bBhHiIlLefd"  # how NumPy lists types


class Ufunc(Function):
    """f(x, y, out=, where=, threads=, uniforms by name); f.reduce, f.accumulate, f.reduceat, f.outer, f.at as NumPy's."""

    def __init__(self, module, name, threads=1, statics=None, text=None):
        if not self._defined(module, name):
            module, name = self._built_in(module, name)
        super().__init__(module, name, threads, statics)
        self.__name__ = name.rstrip("_") if text == "" else name
        err = ErrorData()
        options = UfuncOptions(c.sizeof(UfuncOptions), self._c_statics, len(self.statics))
        self._pointer = lib.ufunc_new(module.pointer, self._encoded, c.byref(options), c.byref(err))
        if not self._pointer:
            raise failure(err)
        self._text, self._types, self._loops = text, {}, {}

    def __del__(self, free=lib.ufunc_free):
        if getattr(self, "_pointer", None):
            free(self._pointer)

    def __reduce__(self):
        if self._text is None:
            raise TypeError("a function of a program that is shared cannot be pickled")
        return restore, (self._text, self.__name__, self.threads, self.statics)

    @staticmethod
    def _defined(module, name):
        try:
            module.find(name)
            return True
        except Error:
            return False

    @staticmethod
    def _built_in(module, name):
        """A program with a function that calls the built-in."""
        for arguments in ("x, y", "x", "x, y, z"):
            try:
                return compile_text("fn %s_(%s) = %s(%s)" % (name, arguments, name, arguments))
            except Error:
                continue
        module.find(name)  # says what is wrong

    # ---------------------------------------------------------------- types

    def _results(self, codes):
        """The types of the results for arguments of these types."""
        if codes not in self._types:
            err, out = ErrorData(), (c.c_int * self.nout)()
            given = (c.c_int * len(codes))(*codes)
            wrong = lib.ufunc_types(self._pointer, given, len(codes), out, self.nout, c.byref(err))
            self._types[codes] = failure(err) if wrong else tuple(out)
        if isinstance(self._types[codes], Error):
            raise self._types[codes]
        return self._types[codes]

    @property
    def types(self):
        """What is computed for arguments of one type, as in NumPy: ['ff->f', 'dd->d']."""
        found = []
        for char in ORDER:
            try:
                results = self._results((code_of(char),) * self.nin)
            except Error:
                continue
            found.append(char * self.nin + "->" + "".join(np.dtype(DTYPES[t]).char for t in results))
        return found

    def identity_for(self, dtype):
        """What reduce of nothing gives for this type, or None."""
        err, value = ErrorData(), c.c_double()
        if lib.ufunc_identity(self._pointer, code_of(dtype), c.byref(value), c.byref(err)):
            return None
        return None if value.value != value.value else value.value

    @property
    def identity(self):
        for dtype in ("float64", "int64", "bool"):
            value = self.identity_for(dtype)
            if value is not None:
                return int(value) if np.isfinite(value) else value
        return None

    @property
    def ntypes(self):
        return len(self.types)

    # ---------------------------------------------------------------- calls

    def _mask(self, where):
        mask = as_native(where)
        if mask.dtype != bool:
            raise TypeError("where is %s, not bool" % mask.dtype)
        return mask

    def _loop(self, types):
        """numpy.ufunc with one loop, for arrays of these types, whose calls cost little; None: there cannot be one."""
        loop = None
        if self.nout == 1 and len(types) == self.nin and all(t.isnative and t.name in OURS for t in types):
            try:
                result = np.dtype(DTYPES[self._results(tuple(code_of(t) for t in types))[0]])
                loop = Loops(self, [(result, types)], self.threads)
            except (Error, RuntimeError):
                pass  # the call that follows says what is wrong
        self._loops[types] = loop
        return loop

    def __call__(self, *inputs, out=None, where=True, threads=None, **uniforms):
        if where is True and threads is None and not uniforms and all(type(x) is ndarray for x in inputs):
            types = tuple([x.dtype for x in inputs])
            loop = self._loops[types] if types in self._loops else self._loop(types)
            if loop is not None:
                try:
                    result = loop.ufunc(*inputs, out=out)
                    if not loop.first.flags & STOPPED:
                        return result
                except (TypeError, ValueError):
                    pass  # said below in our words
        if len(inputs) > self.nin:
            raise TypeError("%s has %d arguments, not %d" % (self.__name__, self.nin, len(inputs)))
        arrays = as_arrays(inputs)
        args = self._settings(threads, uniforms)
        mask = None if where is True else self._mask(where)
        struct = None if mask is None else describe(mask)
        pointer = None if mask is None else c.addressof(struct)
        return self._run(arrays, args, out,
                         lambda args, err: lib.ufunc_call(self._pointer, c.byref(args), pointer, c.byref(err)))

    # ---------------------------------------------------------------- methods

    def _method(self, threads, uniforms, axis=0, dtype=None, keepdims=False, initial=None, where=True):
        """A jit_method; it keeps what it points to."""
        how = Method(size=c.sizeof(Method), keepdims=bool(keepdims))
        how.run = c.pointer(self._settings(threads, uniforms))
        if axis is None:
            how.n_axes = ALL_AXES
        else:
            axes = [operator.index(a) for a in (axis if isinstance(axis, tuple) else (axis,))]
            how.axis, how.n_axes = (c.c_int32 * max(1, len(axes)))(*axes), len(axes)
        if dtype is not None:
            how.dtype = code_of(dtype)
        how.kept = []
        for name, value in (("initial", initial), ("where", None if where is True else self._mask(where))):
            if value is not None:
                array = as_native(value)
                how.kept.append(array)
                setattr(how, name, c.pointer(describe(array)))
        return how

    def _apply(self, function, arrays, out, how):
        if isinstance(out, tuple):
            out, = out
        result = Array(rank=-1) if out is None else output(out)
        structs = [describe(a) for a in arrays]
        err = ErrorData()
        inputs = [c.addressof(a) for a in structs]
        if function(self._pointer, c.addressof(result), *inputs, c.addressof(how), c.byref(err)):
            raise failure(err)
        return take(result) if out is None else out

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False, initial=None, where=True, threads=None,
               **uniforms):
        how = self._method(threads, uniforms, axis, dtype, keepdims, initial, where)
        return self._apply(lib.ufunc_reduce, [as_native(array)], out, how)

    def accumulate(self, array, axis=0, dtype=None, out=None, threads=None, **uniforms):
        how = self._method(threads, uniforms, axis, dtype)
        return self._apply(lib.ufunc_accumulate, [as_native(array)], out, how)

    def reduceat(self, array, indices, axis=0, dtype=None, out=None, threads=None, **uniforms):
        how = self._method(threads, uniforms, axis, dtype)
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype(np.int64)
        return self._apply(lib.ufunc_reduceat, [as_native(array), as_native(indices)], out, how)

    def outer(self, x, y, out=None, where=True, dtype=None, threads=None, **uniforms):
        how = self._method(threads, uniforms, None, dtype, where=where)
        return self._apply(lib.ufunc_outer, as_arrays([x, y]), out, how)

    def at(self, array, indices, values=None, threads=None, **uniforms):
        """array[indices] = f(array[indices], values), where an index that occurs again counts again."""
        target = output(array)
        places = list_places(array, indices)
        structs = (Array * len(places))(*[describe(p) for p in places])
        given = None if values is None else describe(as_arrays([array, values])[1])
        how = Method(size=c.sizeof(Method), run=c.pointer(self._settings(threads, uniforms)))
        err = ErrorData()
        if lib.ufunc_at(self._pointer, c.addressof(target), c.byref(Places(structs, len(places))),
                        c.addressof(given) if given else None, c.addressof(how), c.byref(err)):
            raise failure(err)


def list_places(array, indices):
    """Arrays of integers for the first axes; any other index, such as a mask or slices, for all axes."""
    parts = indices if isinstance(indices, tuple) else (indices,)
    plain = [np.asarray(p) for p in parts if not isinstance(p, slice) and p is not Ellipsis and p is not None]
    plain = [p.astype(np.int64) if p.size == 0 and p.dtype.kind == "f" else p for p in plain]  # []
    if len(plain) == len(parts) <= array.ndim and all(p.dtype.kind in "iu" for p in plain):
        return [as_native(p) for p in plain]
    numbers = np.arange(array.size).reshape(array.shape)[indices]
    return [np.ascontiguousarray(p) for p in np.unravel_index(numbers, array.shape)]


def ufunc(text=None, name=None, parallel=False, threads=None, interpret=False, **statics):
    """A universal function: of an expression, whose free names are its arguments in order of first appearance; of a
    program, the function `name` or the last one; or the built-in of that name. parallel: on all cores. More names are
    values of `fn` and `dim` arguments."""
    if threads is None:
        threads = -1 if parallel else 1
    module, last = compile_text(text or NOTHING, interpret)
    return Ufunc(module, name or last, threads, statics, text or "")


NOTHING = "fn _(x) = x"  # a program for built-ins


def restore(text, name, threads, statics):
    return Ufunc(compile_text(text or NOTHING)[0], name, threads, statics, text)
