"""Calls that are like earlier ones, which take a shorter way: other values, other layouts, results of their own, threads."""

import numpy as np

import fusejit
from checks import expect, finish, raises, same, together

random = np.random.default_rng(2)
plus = fusejit.ufunc("x + y")
minus = fusejit.ufunc("x - y")
loop = fusejit.ufunc("fn f(x, y) { var s = x  for i in 0 .. 3 { s = 0.5*s + y }  return s }")


def looped(x, y):
    return 0.5 * (0.5 * (0.5 * x + y) + y) + y


# ------------------------------------------------------------------ the same shapes again
for dtype in ("float32", "float64", "int64"):
    earlier = []
    for shape in ((7,), (7,), (3, 4), (7,), (3, 4), (2, 3, 4)):
        x, y = (10 * random.standard_normal((2,) + shape)).astype(dtype)
        for axis in (0, -1, None):
            with np.errstate(all="ignore"):
                wanted = np.maximum.reduce(x, axis=axis)
            same(fusejit.ufunc("max(x, y)").reduce(x, axis=axis), wanted, "reduce", dtype, shape, axis)
        earlier.append((minus.accumulate(x), np.subtract.accumulate(x)))
        earlier.append((minus.reduceat(x, np.array([0, 1])), np.subtract.reduceat(x, [0, 1])))
        earlier.append((minus.outer(x, y), np.subtract.outer(x, y)))
        earlier.append((minus.reduce(x), np.subtract.reduce(x)))
        a, b = x.copy(), x.copy()
        minus.at(a, np.array([0, 1, 0]), y[:1])
        np.subtract.at(b, np.array([0, 1, 0]), y[:1])
        earlier.append((a, b))
        if dtype != "int64":
            earlier.append((loop(x, y), looped(x, y)))
    for got, wanted in earlier:  # each has memory of its own
        same(got, wanted, "a method again", dtype)
x = np.arange(24.0).reshape(4, 6)
for view in (x, x[:, ::-1], x[:, ::-1], x.T, x.T, x[::2], x[::2]):
    same(minus.accumulate(view), np.subtract.accumulate(view), "another layout")
    same(minus.reduce(view, keepdims=True), np.subtract.reduce(view, keepdims=True), "keepdims")
    same(loop(view, view[::-1]), looped(view, view[::-1]), "a call of another layout")
for again in range(3):
    same(minus.reduce(x.astype(">f8")), np.subtract.reduce(x), "another byte order, again")
    same(loop(x.astype(">f8"), x.astype(">f8")), looped(x, x), "a call of another byte order, again")
    raises(IndexError, "out of range", minus.reduceat, x, np.array([0, 4]))
    raises(IndexError, "out of range", minus.at, x.copy(), np.array([9]), np.ones(1))
    raises(fusejit.Error, "axis 2", minus.reduce, x, axis=2)
locked = x.copy()
minus.at(locked, np.array([1]), np.ones(1))
locked.flags.writeable = False
raises(ValueError, "read-only", minus.at, locked, np.array([1]), np.ones(1))
for again in range(3):  # lists and numbers become arrays of their own each time
    given = [again + 1.0, 2.0, 5.0, 7.0]
    same(minus.reduce(given), np.subtract.reduce(given), "reduce of a list, again")
    same(minus.reduceat(x, [0, 2, 1]), np.subtract.reduceat(x, [0, 2, 1]), "a list of indices, again")
    same(minus.accumulate(given), np.subtract.accumulate(given), "accumulate of a list, again")
    a, b = x.copy(), x.copy()
    for values in (again, 0.5, np.float32(3), [again, 2.0]):
        minus.at(a, ([0, 1], [again, 2]), values)
        np.subtract.at(b, ([0, 1], [again, 2]), values)
    minus.at(a, [1, again, 1], again + 0.5)
    np.subtract.at(b, [1, again, 1], again + 0.5)
    same(a, b, "at of numbers and lists, again")
numbers = [minus.reduce(row) for row in x]
same(np.array(numbers), np.subtract.reduce(x, axis=1), "each number is one of its own")
for n in range(200):
    same(minus.reduce(x[:, : n % 7]), np.subtract.reduce(x[:, : n % 7]), "many shapes")
    same(minus.reduce(np.arange(n + 1.0)), np.subtract.reduce(np.arange(n + 1.0)), "many lengths")

# ------------------------------------------------------------------ numbers
if hasattr(np, "_set_promotion_state"):  # the rules of NumPy 2, which are the package's with every NumPy
    np._set_promotion_state("weak")
for a in (3, 2.5, np.float32(1.5), np.int8(7), np.array(4.0), np.array([1, 2], "int16"), np.array([0.1], "float32")):
    for b in (2, 0.1, np.float64(0.1), np.array([1.0, 2.0]), np.array(3, "uint8")):
        for again in range(2):
            same(plus(a, b), np.add(a, b), "numbers", repr(a), repr(b))
raises(OverflowError, "300 does not fit int8", plus, np.int8([1]), 300)
raises(TypeError, "has 2 arguments, not 1", plus, 1)
raises(TypeError, "has 2 arguments, not 4", plus, x, x, x, x)

# ------------------------------------------------------------------ threads of Python share a function
wanted = {n: minus.accumulate(np.arange(float(n))) for n in range(1, 9)}
wrong = []


def work():
    for i in range(400):
        n = 1 + i % 8
        if not np.array_equal(minus.accumulate(np.arange(float(n))), wanted[n]):
            wrong.append(n)
        if minus.reduce(np.full(n, 1.0)) != 2 - n:
            wrong.append(n)


together(4, work)
expect(not wrong, "threads", wrong)
finish("calls")
