"""reduce, accumulate, reduceat, outer, at and where against NumPy's: axes, keepdims, initial, where, element types,
empty arrays, layouts, outputs given, indices that occur again; and the same bits for any number of threads."""

import itertools

import numpy as np

from fusejit_library import (N_LAYOUTS, Refused, expect, expect_close, finish, lay_out, seed)
from ufunc_library import Ufunc

random = np.random.default_rng(seed())
PAIRS = {  # ours, NumPy's
    "add": ("fn f(x, y) = x + y", np.add),
    "multiply": ("fn f(x, y) = y*x", np.multiply),
    "subtract": ("fn f(x, y) = x - y", np.subtract),
    "divide": ("fn f(x, y) = x/y", np.divide),
    "maximum": ("fn f(x, y) = max(x, y)", np.maximum),
    "minimum": ("fn f(x, y) = min(y, x)", np.minimum),
    "fmax": ("fn f(x, y) = fmax(x, y)", np.fmax),
    "hypot": ("fn f(x, y) = hypot(x, y)", np.hypot),
    "bitwise_and": ("fn f(x, y) = x & y", np.bitwise_and),
    "bitwise_or": ("fn f(x, y) = x | y", np.bitwise_or),
    "bitwise_xor": ("fn f(x, y) = x ^ y", np.bitwise_xor),
    "logical_and": ("fn f(x, y) = x && y", np.logical_and),
    "logical_or": ("fn f(x, y) = x || y", np.logical_or),
}
OURS = {name: Ufunc(text) for name, (text, _) in PAIRS.items()}
INEXACT = {"divide": 4, "hypot": 4}  # ulp of the largest value, and its steps
SHAPES = [(), (1,), (5,), (70,), (4, 5), (3, 1), (0,), (0, 3), (3, 0), (2, 3, 4), (2, 0, 4), (3, 2, 4, 2)]


def whole(shape, dtype="float64"):
    """1 and 2, and the same below 0: sums and products of them are exact."""
    if dtype == "bool":
        return np.asarray(random.integers(0, 2, shape), bool)
    x = random.integers(1, 3, shape)
    return np.asarray(x * random.choice([-1, 1], shape) if np.dtype(dtype).kind in "fi" else x, dtype)


def numpy_or_none(function):
    try:
        with np.errstate(all="ignore"):
            return function()
    except (ValueError, TypeError, IndexError):
        return None


def same(name, ours, wanted, *what):
    """What NumPy gives, or an error where it raises one."""
    try:
        got = ours()
    except Refused as e:
        expect(wanted is None, name, *what, "is refused:", e.args[1])
        return
    if wanted is None:
        expect(False, name, *what, "gave", got.shape, got.dtype, "where NumPy has none")
        return
    wanted = np.asarray(wanted)
    expect(got.dtype == wanted.dtype, name, *what, "is", got.dtype, "not", wanted.dtype)
    bound = 0
    if name in INEXACT and wanted.dtype.kind == "f":
        bound = INEXACT[name] * np.finfo(wanted.dtype).eps * np.abs(wanted)
    expect_close(got, wanted, bound, name, *what)


def types_of(name):
    if name.startswith("bitwise"):
        return ("bool", "int8", "uint16", "int64")
    if name.startswith("logical"):
        return ("bool",)
    if name in ("hypot", "fmax"):
        return ("float32", "float64")
    return ("float64", "float32", "int32", "uint8", "int64") + (("bool",) if name in ("add", "multiply") else ())


def axes_of(rank, one):
    yield from range(-rank, rank)
    if not one:
        yield None
        yield ()
        for n in range(2, rank + 1):
            yield from itertools.permutations(range(rank), n)


