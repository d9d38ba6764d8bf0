"""Calls that are alike: the structs for arrays of these types, shapes and strides are made once, and each call sets their
addresses."""

import ctypes as c

import numpy as np

from . import _interrupt
from ._library import DTYPES, ErrorData, address

MOST = 64  # plans of one function
spare = []  # pointers to structs for errors, 5 KB each


def key_of(arrays, *more):
    """What a plan depends on; None: one of them is no plain array."""
    for a in arrays:
        if type(a) is not np.ndarray:
            return None
        more += a.dtype, a.shape, a.strides
    return more


def key_of_one(a, method, axis, more=None):
    """The same for one array."""
    return (method, axis, more, a.dtype, a.shape, a.strides) if type(a) is np.ndarray else None


def same_key(key, inputs, arrays):
    """The key, if the arrays that are computed with are those that were given."""
    return key if key is not None and all([a is b for a, b in zip(inputs, arrays)]) else None


class Plan:
    """One kind of call: call(error) reads and writes the structs of inputs and results; `kept` has to live as long.
    stoppable: the jit_args of a call that Ctrl-C can end, or None. One thread at a time uses a plan: who calls takes it
    out of its store."""

    def __init__(self, call, inputs, results, stoppable, kept):
        self.call, self.inputs, self.results, self.stoppable, self.kept = call, inputs, results, stoppable, kept
        self.made = [(tuple(r.shape[: r.rank]), np.dtype(DTYPES[r.dtype])) for r in results]
        self.number = None  # where the result is written, if that is one number
        if len(results) == 1 and not self.made[0][0]:
            self.number = np.empty(*self.made[0])
            results[0].data = address(self.number)

    def run(self, arrays):
        """The results; None: it failed, and the long way tells why."""
        for struct, a in zip(self.inputs, arrays):
            struct.data = address(a)
        if self.number is None:
            made = [np.empty(*m) for m in self.made]
            for struct, a in zip(self.results, made):
                struct.data = address(a)
        error = spare.pop() if spare else c.byref(ErrorData())
        wrong = _interrupt.run(self.call, error, self.stoppable)
        spare.append(error)
        if wrong:
            return None
        if self.number is not None:
            return self.number[()]
        if len(made) == 1:
            return made[0]
        return tuple([a if a.ndim else a[()] for a in made])
