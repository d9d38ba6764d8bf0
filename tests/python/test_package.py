"""fusejit.ufunc, compile and load on NumPy arrays: calls, numbers, types, outputs, masks, methods, errors, memory."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import tempfile

import numpy as np

import fusejit
from checks import expect, finish, raises, same, together

random = np.random.default_rng(1)
norm = fusejit.ufunc("sqrt(x*x + y*y)")

# ------------------------------------------------------------------ calls
x, y = np.array([3.0, 5, 8]), np.array([[4.0], [12]])
same(norm(x, [4, 12, 15]), [5.0, 13, 17], "a call")
same(norm(x, y), np.sqrt(x * x + y * y), "broadcasting")
same(norm(x[::-1], x[::2].repeat(2)[:3]), np.sqrt(x[::-1]**2 + x[[0, 0, 2]]**2), "strides")
same(norm(3, 4), np.float64(5), "numbers of Python")
expect(isinstance(norm(3.0, 4), np.floating), "a result without axes is a number")
same(norm(np.float32([3]), 4), np.float32([5]), "a number takes the type of an array")
same(norm(np.int32([3]), 4), np.float64([5]), "integers")
same(norm(np.empty((0, 3)), x), np.empty((0, 3)), "nothing")
plus = fusejit.ufunc("x + y")
for a in (np.int8([100]), np.uint8([200]), np.int64([7]), np.float16([1.5]), np.float32([2])):
    same(plus(a, 1), a + a.dtype.type(1) if a.dtype != np.float16 else np.float32([2.5]), "a number beside", a.dtype)
same(plus(np.int8([1]), 1.5), np.float64([2.5]), "a real number beside integers")
same(plus(x.astype(">f8"), 1), x + 1, "another byte order")
raises(OverflowError, "300 does not fit int8", plus, np.int8([1]), 300)
raises(TypeError, "complex128", plus, np.array([1j]), 1)
raises(TypeError, "has 2 arguments, not 3", plus, 1, 2, 3)
raises(fusejit.Error, "broadcast", plus, np.ones(2), np.ones(3))
raises(fusejit.Error, "at most 8 axes", plus.reduce, np.ones((1,) * 9))

# ------------------------------------------------------------------ outputs and masks
out = np.full(3, 9.0)
expect(norm(x, 4, out=out) is out, "the output is returned")
same(out, np.sqrt(x * x + 16), "an output")
same(norm(x, 4, out=(out,)), out, "as a tuple")
into = np.zeros(3)
same(plus(x, 4, into), x + 4, "an output behind the inputs")
same(into, x + 4, "an output behind the inputs")
raises(TypeError, "has 2 arguments, not 4", plus, x, 4, into, into)
raises(TypeError, "has 2 arguments, not 3", plus, x, 4, into, out=into)
plus(x, 1, out=x)
same(x, [4.0, 6, 9], "in place")
plus(x[:-1], 1, out=x[1:])
same(x, [4.0, 5, 7], "overlapping: as if the input were copied")
mask = np.array([True, False, True])
same(plus(x, 10, where=mask), [14.0, 0, 17], "a mask")
same(plus(x, 10, where=mask, out=np.ones(3)), [14.0, 1, 17], "a mask and an output")
small = np.zeros(3, "float32")
same(plus(x, 0.5, out=small), np.float32([4.5, 5.5, 7.5]), "an output of the same kind")
raises(TypeError, "cannot be stored as i32", plus, x, 0.5, out=np.zeros(3, "int32"))
locked = np.zeros(3)
locked.flags.writeable = False
raises(ValueError, "read-only", plus, x, 1, out=locked)
raises(TypeError, "an output must be an array", plus, x, 1, out=[0, 0, 0])
raises(TypeError, "where is int64", plus, x, 1, where=np.ones(3, "int64"))

# ------------------------------------------------------------------ programs, uniform arguments
program = fusejit.compile("""
fn sq(x) = x*x
fn swish(x; beta = 1) = x / (1 + exp(-beta*x))
fn stats(x: [n]) -> (lo, hi) = (min(x), max(x))
fn mix(x, y; g: fn, n: dim, a) = a*g(x) + n*y
fn head(x: [k]; n: dim) -> y: [n] { y[i] = x[i] }
""")
swish = fusejit.ufunc("fn swish(x; beta = 1) = x / (1 + exp(-beta*x))")
same(swish(x, beta=0), x / 2, "a uniform argument")
same(program.swish(x, beta=0), x / 2, "of a program")
expect(sorted(dir(program)) == ["head", "mix", "sq", "stats", "swish"], "functions of a program", dir(program))
raises(TypeError, "no uniform argument 'alpha'", swish, x, alpha=2)
rows = random.standard_normal((4, 5))
lo, hi = program.stats(rows)
same(lo, rows.min(1), "several results")
same(hi, rows.max(1), "several results")
into = np.zeros(4)
lo, hi = program.stats(rows, out=(into, None))
expect(lo is into, "one output of two")
same(hi, rows.max(1), "one output of two")
same(program.function("head", n=2)(rows), rows[:, :2], "a dim argument")
mix = fusejit.ufunc("fn mix(x, y; g: fn, n: dim, a) = a*g(x) + n*y  fn sq(x) = x*x", "mix", g="sq", n=3)
same(mix(2.0, 5.0, a=10), np.float64(55), "fn and dim arguments")
raises(fusejit.Error, "'a'", mix, 2.0, 5.0)
same(mix.reduce([1.0, 2, 3], a=1), np.float64((1 + 6)**2 + 9), "a method with uniform arguments")
raises(AttributeError, "no function 'swsh'", getattr, program, "swsh")
expect(swish.signature == "swish(x; beta = 1)" and repr(swish) == "<ufunc swish(x; beta = 1)>", repr(swish))
big = random.standard_normal(300000).astype("float32")
same(fusejit.ufunc("exp(-x*x)*sin(x)", parallel=True)(big), fusejit.ufunc("exp(-x*x)*sin(x)")(big), "parallel")
same(norm.reduce(big, threads=2), norm.reduce(big), "a method on threads")

# ------------------------------------------------------------------ methods
grid = random.integers(1, 5, (3, 4, 5)).astype(float)
same(plus.reduce(grid), np.add.reduce(grid), "reduce")
same(plus.reduce(grid, axis=None), np.float64(grid.sum()), "reduce all")
same(plus.reduce(grid, axis=(0, -1), keepdims=True), grid.sum((0, 2), keepdims=True), "reduce axes")
same(plus.reduce(grid, 1, where=grid > 2, initial=7), grid.sum(1, where=grid > 2, initial=7), "reduce where")
same(plus.reduce(np.int8([100, 100])), np.int64(200), "reduce narrow integers")
same(plus.reduce(np.int8([1, 2]), dtype="float32"), np.float32(3), "reduce in a type")
same(plus.reduce([]), np.float64(0), "reduce nothing")
out = np.zeros((4, 5))
expect(plus.reduce(grid, out=out) is out, "reduce into")
same(out, grid.sum(0), "reduce into")
same(plus.accumulate(grid, axis=2), np.add.accumulate(grid, axis=2), "accumulate")
same(plus.reduceat(grid, [0, 2, 1], axis=-1), np.add.reduceat(grid, [0, 2, 1], axis=-1), "reduceat")
same(plus.reduceat(grid, [], axis=-1), np.empty((3, 4, 0)), "reduceat nothing")
same(plus.outer([1, 2], np.float64([10, 20])), np.add.outer([1, 2], np.float64([10, 20])), "outer")
greatest = fusejit.ufunc(name="max")
same(greatest.reduce(grid, axis=None), np.float64(grid.max()), "a built-in")
raises(fusejit.Error, "no identity", greatest.reduce, [])
raises(IndexError, "out of range", plus.reduceat, grid, [0, 3])
raises(TypeError, "is bool", fusejit.ufunc("x < y").reduce, [1.0, 2])
indices = [[0, 1, 1], (np.array([0, -1]), [2, 3]), slice(1, None), (slice(None), 0), (..., -1), (None, 1), np.array([], int), []]
for index in indices + [grid > 2, np.array([True, False, True]), 2, (1, slice(None, None, 2))]:
    got, wanted = grid.copy(), grid.copy()
    plus.at(got, index, 0.5)
    np.add.at(wanted, index, 0.5)
    same(got, wanted, "at", index)
fusejit.ufunc("-x").at(got, 0)
same(got[0], -wanted[0], "at of one argument")
raises(IndexError, "", plus.at, got, [3], 1)
raises(ValueError, "read-only", plus.at, locked, 0, 1)
expect(plus.types[-2:] == ["ff->f", "dd->d"] and "??->?" not in plus.types, "types", plus.types)
expect(fusejit.ufunc("x < y").types[-1] == "dd->?", "types of a comparison")
same([plus.identity, fusejit.ufunc("x & y").identity, fusejit.ufunc("x && y").identity], [0, -1, 1], "identities")
expect(norm.identity is None and greatest.identity is None, "no identity")
expect(norm.nin == 2 and norm.nout == 1 and norm.nargs == 3 and norm.arguments == ["x", "y"], "numbers of arguments")

# ------------------------------------------------------------------ errors
try:
    fusejit.ufunc("1 + sqt(x)")
    expect(False, "no error")
except fusejit.Error as e:
    expect(e.code == 101 and e.line == 1 and e.column == 5 and "sqrt" in e.hint and "^^^" in str(e), str(e))
for wrong in (None, "", 3, len):
    raises(TypeError, "a function is given as text", fusejit.ufunc, wrong)
raises(TypeError, "a function is given as text", fusejit.vectorize, len)
raises(TypeError, "a function is given as text", fusejit.vectorize(["float64(float64)"]), len)
raises(TypeError, "not as int", fusejit.compile, 3)
expect(repr(program) == "<program of sq, swish, stats, mix, head>", repr(program))
raises(fusejit.Error, "is an array", fusejit.ufunc, "fn f(x: [n]) = sum(x)")
raises(fusejit.Error, "no function 'g'", fusejit.ufunc, "fn f(x) = x", "g")
raises(fusejit.Error, "axis 3", plus.reduce, grid, axis=3)

def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1])


for i in range(40):  # kernels, modules and loops are freed with the ufunc
    fusejit.ufunc("x*%d + y" % i)(rows, rows)
    if i == 20:
        gc.collect()
        before = resident()
gc.collect()
expect(resident() - before < 2000, "memory of ufuncs grew by", resident() - before, "pages")

# ------------------------------------------------------------------ memory, copies, pickles
results = [plus(rows, float(i)) for i in range(50)]
del results[::2]
gc.collect()
same(results[3], rows + 7, "memory of results")
view = plus(rows, 1.0)[1:, ::2]
gc.collect()
same(view, (rows + 1)[1:, ::2], "a view keeps its memory")
for again in (pickle.loads(pickle.dumps(norm)), pickle.loads(pickle.dumps(greatest)), copy.copy(mix)):
    expect(type(again) is fusejit.Ufunc, "a pickle")
same(pickle.loads(pickle.dumps(norm))(3.0, 4.0), np.float64(5), "a pickle")
same(pickle.loads(pickle.dumps(greatest)).reduce([1, 3, 2]), np.int64(3), "a pickle of a built-in")
same(copy.copy(mix)(2.0, 5.0, a=10), np.float64(55), "a pickle with fn and dim arguments")
seen = []
together(8, lambda: seen.append(fusejit.ufunc("x*y + x").accumulate(rows, axis=1)))
shared = fusejit.ufunc("x*y - x")
for dtype in ("float32", "int64", "float64"):
    wanted = [fusejit.ufunc("x*y - x").reduce((10*rows).astype(dtype), axis=a) for a in (0, 1)]
    different = []

    def reduce_both():
        given = (10*rows).astype(dtype)
        different.extend(a for a in (0, 1, 1, 0) if not np.array_equal(shared.reduce(given, axis=a), wanted[a]))

    together(8, reduce_both)
    expect(not different, "one ufunc in several threads", dtype)
expect(len(seen) == 8 and all(np.array_equal(s, seen[0]) for s in seen), "threads of Python")

# ------------------------------------------------------------------ models
folder = tempfile.mkdtemp()
points = random.standard_normal((60, 2)).astype("float32")
np.savez(folder + "/data.npz", x=points, y=(points[:, 0] > 0).astype("int32"))
with open(folder + "/net.fj", "w") as f:
    f.write("fn net(x: [2]; act: fn = tanh) -> [2] { let a = dense(x; 8, act)  return dense(a; 2) }\n")
fusejit_program = os.path.abspath(sys.argv[1])
model = folder + "/model.safetensors"
subprocess.run([fusejit_program, "train", "net.fj", "--data", "data.npz", "--epochs", "2", "--out", model], cwd=folder,
               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
np.save(folder + "/x.npy", points)
subprocess.run([fusejit_program, "predict", model, "--in", "x=x.npy", "--out", "z.npy"], cwd=folder, check=True,
               stdout=subprocess.DEVNULL)
net = fusejit.load(model)
same(net(points), np.load(folder + "/z.npy"), "a model")
same(net(points[0]), np.load(folder + "/z.npy")[0], "one sample")
same(fusejit.load(model, threads=2)(points), net(points), "a model on threads")
expect(isinstance(net.text, dict) and "net(x: [2]" in net.signature, net.text, net.signature)
raises(fusejit.Error, "E0602", fusejit.load, folder + "/none.safetensors")
raises(OSError, "E0602", fusejit.load, folder + "/none.safetensors")
with open(folder + "/bad.safetensors", "wb") as f:
    f.write(b"\xff" * 100)
raises(fusejit.Error, "E0654", fusejit.load, folder + "/bad.safetensors")
finish("package")