# ------------------------------------------------------------------ reduce
ONE_AXIS = ("subtract", "divide")  # NumPy reduces these over one axis alone
for name, (text, theirs) in PAIRS.items():
    for shape, dtype in itertools.product(SHAPES, types_of(name)):
        x = whole(shape, dtype)
        for axis in axes_of(len(shape), name in ONE_AXIS):
            for keepdims in (False, True):
                wanted = numpy_or_none(lambda: theirs.reduce(x, axis=axis, keepdims=keepdims))
                same(name, lambda: OURS[name].reduce(x, axis=axis, keepdims=keepdims), wanted, "reduce", shape, axis, dtype)
        if len(shape) == 0:
            continue
        for initial, mask in itertools.product((None, 2), (None, shape, shape[-1:], (1,) * len(shape))):
            where = None if mask is None else random.integers(0, 2, mask).astype(bool)
            if name == "hypot" and initial is None and mask is None:
                continue
            options = dict(axis=-1)
            if initial is not None:
                options["initial"] = initial if dtype != "bool" or name in ("add", "multiply") else True
            masked = dict(options, **({} if where is None else {"where": where}))
            wanted = numpy_or_none(lambda: theirs.reduce(x, **masked))
            same(name, lambda: OURS[name].reduce(x, **masked), wanted, "reduce", shape, dtype, options, where)
            masked["axis"] = 0
            wanted = numpy_or_none(lambda: theirs.reduce(x, **masked))
            same(name, lambda: OURS[name].reduce(x, **masked), wanted, "reduce", shape, dtype, options, where)

x = whole((4, 3, 5), "int16")
for dtype in ("int16", "int32", "float32", "float64", "uint8"):
    same("add", lambda: OURS["add"].reduce(x, dtype=dtype), np.add.reduce(x, dtype=dtype), "to", dtype)
    out = np.zeros((3, 5), dtype)
    same("add", lambda: OURS["add"].reduce(x, out=out), np.add.reduce(x, out=np.zeros((3, 5), dtype)), "into", dtype)
for how, shape in itertools.product(range(N_LAYOUTS), ((4, 5), (2, 3, 4), (5, 1, 4))):
    x = lay_out(whole(shape), how, random)
    mask = lay_out(random.integers(0, 2, shape).astype(bool), (how + 1) % N_LAYOUTS, random)
    for axis in axes_of(len(shape), False):
        expect_close(OURS["add"].reduce(x, axis=axis), np.add.reduce(x, axis=axis), 0, "layout", how, axis)
        expect_close(OURS["add"].reduce(x, axis=axis, where=mask), np.add.reduce(x, axis=axis, where=mask), 0, "mask", how, axis)
        wanted = np.maximum.reduce(x, axis=axis, keepdims=True)
        out = lay_out(np.full(wanted.shape, 99.0), how, random)
        expect(OURS["maximum"].reduce(x, axis=axis, keepdims=True, out=out) is out, "an output is returned")
        expect_close(out, wanted, 0, "into layout", how, axis)
    for axis in axes_of(len(shape), True):
        expect_close(OURS["subtract"].reduce(x, axis=axis), np.subtract.reduce(x, axis=axis), 0, "layout", how, axis)
        wanted = np.subtract.accumulate(x, axis=axis)
        out = lay_out(np.full(shape, 99.0), how, random)
        OURS["subtract"].accumulate(x, axis=axis, out=out)
        expect_close(out, wanted, 0, "accumulate into layout", how, axis)

# ------------------------------------------------------------------ any function, in order
poly = Ufunc("fn f(x, y; a = 3) { var s = x  var i = 0  while i < 2 { s = a*s - y  i += 1 }  return s }")
reference = np.frompyfunc(lambda x, y: 3 * (3 * x - y) - y, 2, 1)
for shape in ((7,), (3, 5), (40, 3), (2, 3, 4)):
    x = whole(shape)
    for axis in range(-len(shape), len(shape)):
        wanted = reference.reduce(x.astype(object), axis=axis)
        expect_close(poly.reduce(x, axis=axis), np.asarray(wanted, float), 0, "poly", shape, axis)
        wanted = reference.accumulate(x.astype(object), axis=axis)
        expect_close(poly.accumulate(x, axis=axis), wanted.astype(float), 0, "poly accumulate", shape, axis)
