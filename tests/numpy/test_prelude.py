"""The standard library against NumPy in double: activations, softmax and its kin, norms, losses, statistics, layers
as users write them; rows of all lengths, batches, both float types."""

import math

import numpy as np

from fusejit_library import N_LAYOUTS, Program, expect_close, finish, lay_out, seed

random = np.random.default_rng(seed())
np.seterr(all="ignore")
erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softplus(x):
    return np.logaddexp(x, 0)


def halves(x):
    return np.split(x, 2, axis=-1)


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "thresholded_relu": lambda x: np.where(x > 1, x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "sigmoid": sigmoid,
    "log_sigmoid": lambda x: -softplus(-x),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "silu": lambda x: x * sigmoid(x),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "gelu_quick": lambda x: x * sigmoid(1.702 * x),
    "tanhshrink": lambda x: x - np.tanh(x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softplus": softplus,
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.where(np.abs(x) > 0.5, x - np.copysign(0.5, x), 0),
    "gaussian": lambda x: np.exp(-x * x),
    "snake": lambda x: x + np.sin(x) ** 2,
    "step": lambda x: np.where(x > 0, 1.0, 0.0),
}

ROWS = {  # of one vector
    "softmax": softmax,
    "log_softmax": lambda x: np.log(softmax(x)),
    "softmin": lambda x: softmax(-x),
    "layer_norm": lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5),
    "rms_norm": lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5),
    "mean": lambda x: x.mean(-1),
    "var": lambda x: x.var(-1),
    "std": lambda x: x.std(-1),
    "norm": lambda x: np.linalg.norm(x, axis=-1),
    "logsumexp": lambda x: np.log(np.exp(x).sum(-1)),
    "sum": lambda x: x.sum(-1),
    "max": lambda x: x.max(-1),
}
GATED = {
    "glu": lambda x: halves(x)[0] * sigmoid(halves(x)[1]),
    "swiglu": lambda x: halves(x)[0] * ACTIVATIONS["silu"](halves(x)[1]),
    "geglu": lambda x: halves(x)[0] * ACTIVATIONS["gelu"](halves(x)[1]),
}
LOSSES = {  # of a prediction and a target
    "mse": lambda p, t: ((p - t) ** 2).mean(-1),
    "mae": lambda p, t: np.abs(p - t).mean(-1),
    "huber": lambda p, t: np.where(np.abs(p - t) <= 1, 0.5 * (p - t) ** 2, np.abs(p - t) - 0.5).mean(-1),
    "bce": lambda p, t: -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(-1),
    "bce_logits": lambda p, t: (softplus(p) - t * p).mean(-1),
    "hinge": lambda p, t: np.maximum(1 - p * t, 0).mean(-1),
    "log_cosh": lambda p, t: np.log(np.cosh(p - t)).mean(-1),
    "kl": lambda p, t: (t * np.log(t / p)).sum(-1),
}


def draw(shape, dtype):
    x = (2 * random.standard_normal(shape)).astype(dtype)
    return lay_out(x, random.integers(N_LAYOUTS), random)


def check(program, wanted, inputs, terms, name):
    """Within a few units for each term, of the largest number that the result is made of."""
    unit = np.finfo(inputs[0].dtype).eps
    size = max([1.0] + [float(np.max(np.abs(x), initial=0)) for x in inputs])
    got = program(*inputs)
    bound = unit * (4 * np.abs(wanted) + (terms + 8) * size * size)
    expect_close(got, wanted, bound, name, got.dtype, [x.shape for x in inputs])


for dtype in ("float32", "float64"):
    for name, reference in ACTIVATIONS.items():
        x = draw((3, 67), dtype)
        wanted = reference(x.astype("float64"))
        expect_close(Program("fn f(x) = %s(x)" % name)(x), wanted, 8 * np.finfo(dtype).eps * (1 + np.abs(wanted)), name)
    for name, reference in {**ROWS, **GATED}.items():
        gated = name in GATED
        vector = name not in ("mean", "var", "std", "norm", "logsumexp", "sum", "max")
        dims = ("[2*n]", "[n]") if gated else ("[n]", "[n]")
        program = Program("fn f(x: %s)%s = %s(x)" % (dims[0], " -> " + dims[1] if vector else "", name))
        for n in (1, 2, 3, 7, 8, 16, 33, 64, 257, 1000):
            for batch in ((), (5,), (2, 3)):
                x = draw(batch + (2 * n if gated else n,), dtype)
                check(program, reference(x.astype("float64")), [x], n, name)
    for name, reference in LOSSES.items():
        program = Program("fn f(p: [n], t: [n]) = %s(p, t)" % name)
        for n in (1, 5, 8, 31, 400):
            p, t = draw((4, n), dtype), draw((n,), dtype)
            if name in ("bce", "kl"):
                p, t = (random.uniform(0.05, 0.95, x.shape).astype(dtype) for x in (p, t))
            if name == "hinge":
                t = np.sign(t) + (t == 0).astype(dtype)
            check(program, reference(p.astype("float64"), t.astype("float64")), [p, t], n, name)
    for n in (1, 3, 10, 100):  # integer labels, one for each row
        z, y = draw((6, n), dtype), random.integers(0, n, 6).astype("int32")
        logs = np.log(softmax(z.astype("float64")))
        check(Program("fn f(z: [n], y: i32) = xent(z, y)"), -logs[np.arange(6), y], [z, y], n, "xent")
        smooth = -0.9 * logs[np.arange(6), y] - 0.1 * logs.mean(-1)
        check(Program("fn f(z: [n], y: i32) = xent(z, y; smooth = 0.1)"), smooth, [z, y], n, "xent, smooth")
        check(Program("fn f(z: [n], y: i32) = nll(z, y)"), -z.astype("float64")[np.arange(6), y], [z, y], n, "nll")
    net = Program("fn f(x: [d], W1: [d,h], b1: [h], W2: [h,o], b2: [o]) -> [o] = sigmoid(relu(x @ W1 + b1) @ W2 + b2)")
    x, W1, b1, W2, b2 = (draw(s, dtype) for s in ((1000, 10), (10, 20), (20,), (20, 5), (5,)))
    a = [v.astype("float64") for v in (x, W1, b1, W2, b2)]
    check(net, sigmoid(np.maximum(a[0] @ a[1] + a[2], 0) @ a[3] + a[4]), [x, W1, b1, W2, b2], 30, "mlp")
finish("prelude")
