"""The rules of NumPy's gufuncs: batch axes that broadcast or do not, core dimensions, outputs given, nothing,
layouts, results in place, `@` and whole-array arithmetic with every pair of ranks, reductions with axis."""

import itertools

import numpy as np

from fusejit_library import (N_LAYOUTS, Program, Refused, expect, expect_close, expect_refusal, finish, lay_out, seed)

random = np.random.default_rng(seed())
BATCHES = [(), (1,), (2,), (3,), (0,), (1, 1), (2, 1), (1, 3), (2, 3), (3, 2), (0, 1), (4, 1, 3), (4, 2, 1)]


def whole(shape, dtype="float32"):
    """Small integers: what is computed from them is exact in any order."""
    return random.integers(-4, 5, shape).astype(dtype)


def numpy_or_none(function):
    try:
        return function()
    except ValueError:
        return None


def same(program, wanted, *inputs, **options):
    """What NumPy gives, or an error where it raises one."""
    if wanted is None:
        expect_refusal(program, inputs, **options)
        return
    try:
        got = program(*inputs, **options)
        expect_close(got, wanted, 0, program.text, [x.shape for x in inputs])
    except Refused as e:
        expect(False, program.text, [x.shape for x in inputs], "is refused:", e.args[1])


# ------------------------------------------------------------------ batch axes
dot = Program("fn f(x: [n], y: [n]) = sum[i](x[i]*y[i])")
add = Program("fn f(x, y) = x + y")
scale = Program("fn f(x: [n], a) -> [n] = a*x")
matrix = Program("fn f(x: [k], W: [k,n], b: [n]) -> [n] = max(x @ W + b, 0)")
for a, b in itertools.product(BATCHES, BATCHES):
    x, y, s, W, v = whole(a + (5,)), whole(b + (5,)), whole(b), whole(b + (5, 3)), whole((3,))
    same(dot, numpy_or_none(lambda: np.einsum("...n,...n->...", x, y)), x, y)
    same(add, numpy_or_none(lambda: x[..., 0] + y[..., 0]), x[..., 0], y[..., 0])
    same(scale, numpy_or_none(lambda: x * s[..., None]), x, s)
    product = numpy_or_none(lambda: np.einsum("...k,...kn->...n", x, W))
    same(matrix, None if product is None else np.maximum(product + v, 0), x, W, v)

# three operands, one error that names both shapes
three = Program("fn f(x: [n], y: [n], z) = z*sum[i](x[i]*y[i])")
expect_refusal(three, [whole((2, 4)), whole((3, 4)), whole(())], "cannot broadcast batch axes [2] with [3]")
expect_close(three(whole((2, 1, 4)) * 0 + 1, whole((3, 4)) * 0 + 2, whole((5, 1, 1)) * 0 + 3), np.full((5, 2, 3), 24.0),
             0, "three batches")

# ------------------------------------------------------------------ core dimensions
for n, m in itertools.product((0, 1, 2, 5), repeat=2):  # a 1 does not stretch
    x, y = whole(n), whole(m)
    same(dot, numpy_or_none(lambda: np.dot(x, y)), x, y)
expect_refusal(dot, [whole(()), whole((4,))], "needs at least 1")
conv = Program("fn f(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }")
for n, w in itertools.product((1, 2, 5, 40), (1, 2, 4)):
    if n >= w:
        x, k = whole((3, n)), whole((w,))
        same(conv, np.stack([np.convolve(r, k[::-1], "valid") for r in x]), x, k)
expect_refusal(conv, [whole((2,)), whole((5,))])

# ------------------------------------------------------------------ outputs given
for how in range(N_LAYOUTS):
    x, y = whole((4, 3, 5)), whole((3, 5))
    out = lay_out(np.full((4, 3), 9, "float32"), how, random)
    expect(dot(x, y, out=[out]) is out, "an output is returned")
    expect_close(out, np.einsum("...n,...n->...", x, y), 0, "into layout", how)
    out = lay_out(np.full((4, 3), 9, "float32"), how, random)
    dot(x[0], y, out=[out])  # fewer batch axes than the output has
    expect_close(out, np.broadcast_to(np.einsum("...n,...n->...", x[0], y), (4, 3)), 0, "a larger output", how)
for shape in ((4,), (3, 4), (4, 1), (1, 3), (), (4, 3, 1)):
    out = np.full(shape, 9, "float32")
    expect_refusal(dot, [whole((4, 3, 5)), whole((3, 5))], out=[out])
    expect(np.all(out == 9), "an output of the wrong shape was written")
    expect(numpy_or_none(lambda: np.add(whole((4, 3)), 0, out=out)) is None, "NumPy takes it")
around = np.full((6, 7), 9, "float32")  # a window of a larger array: nothing else is written
scale(whole((4, 5)) * 0 + 1, np.float32(2), out=[around[1:5, 1:6]])
expect(np.sum(around == 2) == 20 and np.sum(around == 9) == 22, "a window", around)
two = Program("fn f(x: [n]) -> (lo, at) = (min(x), argmin(x))", n_out=2)
x = whole((6, 5))
lo = np.zeros(6, "float32")
got = two(x, out=[lo, None])
expect_close(got[0], x.min(-1), 0, "min")
expect_close(got[1], x.argmin(-1), 0, "argmin")
expect(got[1].dtype == "int64", "argmin is i64")

# ------------------------------------------------------------------ nothing
for batch in ((0,), (3, 0), (0, 2)):
    for n in (0, 4):
        same(dot, np.zeros(batch), whole(batch + (n,)), whole(batch + (n,)))
same(dot, np.zeros((3,)), whole((3, 0)), whole((0,)))
same(matrix, np.maximum(np.array([1, 0, 0]), 0), whole((0,)), whole((0, 3)), np.array([1, -1, 0], "float32"))
same(matrix, np.zeros((2, 0)), whole((2, 4)), whole((4, 0)), whole((0,)))