for dtype, (shape, axis) in itertools.product(("float32", "float64", "int64"), (((5, 9), 0), ((7, 9000), 0), ((3, 4, 40), 1),
                                                                               ((3, 4, 2, 20), 1), ((2, 3, 4), 0))):
    x = whole(shape, dtype)  # rows that are long, and several pieces long
    index = random.integers(0, shape[axis], 4)
    for how in range(N_LAYOUTS):
        y = lay_out(x, how, random)
        for name in ("subtract", "maximum"):
            theirs = PAIRS[name][1]
            for threads in (1, 2):
                expect_close(OURS[name].reduce(y, axis=axis, threads=threads), theirs.reduce(x, axis=axis), 0, name, "rows", shape, how)
                expect_close(OURS[name].reduce(y, axis=axis, initial=3, threads=threads), theirs.reduce(x, axis=axis, initial=3), 0,
                             name, "rows, initial", shape, how)
                expect_close(OURS[name].accumulate(y, axis=axis, threads=threads), theirs.accumulate(x, axis=axis), 0, name,
                             "rows accumulate", shape, how)
                expect_close(OURS[name].reduceat(y, index, axis=axis, threads=threads), theirs.reduceat(x, index, axis=axis), 0,
                             name, "rows reduceat", shape, how)
        into = y.copy() if how == 0 else y
        OURS["subtract"].accumulate(into, axis=axis, out=into)
        expect_close(into, np.subtract.accumulate(x, axis=axis), 0, "accumulate in place", shape, how)
x = whole((3, 4, 2))
expect_close(OURS["subtract"].reduce(x, axis=(2, 0)), np.subtract.reduce(x.transpose(1, 0, 2).reshape(4, 6), axis=1), 0,
             "several axes in C order")
names = Ufunc("const n = 2  const m = 3  fn x(x, y; i = 1, j = 2, s = 3, where = 4) = i*x + j*y - s*where", "x")
expect_close(names.reduce(whole((4, 3)) * 0 + 1), np.full(3, 1 + 3 * (2 - 12.0)), 0, "names that are ours too")

x = random.standard_normal(5000).astype("float32")
for text in ("fn f(x, y) @seq = x + y", "fn f(x, y) = x + y + 0*x"):
    expect_close(Ufunc(text).reduce(x), np.add.accumulate(x)[-1], 0, text, "is from left to right")
expect_close(OURS["add"].accumulate(x), np.add.accumulate(x), 0, "accumulate is from left to right")
for shape, axes in (((3, 4, 5), (0, 2)), ((3, 1, 4, 5), (0, 3)), ((2, 3, 4, 5), (0, 2)), ((2, 3, 1, 5), (3, 1, 0)), ((2, 3, 4, 5, 2), (0, 2, 4)),
                    ((40, 30, 50), (2, 0))):  # axes that lie apart
    for dtype, how in itertools.product(("float32", "int16", "float64"), range(N_LAYOUTS)):
        plain = whole(shape, dtype)
        x, mask = lay_out(plain, how, random), lay_out(random.integers(0, 2, shape).astype(bool), (how + 1) % N_LAYOUTS, random)
        for keepdims in (False, True):
            expect_close(OURS["add"].reduce(x, axis=axes, keepdims=keepdims), np.add.reduce(x, axis=axes, keepdims=keepdims), 0, "apart", shape, how)
            expect_close(OURS["add"].reduce(x, axis=axes, where=mask, initial=3, keepdims=keepdims),
                         np.add.reduce(x, axis=axes, where=mask, initial=3, keepdims=keepdims), 0, "apart, where, initial", shape, how)
            expect_close(OURS["maximum"].reduce(x, axis=axes, where=mask, initial=-5, keepdims=keepdims),
                         np.maximum.reduce(x, axis=axes, where=mask, initial=-5, keepdims=keepdims), 0, "apart, maximum", shape, how)
        expect(OURS["add"].reduce(x, axis=axes, dtype="float16").dtype == "float16", "apart, halves")
        if plain.dtype.kind == "f":
            y = random.standard_normal(shape).astype(dtype)
            expect(OURS["add"].reduce(lay_out(y, how, random), axis=axes, threads=2).tobytes() ==
                   OURS["add"].reduce(y, axis=axes).tobytes(), "apart, any layout", shape, how)
