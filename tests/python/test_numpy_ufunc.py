"""fusejit.vectorize: numpy.ufunc objects on our kernels, which NumPy itself runs in every way that it knows."""

import itertools
import warnings

import numpy as np

import fusejit
from checks import expect, finish, raises, same

warnings.simplefilter("error")  # floating-point flags must not show
random = np.random.default_rng(1)
TEXT = "x*2 - y"


def reference(x, y):
    return x * x.dtype.type(2) - y


f = fusejit.vectorize(["float32(float32, float32)", "f64(f64, f64)"])(TEXT)
expect(type(f) is np.ufunc and f.types == ["ff->f", "dd->d"] and f.nin == 2 and f.identity is None, f, f.types)
expect("ans(x, y)" in f.__doc__, f.__doc__)

# ------------------------------------------------------------------ calls
for dtype, n in itertools.product(("float32", "float64"), (0, 1, 7, 8, 9, 33, 1000)):
    x, y = random.standard_normal((2, n)).astype(dtype)
    same(f(x, y), reference(x, y), "a call", dtype, n)
    same(f(x[::-1], y[:1]) if n else f(x, y), reference(x[::-1], y[:1]) if n else x, "strides", dtype, n)
    same(f(x, y, out=x.copy()), reference(x, y), "in place", dtype, n)
    wide = np.zeros((3, 2 * n), dtype)
    f(x, y, out=wide[1, ::2])
    same(wide[1, ::2], reference(x, y), "into every second", dtype, n)
    expect(not wide[0].any() and not wide[1, 1::2].any() and not wide[2].any(), "nothing else is written")
    packed = np.frombuffer(b"x" + x.tobytes(), dtype, offset=1)  # unaligned
    same(f(packed, y), reference(x, y), "unaligned", dtype, n)
same(f(np.int32([1, 2]), np.int8(1)), np.float64([1, 3]), "a safe cast")
same(f(np.float16([1]), np.float16(1)), np.float32([1]), "another one")
raises(TypeError, "", f, np.array([1j]), 1)
grid = random.standard_normal((6, 7, 8))
same(f(grid.transpose(2, 0, 1), grid.transpose(2, 0, 1)[::-1]), reference(grid.transpose(2, 0, 1), grid.transpose(2, 0, 1)[::-1]),
     "a transposed array")
mask = grid > 0
got = f(grid, 1.0, where=mask, out=np.full(grid.shape, 5.0))
same(got, np.where(mask, 2 * grid - 1, 5), "where")
same(f(np.float64(3), 1.0), np.float64(5), "numbers")

# ------------------------------------------------------------------ NumPy's own methods call the loop in order
python = np.frompyfunc(lambda x, y: x * 2 - y, 2, 1)
for dtype, shape in itertools.product(("float32", "float64"), ((1,), (9,), (100,), (5, 40), (40, 5), (3, 4, 5))):
    x = random.integers(-2, 3, shape).astype(dtype)
    x.flat[40:] = 0
    for axis in range(len(shape)):
        with np.errstate(over="ignore"):
            wanted = python.reduce(x.astype(object), axis=axis)
            if np.abs(np.asarray(wanted, float)).max(initial=0) < 2**20:
                same(f.reduce(x, axis=axis), np.asarray(wanted).astype(dtype) if len(shape) > 1 else np.dtype(dtype).type(wanted),
                     "reduce", dtype, shape, axis)
            short = x[tuple(slice(0, 9) for _ in shape)]
            same(f.accumulate(short, axis=axis), python.accumulate(short.astype(object), axis=axis).astype(dtype),
                 "accumulate", dtype, shape, axis)
x = np.arange(6.0)
same(f.outer(x, x), 2 * x[:, None] - x, "outer")
same(f.reduceat(x, [0, 3, 1]), np.float64([2 * (2 * 0 - 1) - 2, 3, 2 * (2 * (2 * (2 * 1 - 2) - 3) - 4) - 5]), "reduceat")
y = x.copy()
f.at(y, [1, 1, 4], 1.0)
same(y, [0, 2 * (2 * 1 - 1) - 1, 2, 3, 7, 5.0], "at")

# ------------------------------------------------------------------ identities, threads, types
plus = fusejit.vectorize(["int64(int64, int64)", "float64(float64, float64)"])("x + y")
times = fusejit.vectorize("float64(float64, float64)")("fn mul(x, y) = y*x")
expect(plus.identity == 0 and times.identity == 1 and times.__name__ == "mul", plus.identity, times.identity)
same(plus.reduce(np.empty((0, 2), int)), np.zeros(2, int), "nothing")
same(plus.reduce(np.arange(12).reshape(3, 4), axis=(0, 1)), np.int64(66), "several axes")
both = fusejit.vectorize(["int32(int64, int64)"])("i32(x & y)")
same(both(np.int64([6]), 3), np.int32([2]), "a result of another type")
less = fusejit.vectorize(["boolean(float32, float32)"])("x < y")
same(less(np.float32([1, 2]), np.float32(1.5)), [True, False], "a comparison")
hidden = fusejit.vectorize(["float32(float32)"])("fn swish(x; beta = 1) = x/(1 + exp(-beta*x))")
x = random.standard_normal(200001).astype("float32")
same(hidden(x), fusejit.ufunc("fn swish(x; beta = 1) = x/(1 + exp(-beta*x))")(x), "a default")
parallel = fusejit.vectorize(["float32(float32)"], target="parallel")("fn swish(x; beta = 1) = x/(1 + exp(-beta*x))")
same(parallel(x), hidden(x), "parallel")
same(parallel(x[::3]), hidden(x[::3]), "parallel with strides")
sharp = fusejit.vectorize(["float32(float32)"])("fn swish(x; act: fn) = act(x)", "swish", act="relu")
same(sharp(x), np.maximum(x, 0), "an fn argument")
root = fusejit.vectorize(["float32(float32)", "float64(float64)"])("sqrt(log(x))/(x - 1)")
with np.errstate(all="raise"):
    got = root(np.float64([-1, 0, 1, 2, np.inf, 1e308, np.nan]))
expect(np.isnan(got[0]) and np.isnan(got[6]), "no floating-point flag is left:", got)
dynamic = fusejit.vectorize()("x + y")
expect(type(dynamic) is fusejit.Ufunc, "without signatures")
same(dynamic(np.float32([1]), 1), np.float32([2]), "without signatures")

# ------------------------------------------------------------------ refusals
raises(ValueError, "is written as", fusejit.vectorize, ["float64, float64"])
raises(ValueError, "unknown type", fusejit.vectorize, ["float64(flot64)"])
raises(ValueError, "has 2 arguments, and a signature 1", fusejit.vectorize(["float64(float64)"]), "x + y")
raises(ValueError, "target is", fusejit.vectorize, ["float64(float64)"], target="cuda")
raises(fusejit.Error, "needs a default", fusejit.vectorize(["float64(float64)"]), "fn f(x; a) = a*x")
raises(fusejit.Error, "of numbers", fusejit.vectorize(["float64(float64)"]), "fn f(x: [n]) = sum(x)")
raises(fusejit.Error, "cannot be stored as i32", fusejit.vectorize(["int32(float64)"]), "x + 1")
finish("numpy.ufunc")