# ------------------------------------------------------------------ layouts, in place
soft = Program("fn f(x: [m,n]) -> y: [m,n] { y[i,j] = exp(x[i,j]) / sum[k](exp(x[i,k])) }")
for how in range(N_LAYOUTS):
    x = lay_out(random.standard_normal((3, 6, 17)).astype("float32"), how, random)
    e = np.exp(x.astype("float64"))
    e /= e.sum(-1, keepdims=True)
    expect_close(soft(x), e, 4e-7 * e, "softmax of layout", how)
    soft(x, out=[x])
    expect_close(x, e, 4e-7 * e, "in place, layout", how)
x = whole((4, 5, 5))
for axes in itertools.permutations(range(3)):
    t = x.transpose(axes)
    same(Program("fn f(x: [m,n], y: [m,n]) = sum[i,j](x[i,j]*y[i,j])"), np.sum(t * t[::-1, ::-1], (1, 2)), t, t[::-1, ::-1])
row = np.broadcast_to(whole((1, 5)), (7, 5))  # stride 0
same(dot, np.einsum("ij,ij->i", row, row[::-1]), row, row[::-1])
same(soft, np.full((2, 3, 4), 0.25), np.broadcast_to(np.float32(0), (2, 3, 4)))
bytes_apart = np.frombuffer(b"x" + whole((6, 5)).tobytes(), dtype="float32", offset=1, count=30)  # unaligned
same(dot, np.dot(bytes_apart, bytes_apart), bytes_apart, bytes_apart)
x = np.arange(10, dtype="float32")
expect_refusal(scale, [x[:9], np.float32(2)], "overlap", out=[x[1:]])
scale(x, np.float32(2), out=[x])
expect_close(x, 2 * np.arange(10), 0, "in place")

# ------------------------------------------------------------------ element types
for a, b in itertools.product(("bool", "int8", "uint8", "int16", "int32", "int64", "uint32", "float32", "float64"), repeat=2):
    x, y = whole((2, 3), "int8").astype(a), whole((3,), "int8").astype(b)
    if "bool" not in (a, b):
        wanted = x + y
        got = add(x, y)
        expect(got.dtype == wanted.dtype or {a, b} & {"float32"}, "%s + %s is %s, not %s" % (a, b, got.dtype, wanted.dtype))
        expect_close(got, wanted.astype(got.dtype), 0, a, "+", b)
    if a == "bool":
        total = Program("fn f(x: [n]) = sum(x)")
        expect_close(total(x), np.sum(x, -1), 0, "sum of bool")
        expect(total(y).dtype == np.sum(y).dtype or y.dtype.kind == "f", "sum of", b, "is", total(y).dtype)
expect_refusal(Program("fn f(x: f32[n]) = sum(x)"), [np.zeros(3)], "f64")

# ------------------------------------------------------------------ `@`
EXTENT = {"a": 2, "b": 3, "m": 4, "k": 5, "n": 6}
SIDES = [("k", "k"), ("mk", "k"), ("k", "kn"), ("mk", "kn"), ("amk", "kn"), ("mk", "akn"), ("amk", "akn"), ("amk", "k"),
         ("k", "akn"), ("bamk", "akn"), ("bamk", "bakn"), ("amk", "bakn")]


def declared(letters):
    return "[" + ",".join(letters) + "]"


for left, right in SIDES:
    program = Program("fn f(x: %s, y: %s) = x @ y" % (declared(left), declared(right)))
    for dtype, empty in itertools.product(("float32", "float64", "int32"), (None, "k", "m")):
        size = {**EXTENT, **({empty: 0} if empty else {})}
        x, y = whole([size[c] for c in left], dtype), whole([size[c] for c in right], dtype)
        same(program, np.matmul(x, y), x, y)
    x = whole((7, *(EXTENT[c] for c in left)))  # with a batch in front: for each sample
    y = whole([EXTENT[c] for c in right])
    same(program, np.stack([np.matmul(one, y) for one in x]), x, y)
    x = whole([EXTENT[c] + (c == "k") for c in left])
    expect_refusal(program, [x, y], "dimension 'k'")

# ------------------------------------------------------------------ whole-array arithmetic
FORMS = ["", "n", "mn", "amn", "1n", "m1", "a1n", "11n", "am1", "1"]
for left, right in itertools.product(FORMS, FORMS):
    def argument(name, form):
        return name + (": " + declared(form) if form else "")

    def filled(form):
        return whole([1 if c == "1" else EXTENT[c] for c in form])

    if not left + right:
        continue
    x, y = filled(left), filled(right)
    program = Program("fn f(%s, %s) = x*y - y" % (argument("x", left), argument("y", right)))
    same(program, x * y - y, x, y)

# ------------------------------------------------------------------ reductions with axis
for rank in (1, 2, 3):
    form = "amn"[-rank:]
    for name, axis in itertools.product(("sum", "prod", "min", "max", "mean", "argmin", "argmax", "any", "all"), range(rank)):
        program = Program("fn f(x: %s) = %s(x; axis = %d)" % (declared(form), name, axis))
        for extents in ((3, 4, 5), (2, 1, 33), (1, 70, 2)):
            x = whole(extents[-rank:], "bool" if name in ("any", "all") else "float64")
            wanted = getattr(np, name)(x, axis=axis)
            expect_close(program(x), wanted, 1e-15 * np.abs(wanted), program.text, x.shape)
        batch = np.stack([x, x[::-1], x])
        wanted = getattr(np, name)(batch, axis=axis + 1)
        expect_close(program(batch), wanted, 1e-15 * np.abs(wanted), program.text, batch.shape)
finish("gufunc")