BLOCK = 1 << 16  # elements: longer axes are reduced in blocks, on several threads
for n, dtype in itertools.product((BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 9 * BLOCK + 7), ("float32", "float64", "int32")):
    x = (100 * random.standard_normal(n)).astype(dtype)
    mask = random.integers(0, 2, n).astype(bool)
    apart = np.zeros((n, 2), dtype)
    apart[:, 1] = x
    rows = np.stack([x, -x])
    parts = np.array([OURS["add"].reduce(x[i : i + BLOCK]) for i in range(0, n, BLOCK)])
    wanted = OURS["add"].reduce(parts)
    double = x.astype("float64" if np.dtype(dtype).kind == "f" else "int64")
    bound = np.finfo(dtype).eps * 64 * np.abs(double).sum() if np.dtype(dtype).kind == "f" else 0
    expect_close(wanted, double.sum().astype(wanted.dtype), bound / 16, "a long sum", n, dtype)
    for threads in (1, 2, 3, 7):
        def reduced(name, x, **options):
            return OURS[name].reduce(x, threads=threads, **options)
        for y in (x, apart[:, 1], x[::-1].copy()[::-1]):
            expect(reduced("add", y).tobytes() == wanted.tobytes(), "a long sum", n, dtype, threads, y.strides)
            expect(reduced("maximum", y) == x.max(), "a long maximum", n, dtype, threads)
        expect_close(reduced("add", rows, axis=1, keepdims=True), np.array([[wanted], [-wanted]]), 0, "rows", n, dtype, threads)
        expect_close(reduced("add", rows.T, axis=0), np.array([wanted, -wanted]), bound, "columns", n, dtype, threads)
        if n % 4 == 0:
            expect(reduced("add", x.reshape(4, -1), axis=None).tobytes() == wanted.tobytes(), "all axes", n, dtype, threads)
        expect_close(reduced("add", x, initial=7), (wanted + 7).astype(wanted.dtype), 0, "a long sum, initial", n, dtype, threads)
        expect_close(reduced("add", x, where=mask, initial=7), (double[mask].sum() + 7).astype(wanted.dtype), bound, "where", n, dtype)
        expect_close(reduced("add", np.where(mask, x, 0).astype(dtype)), reduced("add", x, where=mask), 0, "where is 0", n, dtype)
        for initial in (1000, -1000, 5):
            greatest = np.maximum.reduce(x, where=mask, initial=initial)
            expect(reduced("maximum", x, where=mask, initial=initial) == greatest, "maximum where", n, dtype, initial)
        expect(reduced("maximum", x, where=np.zeros(1, bool), initial=5) == 5, "where is nothing", n, dtype)
        if np.dtype(dtype).kind == "f":
            y = x.copy()
            y[n - 2] = np.nan
            expect(np.isnan(reduced("maximum", y)) and np.isnan(reduced("add", y)), "NaN of a long axis", n, dtype, threads)
x = random.standard_normal(BLOCK + 9).astype("float32")
for threads in (1, 2):
    expect_close(Ufunc("fn f(x, y) @seq = x + y").reduce(x, threads=threads), np.add.accumulate(x)[-1], 0, "@seq has no blocks")
half = whole((3, 4), "float16")
expect(OURS["add"].reduce(half).dtype == "float32", "halves are summed as f32")
same("add", lambda: OURS["add"].reduce(half, dtype="float16"), np.add.reduce(half), "halves on request")

# ------------------------------------------------------------------ accumulate, reduceat
for name, (text, theirs) in PAIRS.items():
    for shape, dtype in itertools.product(SHAPES, types_of(name)):
        x = whole(shape, dtype)
        for axis in range(-len(shape), len(shape)):
            wanted = numpy_or_none(lambda: theirs.accumulate(x, axis=axis))
            same(name, lambda: OURS[name].accumulate(x, axis=axis), wanted, "accumulate", shape, axis, dtype)
            n = shape[axis]
            for k in (0, 1, 2, 6):
                index = random.integers(0, max(n, 1), k)
                wanted = numpy_or_none(lambda: theirs.reduceat(x, index, axis=axis))
                same(name, lambda: OURS[name].reduceat(x, index, axis=axis), wanted, "reduceat", shape, axis, index, dtype)
for name, dtype in itertools.product(("add", "maximum", "multiply", "subtract"), ("float32", "float64", "int32")):
    x = whole((2, 20001), dtype) if name != "multiply" else np.ones((2, 20001), dtype)
    for index in ([0, 4096, 12000], [7, 4200], [0, 4095, 12000], [9000, 1000, 6000]):
        for how in range(N_LAYOUTS):
            y = lay_out(x, how, random)
            wanted = PAIRS[name][1].reduceat(x, index, axis=1)
            expect_close(OURS[name].reduceat(y, np.array(index), axis=1), wanted, 0, name, "long ranges", index, how)
            expect_close(OURS[name].reduceat(y[0], np.array(index)), wanted[0], 0, name, "long ranges", index, how)
