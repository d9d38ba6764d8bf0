"""Functions of scalars with the methods of NumPy's universal functions."""

import ctypes as c
import operator
from functools import partial

import numpy as np
from numpy import ndarray

from . import _interrupt
from ._function import Function, compile_text
from ._library import (ALL_AXES, DTYPES, Array, Error, ErrorData, Method, Places, UfuncOptions, as_arrays, as_native, as_weak,
                       code_of, describe, failure, lib, output, take)
from ._loops import OURS, STOPPED, Loops
from ._plans import key_of, key_of_one, same_key

ORDER = "?bBhHiIlLefd"  # how NumPy lists types
LARGE = 1 << 18  # elements: calls that take much longer than what they cost besides


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
        self._handle = c.c_void_p(self._pointer)
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

    def _loop(self, kinds):
        """numpy.ufunc with one loop, for operands of these types (of Python's numbers: int, float, bool), whose calls cost
        little; None: there cannot be one."""
        types, loop = types_of(kinds), None
        if types and self.nout == 1 and len(types) == self.nin and all(t.isnative and t.name in OURS for t in types):
            try:
                result = np.dtype(DTYPES[self._results(tuple(code_of(t) for t in types))[0]])
                loop = Loops(self, [(result, types)], self.threads)
            except (Error, RuntimeError):
                pass  # the call that follows says what is wrong
        self._loops[kinds] = loop
        return loop

    def _split(self, operands, out):
        """Outputs behind the inputs, as NumPy takes them."""
        given = operands[self.nin:]
        if out is not None or len(given) > self.nout or not all(isinstance(x, ndarray) or x is None for x in given):
            raise TypeError("%s has %d arguments, not %d" % (self.__name__, self.nin, len(operands)))
        return operands[: self.nin], given + (None,) * (self.nout - len(given))

    def _is_quick(self, inputs):
        """Whether NumPy can run the loop: it does not stop at Ctrl-C."""
        return not self._module.loops and all([type(x) is not ndarray or x.size < LARGE for x in inputs])

    def __call__(self, *inputs, out=None, where=True, threads=None, **uniforms):
        if len(inputs) > self.nin:
            inputs, out = self._split(inputs, out)
        key = None
        if where is True and threads is None and not uniforms:
            kinds = tuple([x.dtype if type(x) is ndarray else type(x) for x in inputs])
            loop = self._loops[kinds] if kinds in self._loops else self._loop(kinds)
            if loop is not None and self._is_quick(inputs):
                try:
                    result = loop.ufunc(*inputs, out=out)
                    if not loop.first.flags & STOPPED:
                        return result
                    loop.first.flags = 0
                except (TypeError, ValueError, OverflowError):
                    pass  # said below in our words
            key = key_of(inputs) if out is None else None
            result = self._planned(key, inputs)
            if result is not None:
                return result
        if len(inputs) != self.nin:
            raise TypeError("%s has %d arguments, not %d" % (self.__name__, self.nin, len(inputs)))
        arrays, args = as_arrays(inputs), self._settings(threads, uniforms)
        mask = None if where is True else describe(self._mask(where))
        call = partial(lib.ufunc_call, self._handle, c.byref(args), None if mask is None else c.byref(mask))
        return self._run(arrays, args, out, call, same_key(key, inputs, arrays))

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

    def _apply(self, function, inputs, how, out=None, key=None):
        """The method on arrays, into `out` or an array that is made."""
        if isinstance(out, tuple):
            out, = out
        arrays = [as_native(a) for a in inputs]
        result = Array(rank=-1) if out is None else output(out)
        structs = [describe(a) for a in arrays]
        call = partial(function, self._handle, c.byref(result), *[c.byref(a) for a in structs], c.byref(how))
        least = _interrupt.SIZE if function is lib.ufunc_outer else LARGE  # which makes more elements than it takes
        stoppable = how.run[0] if self._is_long(arrays, least) else None
        err = ErrorData()
        if _interrupt.run(call, c.byref(err), stoppable):
            raise failure(err)
        if out is not None:
            return out
        made = take(result)
        self._plan(same_key(key, inputs, arrays), call, structs, [result], stoppable, how)
        return made

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False, initial=None, where=True, threads=None,
               **uniforms):
        key = None
        array = as_array(array)
        if out is None and dtype is None and initial is None and where is True and threads is None and not uniforms and (
                axis is None or type(axis) is int):
            key = key_of_one(array, "reduce", axis, bool(keepdims))
            result = self._planned(key, (array,))
            if result is not None:
                return result
        how = self._method(threads, uniforms, axis, dtype, keepdims, initial, where)
        return self._apply(lib.ufunc_reduce, [array], how, out, key)

    def accumulate(self, array, axis=0, dtype=None, out=None, threads=None, **uniforms):
        key = None
        array = as_array(array)
        if out is None and dtype is None and threads is None and not uniforms and type(axis) is int:
            key = key_of_one(array, "accumulate", axis)
            result = self._planned(key, (array,))
            if result is not None:
                return result
        how = self._method(threads, uniforms, axis, dtype)
        return self._apply(lib.ufunc_accumulate, [array], how, out, key)

    def reduceat(self, array, indices, axis=0, dtype=None, out=None, threads=None, **uniforms):
        key = None
        array, indices = as_array(array), as_array(indices)
        if out is None and dtype is None and threads is None and not uniforms and type(axis) is int:
            key = key_of((array, indices), "reduceat", axis)
            result = self._planned(key, (array, indices))
            if result is not None:
                return result
        how = self._method(threads, uniforms, axis, dtype)
        if indices.size == 0:
            indices = indices.astype(np.int64)
        return self._apply(lib.ufunc_reduceat, [array, indices], how, out, key)

    def outer(self, x, y, out=None, where=True, dtype=None, threads=None, **uniforms):
        key = None
        if out is None and dtype is None and where is True and threads is None and not uniforms:
            key = key_of((x, y), "outer")
            result = self._planned(key, (x, y))
            if result is not None:
                return result
        how = self._method(threads, uniforms, None, dtype, where=where)
        return self._apply(lib.ufunc_outer, as_arrays([x, y]), how, out, key)

    def at(self, array, indices, values=None, threads=None, **uniforms):
        """array[indices] = f(array[indices], values), where an index that occurs again counts again."""
        if type(indices) is list:
            indices = np.asarray(indices)
        if values is not None and type(values) is not ndarray and type(array) is ndarray:
            values = as_arrays([array, values])[1]
        key, given = None, (array, indices) if values is None else (array, indices, values)
        if threads is None and not uniforms:
            key = key_of(given, "at")
            if key is not None and array.flags.writeable and self._planned(key, given) is not None:
                return
        target = output(array)
        places = list_places(array, indices)
        structs = (Array * len(places))(*[describe(p) for p in places])
        value = None if values is None else as_arrays([array, values])[1]
        last = None if value is None else describe(value)
        how = Method(size=c.sizeof(Method), run=c.pointer(self._settings(threads, uniforms)))
        call = partial(lib.ufunc_at, self._handle, c.byref(target), c.byref(Places(structs, len(places))),
                       None if last is None else c.byref(last), c.byref(how))
        stoppable = how.run[0] if self._is_long([*places, array]) else None
        err = ErrorData()
        if _interrupt.run(call, c.byref(err), stoppable):
            raise failure(err)
        inputs = [target, *structs] if last is None else [target, *structs, last]
        used = (array, *places) if value is None else (array, *places, value)
        if len(used) == len(given):
            self._plan(same_key(key, given, used), call, inputs, [], stoppable, how)


def as_array(x):
    return x if type(x) is ndarray else np.asarray(x)


def types_of(kinds):
    """The element types of operands, given as types: those of NumPy's as they are, numbers of Python as as_weak makes them;
    None: it depends on their values."""
    known = [k if isinstance(k, np.dtype) else np.dtype(k) if issubclass(k, np.generic) else None for k in kinds]
    typed = [t for t in known if t is not None]
    if any(t is None and k not in (int, float, bool) for t, k in zip(known, kinds)):
        return None
    common = np.result_type(*typed) if typed else None
    return tuple([as_weak(k(0), common).dtype if t is None else t for t, k in zip(known, kinds)])


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
    if not text and name is None:
        raise TypeError("a function is given as text, such as 'x*2 + 1', or as the name of a built-in: name='max'")
    if threads is None:
        threads = -1 if parallel else 1
    module, last = compile_text(text or NOTHING, interpret)
    return Ufunc(module, name or last, threads, statics, text or "")


NOTHING = "fn _(x) = x"  # a program for built-ins


def restore(text, name, threads, statics):
    return Ufunc(compile_text(text or NOTHING)[0], name, threads, statics, text)
