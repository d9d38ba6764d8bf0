"""Programs of the language and their functions, called on NumPy arrays; models in files."""

import ctypes as c
import os
import re
from functools import partial

from . import _interrupt
from ._library import (ARRAYS, COPY_OVERLAP, MAX_OPERANDS, Args, Array, Error, ErrorData, FunctionInfo, ModelData, Options,
                       Static, as_arrays, describe, failure, lib, output, take)
from ._plans import MOST, Plan, key_of, same_key


def texts(pointer, n):
    return [pointer[i].decode() for i in range(n)]


class Module:
    """A compiled program of the library, released with its last user if it is its own: not that of a model. loops: a call
    of few elements may take long, too."""

    def __init__(self, pointer, owned=True, loops=True):
        self.pointer, self.owned, self.loops = pointer, owned, loops
        self.handle = c.c_void_p(pointer)

    def __del__(self, release=lib.release):
        if getattr(self, "owned", False):
            release(self.pointer)

    def find(self, name):
        info, err = FunctionInfo(), ErrorData()
        if lib.function_find(self.pointer, name.encode(), c.byref(info), c.byref(err)):
            raise failure(err)
        return info

    def names(self):
        info = FunctionInfo()
        found = []
        for i in range(lib.function_count(self.pointer)):
            if lib.function_at(self.pointer, i, c.byref(info)) == 0:
                found.append(info.name.decode())
        return found


def compile_text(text, interpret=False):
    """A module; and the name of its last function, "ans" if the text is an expression."""
    if not isinstance(text, str):
        raise TypeError("a function is given as text, such as 'x*2 + 1', not as %s" % type(text).__name__)
    err = ErrorData()
    options = Options(size=c.sizeof(Options), interpret=int(interpret))
    without_comments = re.sub(r"#[^\n]*", "", text)
    if re.search(r"\bfn\b", without_comments):
        pointer = lib.compile(text.encode(), c.byref(options), c.byref(err))
    else:
        pointer = lib.compile_expression(None, text.encode(), c.byref(options), c.byref(err))
    if not pointer:
        raise failure(err)
    module = Module(pointer, loops=bool(re.search(r"\b(for|while)\b", without_comments)))
    names = module.names()
    return module, names[-1] if names else None


def make_statics(values):
    """An array of jit_static for `fn` arguments (names of functions) and `dim` arguments (numbers)."""
    statics = (Static * max(1, len(values)))()
    for to, (name, value) in zip(statics, values.items()):
        to.name = name.encode()
        if isinstance(value, str):
            to.function = value.encode()
        else:
            to.dim = int(value)
    return statics