x = random.standard_normal(30000).astype("float32")
expect(OURS["add"].reduceat(x, np.array([0, 9000])).tobytes() ==
       np.array([OURS["add"].reduce(x[:9000]), OURS["add"].reduce(x[9000:])]).tobytes(), "long ranges are summed as reduce does")
x = random.standard_normal((3, 5 * BLOCK)).astype("float32")
for index in (np.arange(0, 5 * BLOCK, 300), np.array([9, 7, 7, 60000, 1000, 5 * BLOCK - 1]), np.array([0, 200000, 200000, 100000])):
    ends = np.append(index[1:], 5 * BLOCK)
    wanted = [OURS["add"].reduce(x[:, a : max(a + 1, b)], axis=1) for a, b in zip(index, ends)]
    for threads in (1, 2, 3):
        got = OURS["add"].reduceat(x, index, axis=1, threads=threads)
        expect(got.tobytes() == np.stack(wanted, 1).tobytes(), "ranges are summed as reduce does", index[:4], threads)
        got = OURS["maximum"].reduceat(x, index, axis=1, threads=threads)
        expect_close(got, np.maximum.reduceat(x, index, axis=1), 0, "maxima of ranges", index[:4], threads)
    expect_close(OURS["subtract"].reduceat(x[0], index), np.subtract.reduceat(x[0], index), 0, "differences of ranges", index[:4])
for n in range(1, 12):  # four at a time, and the rest
    index = np.arange(0, 1000, n)
    expect_close(OURS["subtract"].reduceat(x[0, :1000], index), np.subtract.reduceat(x[0, :1000], index), 0, "ranges of", n)
    expect_close(OURS["maximum"].reduceat(x[0, :1000], index), np.maximum.reduceat(x[0, :1000], index), 0, "ranges of", n)
x = whole((5, 3))
for index in ([0, 5], [-1], [2**40], np.array([2**63], "uint64")):
    same("add", lambda: OURS["add"].reduceat(x, np.asarray(index)), None, index)

# ------------------------------------------------------------------ outer, where
for (name, (text, theirs)), a, b in itertools.product(PAIRS.items(), SHAPES[:8], SHAPES[:8]):
    dtype = types_of(name)[0]
    x, y = whole(a, dtype), whole(b, dtype)
    same(name, lambda: OURS[name].outer(x, y), numpy_or_none(lambda: theirs.outer(x, y)), "outer", a, b)
for shape, how in itertools.product(SHAPES, range(N_LAYOUTS)):
    x, y = lay_out(whole(shape), how, random), whole(shape[-1:])
    where = lay_out(random.integers(0, 2, shape).astype(bool), how, random)
    out = lay_out(whole(shape), how, random)
    wanted = np.where(where, x - y, out)
    expect_close(OURS["subtract"](x, y, where=where), np.where(where, x - y, 0), 0, "where", shape)
    OURS["subtract"](x, y, where=where, out=out)
    expect_close(out, wanted, 0, "where, into", shape)
    wanted = np.where(where, x / y, x)
    OURS["divide"](x, y, where=where, out=x)
    expect_close(x, wanted, 0, "where, in place", shape)
x = whole((4, 1))
expect_close(OURS["add"](x, x, where=np.array([True, False, True])), (x + x) * [1, 0, 1], 0, "a mask broadcasts the result")
out = np.full((2, 3), 0.1, "float64")
OURS["add"](np.float32([1, 2, 3]), np.float32(1), where=np.array([[True], [False]]), out=out)
expect_close(out, [[2, 3, 4], [0.1] * 3], 0, "a wider output keeps its values")

# ------------------------------------------------------------------ at
for name, dtype in (("add", "float64"), ("subtract", "float32"), ("maximum", "int32"), ("multiply", "int64"), ("bitwise_or", "bool")):
    theirs = PAIRS[name][1]
    for shape, k, how in itertools.product(((1,), (7,), (4, 5), (2, 3, 4)), (0, 1, 9, 3000), range(N_LAYOUTS)):
        k = k if len(shape) < 3 or k < 100 else 50
        for n in range(1, len(shape) + 1):
            index = tuple(random.integers(-shape[i], shape[i], k) for i in range(n))
            x = lay_out(whole(shape, dtype), how, random)
            y = whole((k,) + shape[n:], dtype) if how % 2 else whole((), dtype)
            wanted = x.copy()
            with np.errstate(all="ignore"):
                theirs.at(wanted, index, y)
            OURS[name].at(x, index, y)
            expect_close(x, wanted, 0, name, "at", shape, k, n, how)
