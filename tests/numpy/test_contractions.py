"""Random index expressions against NumPy: one to three operands, one to four indices, every reduction,
batch axes, any layout; integers exactly, sums of floats within the bound of any order of summation."""

import math

import numpy as np

from fusejit_library import N_LAYOUTS, Program, Refused, expect, expect_close, finish, lay_out, seed

random = np.random.default_rng(seed())
EXTENTS = [0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33]
REDUCTIONS = ["sum"] * 8 + ["prod", "min", "max", "mean", "argmin", "argmax", "any", "all"]
FLOATS, INTEGERS = ["float32", "float64"], ["int8", "int32", "int64", "uint8", "uint32"]
BATCHES = [(), (), (), (3,), (1,), (2, 3), (2, 1), (0,), (1, 1, 5)]


def pick(items):
    return items[random.integers(len(items))]


def some_of(letters, least, most):
    n = random.integers(least, min(most, len(letters)) + 1)
    return "".join(random.permutation(list(letters))[:n]) if n else ""


class Case:
    """One expression: operands by their indices, the result's indices, what is reduced over."""

    def __init__(self):
        letters = "ijkl"[: random.integers(1, 5)]
        self.operands = [some_of(letters, 0 if n else 1, 3) for n in range(random.integers(1, 4))]
        if random.random() < 0.1:
            self.operands[0] += self.operands[0][:1]  # a diagonal
        self.letters = "".join(sorted(set("".join(self.operands))))
        self.reduction = pick(REDUCTIONS)
        self.out = some_of(self.letters, 0, 4)
        self.over = "".join(random.permutation([c for c in self.letters if c not in self.out]))
        if self.reduction.startswith("arg") and len(self.over) != 1:
            self.over = self.letters[0]
            self.out = self.letters[1:]
        self.joined = "*" if self.reduction in ("sum", "prod") and random.random() < 0.7 else pick("*+-")
        if self.reduction == "prod":
            self.joined = "*"
        self.extent = {c: int(pick(EXTENTS)) for c in self.letters}
        while math.prod(self.extent.values()) > 40000:
            self.extent[pick(self.letters)] = 2
        self.dtype = pick(FLOATS if random.random() < 0.6 else INTEGERS)

    def terms(self):
        return [x + ("[" + ",".join(o) + "]" if o else "") for x, o in zip("abc", self.operands)]

    def body(self):
        body = (" %s " % self.joined).join(self.terms())
        if self.reduction in ("any", "all"):
            body = "(%s) > 0" % body
        return "%s[%s](%s)" % (self.reduction, ",".join(self.over), body) if self.over else body

    def text(self):
        def dims(letters):
            return ": [" + ",".join("d" + c for c in letters) + "]" if letters else ""

        arguments = ", ".join(x + dims(o) for x, o in zip("abc", self.operands))
        if not self.out:
            return "fn f(%s) = %s" % (arguments, self.body())
        return "fn f(%s) -> y%s { y[%s] = %s }" % (arguments, dims(self.out), ",".join(self.out), self.body())

    def operand(self, letters):
        """Small integers where results are to be exact, else numbers whose products do not vanish."""
        shape = pick(BATCHES) + tuple(self.extent[c] for c in letters)
        if self.dtype in INTEGERS or self.reduction not in ("sum", "mean", "prod"):
            x = random.integers(0 if self.dtype.startswith("u") else -3, 4, shape)
        else:
            x = random.uniform(0.9, 1.1, shape) if self.reduction == "prod" else random.standard_normal(shape)
        x = x.astype(self.dtype)
        if x.ndim and x.size and random.random() < 0.15:  # one row for all: a stride of 0
            return np.broadcast_to(x[:1], x.shape)
        return lay_out(x, random.integers(N_LAYOUTS), random)


def spread(case, x, letters):
    """An operand with an axis for each letter of the expression, behind its batch axes."""
    if len(set(letters)) < len(letters):  # i..i: the diagonal becomes the last axis
        x = np.diagonal(x, axis1=x.ndim - len(letters), axis2=x.ndim - 1)
        letters = letters[1:-1] + letters[0]
    batch = x.ndim - len(letters)
    order = sorted(letters)
    x = np.transpose(x, list(range(batch)) + [batch + letters.index(c) for c in order])
    return x.reshape(x.shape[:batch] + tuple(case.extent[c] if c in order else 1 for c in case.letters))