class Function:
    """A function of a program. Arguments are arrays or numbers: core axes last, those in front broadcast. Uniform
    arguments are given by name; `out` is an array, or a tuple of arrays and None; `threads` as many as may be used, -1
    for all cores."""

    def __init__(self, module, name, threads=1, statics=None, model=None):
        info = module.find(name)
        self._module, self._encoded, self._model = module, name.encode(), model
        self.threads, self.statics = threads, dict(statics or {})
        self.__name__, self.signature = name, info.signature.decode()
        self.nin, self.nout, self.nargs = info.n_in, info.n_out, info.n_in + info.n_out
        self.arguments = texts(info.in_name, info.n_in)
        self._ranks = [info.in_rank[i] for i in range(info.n_in)]
        self._kinds = dict(zip(texts(info.uniform_name, info.n_uniform), texts(info.uniform_type, info.n_uniform)))
        self._optional = [info.uniform_has_default[i] for i in range(info.n_uniform)]
        self.uniforms = [name for name, kind in self._kinds.items() if kind not in ("fn", "dim")]
        self.__doc__ = "fusejit: " + self.signature
        for unknown in self.statics.keys() - self._kinds.keys():
            raise TypeError("%s has no argument '%s' after `;`" % (name, unknown))
        self._c_statics, self._plans = make_statics(self.statics), {}

    def __repr__(self):
        return "<%s %s>" % (type(self).__name__.lower(), self.signature)

    def _settings(self, threads, given):
        """The part of jit_args that is not arrays; `given`: values of uniform arguments."""
        args = Args(threads=self.threads if threads is None else threads, options=COPY_OVERLAP,
                    statics=self._c_statics, n_statics=len(self.statics))
        if self._model is not None:
            args.params = self._model.params
        if not given:
            return args
        n = len(self.uniforms)
        values, chosen = (c.c_double * n)(), (c.c_uint8 * n)()
        for name, value in given.items():
            if name not in self.uniforms:
                raise TypeError("%s has no uniform argument '%s' (%s)" % (self.__name__, name, self.signature))
            values[self.uniforms.index(name)] = value
            chosen[self.uniforms.index(name)] = 1
        args.uniform, args.uniform_set, args.n_uniform = values, chosen, n
        return args

    def _outputs(self, out):
        """What is given for each result: arrays or None."""
        given = out if isinstance(out, tuple) else (out,) + (None,) * (self.nout - 1)
        if len(given) != self.nout:
            raise ValueError("%s has %d results, and `out` %d" % (self.__name__, self.nout, len(given)))
        return given

    def _is_long(self, arrays, least=_interrupt.SIZE):
        """Whether a call may take so long that Ctrl-C is to be heeded meanwhile."""
        return self._module.loops or sum([a.size for a in arrays]) >= least

    def _planned(self, key, arrays):
        """The results of a call that is like an earlier one, or None."""
        plans = self._plans.get(key)
        try:
            plan = plans.pop()
        except (AttributeError, IndexError):  # there is none, or other threads use it
            return None
        result = plan.run(arrays)
        plans.append(plan)
        return result

    def _plan(self, key, call, inputs, results, stoppable, kept=None):
        """Keeps the structs of a call that went well, for others like it."""
        if key is None:
            return
        if len(self._plans) >= MOST:
            self._plans.clear()
        self._plans.setdefault(key, []).append(Plan(call, list(inputs), list(results), stoppable, kept))

    def _run(self, arrays, args, out, call, key=None):
        """Fills args with the operands, runs call(error), returns the results. key: that of a plan to be made."""
        if len(arrays) > MAX_OPERANDS or not arrays:
            raise TypeError("%s has %d arguments, not %d" % (self.__name__, self.nin, len(arrays)))
        given = self._outputs(out)
        inputs = ARRAYS[len(arrays)](*[describe(a) for a in arrays])
        results = ARRAYS[self.nout](*[Array(rank=-1) if x is None else output(x) for x in given])
        args.input, args.n_in, args.out, args.n_out = inputs, len(arrays), results, self.nout
        stoppable = args if self._is_long(arrays) else None
        err = ErrorData()
        if _interrupt.run(call, c.byref(err), stoppable):
            raise failure(err)
        made = tuple([take(results[i]) if x is None else x for i, x in enumerate(given)])
        self._plan(key, call, inputs, results, stoppable)
        return made if self.nout > 1 else made[0]

    def __call__(self, *inputs, out=None, threads=None, **uniforms):
        key = None
        if out is None and threads is None and not uniforms:
            key = key_of(inputs)
            result = self._planned(key, inputs)
            if result is not None:
                return result
        arrays, args = as_arrays(inputs), self._settings(threads, uniforms)
        call = partial(lib.call, self._module.handle, self._encoded, c.byref(args))
        return self._run(arrays, args, out, call, same_key(key, inputs, arrays))


class Program:
    """A compiled text; its functions are attributes."""

    def __init__(self, module, threads=1):
        self._module, self._threads, self._functions = module, threads, {}

    def __dir__(self):
        return self._module.names()

    def __repr__(self):
        return "<program of %s>" % ", ".join(self._module.names())

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except Error as e:
            raise AttributeError(str(e)) from None

    def __getitem__(self, name):
        if name not in self._functions:
            self._functions[name] = Function(self._module, name, self._threads)
        return self._functions[name]

    def function(self, name, threads=None, **statics):
        """One with values for its `fn` arguments (names of functions) and `dim` arguments."""
        return Function(self._module, name, self._threads if threads is None else threads, statics)


def compile(text, threads=1, interpret=False):
    """A program of the language: `compile("fn f(x: [n]) = sum(x*x)").f`."""
    module, _ = compile_text(text, interpret)
    return Program(module, threads)


class Model(Function):
    """A network and its parameters; `text` holds what else the file says, names of classes for instance."""

    def __init__(self, pointer, threads):
        self._pointer = pointer
        data = ModelData.from_address(pointer)
        self.params = data.params
        statics = {data.statics[i].name.decode(): data.statics[i].function.decode() if data.statics[i].function
                   else data.statics[i].dim for i in range(data.n_statics)}
        self.text = {data.text[i].name.decode(): data.text[i].text.decode() for i in range(data.n_texts)}
        super().__init__(Module(data.module, owned=False), data.function.decode(), threads, statics, self)

    def __del__(self, free=lib.model_free):
        if getattr(self, "_pointer", None):
            free(self._pointer)


def load(path, threads=1):
    """The model in a .safetensors file: a function of arrays with one sample, or with batch axes in front."""
    err = ErrorData()
    pointer = lib.model_load(os.fsencode(path), None, c.byref(err))
    if not pointer:
        raise failure(err)
    return Model(pointer, threads)