for name, dtype in (("add", "float32"), ("multiply", "float64"), ("maximum", "int64")):  # packed, many places
    theirs = PAIRS[name][1]
    for index in (random.integers(-50, 50, 200001), random.integers(0, 50, 200001), random.integers(0, 50, (3, 7)),
                  random.integers(0, 50, 1000).astype("uint16"), random.integers(0, 50, 2000)[::-2]):
        for y in (whole((), dtype), whole(index.shape, dtype), whole(index.shape[-1:], dtype)):
            x = whole((50,), dtype)
            wanted = x.copy()
            with np.errstate(all="ignore"):
                theirs.at(wanted, index, np.broadcast_to(y, index.shape).copy())  # 2.4 reads beyond a y of fewer axes
            OURS[name].at(x, (index,), y)
            expect_close(x, wanted, 0, name, "at packed", index.shape, index.dtype, y.shape)
for how, shape in itertools.product(range(N_LAYOUTS), ((6, 40), (3, 4, 33))):  # whole rows
    index = random.integers(-3, 3, 9)
    for y in (whole(()), whole(shape[1:]), whole((9,) + shape[1:]), lay_out(whole((9,) + shape[1:]), how, random)):
        x = lay_out(whole(shape), how, random)
        wanted = x.copy()
        np.subtract.at(wanted, index, y)
        OURS["subtract"].at(x, (index,), y)
        expect_close(x, wanted, 0, "at rows", shape, y.shape, how)
index = random.integers(0, 5, 300)
x, wanted, y = whole((5,)), None, whole((300,))
wanted = x.copy()
for i, v in zip(index, y):
    wanted[i] = 0.5 * (wanted[i] - v)
Ufunc("fn f(x, y; z = 0.5) { var s = x  for k in 0 .. 1 { s = z*(s - y) }  return s }").at(x, (index,), y)
expect_close(x, wanted, 0, "at of a function with a loop and an argument that is called as ours")
x = np.arange(6)
OURS["add"].at(x, (x,), np.int64(1))
expect_close(x, np.arange(6) + 1, 0, "at indexed by itself")
negative = Ufunc("fn f(x) = -x")
x = whole((5,))
wanted = x.copy()
np.negative.at(wanted, [0, 1, 1, 4])
negative.at(x, (np.array([0, 1, 1, 4]),))
expect_close(x, wanted, 0, "at of one argument")
x = np.arange(4.0)
OURS["add"].at(x, (np.array([[0, 1], [2, 3]]), ), x[::-1].reshape(2, 2))
expect_close(x, np.full(4, 3.0), 0, "at with itself")
for index in ([4], [-5], [0, 9]):
    before = x.copy()
    same("add", lambda: OURS["add"].at(x, (np.array(index),), np.float64(1)), None, "at", index)
    expect_close(x, before, 0, "nothing is written before all indices are checked")

# ------------------------------------------------------------------ threads
for name, dtype in (("add", "float32"), ("multiply", "float64"), ("hypot", "float32"), ("subtract", "float64")):
    for shape in ((300000,), (1000, 300), (300, 1000), (20, 100, 150)):
        x = (random.standard_normal(shape) * 0.01 + 1).astype(dtype)
        for axis in itertools.chain(range(len(shape)), [None]):
            one = OURS[name].reduce(x, axis=axis)
            for threads in (2, 3):
                more = OURS[name].reduce(x, axis=axis, threads=threads)
                expect(one.tobytes() == more.tobytes(), name, shape, axis, "differs with", threads, "threads")
            if axis is not None:
                one, more = OURS[name].accumulate(x, axis=axis), OURS[name].accumulate(x, axis=axis, threads=2)
                expect(one.tobytes() == more.tobytes(), name, shape, axis, "accumulate differs with threads")
            x_again = np.asfortranarray(x)
            expect(OURS[name].reduce(x_again, axis=axis).tobytes() == OURS[name].reduce(x, axis=axis).tobytes(), name,
                   "differs with the layout")
x = (random.standard_normal(1000000)).astype("float32")
expect_close(OURS["add"].reduce(x), np.sum(x.astype("float64")), 1e-2, "a long sum")
finish("ufunc")