def joined(case, operands):
    rank = max(x.ndim for x in operands)
    full = [x.reshape((1,) * (rank - x.ndim) + x.shape) for x in operands]
    value = full[0]
    for x in full[1:]:
        value = {"*": np.multiply, "+": np.add, "-": np.subtract}[case.joined](value, x)
    return value


def reduced(case, value):
    """NumPy's own reduction, and its axes in the order of the result."""
    axes = tuple(value.ndim - len(case.letters) + case.letters.index(c) for c in case.over)
    if case.reduction in ("any", "all"):
        value = value > 0
    if case.over:
        function = getattr(np, case.reduction)
        value = function(value, axis=axes[0] if case.reduction.startswith("arg") else axes)
    left = [c for c in case.letters if c not in case.over]
    batch = value.ndim - len(left)
    return np.transpose(value, list(range(batch)) + [batch + left.index(c) for c in case.out])


def bound(case, operands):
    """What the result of floats may be off by: (n + 4) u sum |terms|, for any order of summation."""
    if case.dtype not in FLOATS or case.reduction not in ("sum", "mean", "prod"):
        return 0
    terms = [spread(case, np.abs(x.astype(np.float64)), o) for x, o in zip(operands, case.operands)]
    positive = Case.__new__(Case)
    positive.__dict__.update(case.__dict__, joined="*" if case.joined == "*" else "+")
    n = math.prod(case.extent[c] for c in case.over)
    size = np.finfo(case.dtype)
    return (n + 4) * (reduced(positive, joined(positive, terms)) * size.eps / 2 + size.smallest_subnormal)


def reference(case, operands):
    if case.joined == "*" and case.reduction == "sum" and case.dtype in FLOATS + ["int64"]:
        wide = [x.astype(np.float64 if case.dtype in FLOATS else np.int64) for x in operands]
        return np.einsum(",".join("..." + o for o in case.operands) + "->..." + case.out, *wide)
    wide = [x.astype(np.float64) if case.dtype in FLOATS else x for x in operands]
    return reduced(case, joined(case, [spread(case, x, o) for x, o in zip(wide, case.operands)]))


def wanted_dtype(case):
    kind = np.dtype(case.dtype).kind
    if case.reduction in ("any", "all"):
        return "bool"
    if not case.over or case.reduction in ("min", "max") or kind == "f":
        return "int64" if case.over and case.reduction.startswith("arg") else case.dtype
    return {"mean": "float64", "argmin": "int64", "argmax": "int64"}.get(case.reduction, "uint64" if kind == "u" else "int64")


def run(case):
    program = Program(case.text())
    for _ in range(3):
        operands = [case.operand(o) for o in case.operands]
        shapes = [x.shape for x in operands]
        nothing = case.over and math.prod(case.extent[c] for c in case.over) == 0
        nothing = nothing and case.reduction in ("min", "max", "argmin", "argmax")
        try:
            np.broadcast_shapes(*[s[: len(s) - len(o)] for s, o in zip(shapes, case.operands)])
        except ValueError:
            try:
                program(*operands)
                expect(False, case.text(), shapes, "batch axes that do not broadcast are not refused")
            except Refused as e:
                expect(nothing or "broadcast" in e.args[1], case.text(), shapes, e.args[1])
            continue
        if nothing:
            try:
                expect(program(*operands).size == 0, case.text(), shapes, "gave the", case.reduction, "of nothing")
            except Refused:
                pass
            continue
        with np.errstate(all="ignore"):
            wanted, off = reference(case, operands), bound(case, operands)
        for threads in (1, 3):
            got = program(*operands, threads=threads)
            expect(got.dtype == wanted_dtype(case), case.text(), "gives", got.dtype, "not", wanted_dtype(case))
            expect_close(got, wanted, off, case.text(), case.dtype, shapes, [x.strides for x in operands])


np.seterr(all="ignore")
import warnings  # noqa: E402  (means of nothing are meant)

warnings.simplefilter("ignore")
for _ in range(300):
    one = Case()
    try:
        run(one)
    except Refused as e:
        expect(False, one.text(), one.dtype, "is refused:", e.args[1])
finish("contractions")
