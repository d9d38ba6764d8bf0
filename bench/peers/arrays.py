#!/usr/bin/env python3
"""Peers of bench/cases_arrays.c and cases_rows.c: NumPy, PyTorch and ONNX Runtime, each where it
is installed, on one thread.

Speaks with bench over its standard streams. First line out: the jobs, comma-separated. Then for
each line in, "job:arguments,n": makes n calls and answers with the ns they took, or nan.
Networks are as in bench/network.h: the activation is between layers, and after a single one.
"""
import sys
import time

import numpy as np


def network(rows, widths):
    """x, and (W, b) of each layer."""
    sizes = [int(w) for w in widths.split("-")]
    spread = lambda n, lo, hi: np.linspace(lo, hi, n, dtype=np.float32)
    x = spread(int(rows) * sizes[0], -1, 1).reshape(int(rows), sizes[0])
    return x, [(spread(k * n, -0.06, 0.05).reshape(k, n), spread(n, -1, 1))
               for k, n in zip(sizes, sizes[1:])]


def activated(layers, i):
    """Whether layer i has the activation."""
    return i + 1 < len(layers) or len(layers) == 1


def table(rows, n):
    """An array of rows x n from -8 to 8."""
    return np.linspace(-8, 8, int(rows) * int(n), dtype=np.float32).reshape(int(rows), int(n))


def numpy_jobs():
    """NumPy with output arrays given, as its fast users write it."""

    def relu(y):
        np.maximum(y, 0, out=y)

    def user(y):
        d = np.abs(y)
        d += 1
        np.divide(y, d, d)
        y *= np.float32(0.1)
        y += d

    def net(act):
        def make(rows, widths):
            x, layers = network(rows, widths)
            out = [np.empty((x.shape[0], b.size), np.float32) for _, b in layers]

            def run():
                h = x
                for i, (w, b) in enumerate(layers):
                    np.matmul(h, w, out[i])
                    h = out[i]
                    h += b
                    if activated(layers, i):
                        act(h)
            return run
        return make

    def softmax(rows, n):
        x, y = table(rows, n), table(rows, n)

        def run():
            np.subtract(x, x.max(-1, keepdims=True), y)
            np.exp(y, y)
            np.divide(y, y.sum(-1, keepdims=True), y)
        return run

    def layer_norm(rows, n):
        x, y = table(rows, n), table(rows, n)

        def run():
            np.subtract(x, x.mean(-1, keepdims=True), y)
            v = np.einsum("ij,ij->i", y, y)[:, None] / np.float32(x.shape[1])
            np.divide(y, np.sqrt(v + np.float32(1e-5)), y)
        return run

    def reduction(f):
        def make(rows, n):
            x = table(rows, n)
            return lambda: f(x)
        return make

    def dot(rows, n):
        x, y = table(rows, n).ravel(), table(rows, n).ravel()
        return lambda: np.dot(x, y)

    def normalise(n):
        x = np.linspace(0.5, 8, 3 * int(n), dtype=np.float32).reshape(int(n), 3)
        y = np.empty_like(x)
        return lambda: np.divide(x, np.sqrt(np.einsum("ij,ij->i", x, x))[:, None], y)

    def colours(n):
        p = (np.arange(3 * int(n)) * 37).astype(np.uint8).reshape(int(n), 3)
        m = np.linspace(-0.1, 0.9, 9, dtype=np.float32).reshape(3, 3)

        def run():
            y = p @ m.T
            y += np.float32(0.5)
            return np.clip(y, 0, 255, out=y).astype(np.uint8)
        return run

    return {"numpy normalise": normalise, "numpy colours": colours, "numpy net_relu": net(relu), "numpy net_user": net(user), "numpy softmax": softmax,
            "numpy layer_norm": layer_norm, "numpy sum": reduction(np.sum), "numpy dot": dot,
            "numpy sum_rows": reduction(lambda x: x.sum(1)),
            "numpy sum_columns": reduction(lambda x: x.sum(0))}


def torch_jobs():
    """PyTorch, eager, in inference mode."""
    import torch
    import torch.nn.functional as functional

    torch.set_num_threads(1)
    torch.inference_mode().__enter__()

    def user(y):
        return 0.1 * y + y / (1 + y.abs())

    def net(act):
        def make(rows, widths):
            x, layers = network(rows, widths)
            x = torch.from_numpy(x)
            layers = [(torch.from_numpy(w.T.copy()), torch.from_numpy(b)) for w, b in layers]

            def run():
                h = x
                for i, (w, b) in enumerate(layers):
                    h = functional.linear(h, w, b)
                    if activated(layers, i):
                        h = act(h)
            return run
        return make

    def rows_job(f):
        def make(rows, n):
            x = torch.from_numpy(table(rows, n))
            return lambda: f(x)
        return make

    def dot(rows, n):
        x, y = (torch.from_numpy(table(rows, n).ravel()) for _ in range(2))
        return lambda: torch.dot(x, y)

    return {"torch net_relu": net(torch.relu_), "torch net_gelu": net(functional.gelu),
            "torch net_user": net(user),
            "torch softmax": rows_job(lambda x: torch.softmax(x, -1)),
            "torch layer_norm": rows_job(lambda x: functional.layer_norm(x, x.shape[1:])),
            "torch sum": rows_job(torch.sum), "torch dot": dot,
            "torch sum_rows": rows_job(lambda x: x.sum(1)),
            "torch sum_columns": rows_job(lambda x: x.sum(0))}


def field(number, value):
    """One field of a protocol buffer: an integer, or bytes."""
    def varint(v):
        out = b""
        while v > 127:
            out, v = out + bytes([v & 127 | 128]), v >> 7
        return out + bytes([v])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx_model(x, layers, act):
    """The bytes of an ONNX file: Gemm nodes with activations between them."""
    def node(op, inputs, output):
        return field(1, b"".join(field(1, i) for i in inputs) + field(2, output) + field(4, op))

    def tensor(name, a):
        return field(5, b"".join(field(1, d) for d in a.shape) + field(2, 1) + field(8, name)
                     + field(9, a.tobytes()))

    def value(number, name, shape):
        dims = b"".join(field(1, field(1, d)) for d in shape)
        return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, dims))))

    graph, h = b"", "x"
    constants = {"one": np.ones(1, np.float32), "tenth": np.full(1, 0.1, np.float32)}
    for i, (w, b) in enumerate(layers):
        constants["W%d" % i], constants["b%d" % i] = w, b
        last = i + 1 == len(layers)
        active = activated(layers, i)
        name = "y" if last and not active else "z%d" % i
        graph += node("Gemm", [h, "W%d" % i, "b%d" % i], name)
        h = name
        if active:
            out = "y" if last else "h%d" % i
            if act == "user":
                t = ["t%d%d" % (i, k) for k in range(4)]
                graph += node("Abs", [h], t[0]) + node("Add", [t[0], "one"], t[1])
                graph += node("Div", [h, t[1]], t[2]) + node("Mul", [h, "tenth"], t[3])
                graph += node("Add", [t[2], t[3]], out)
            else:
                graph += node({"relu": "Relu", "gelu": "Gelu"}[act], [h], out)
            h = out
    graph += field(2, "net") + b"".join(tensor(k, v) for k, v in constants.items())
    graph += value(11, "x", x.shape) + value(12, "y", (x.shape[0], layers[-1][1].size))
    return field(1, 9) + field(8, field(1, "") + field(2, 20)) + field(7, graph)


def onnxruntime_jobs():
    """ONNX Runtime with inputs and outputs bound once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3

    def net(act):
        def make(rows, widths):
            x, layers = network(rows, widths)
            session = onnxruntime.InferenceSession(onnx_model(x, layers, act), options,
                                                   providers=["CPUExecutionProvider"])
            binding = session.io_binding()
            value = onnxruntime.OrtValue.ortvalue_from_numpy
            y = np.empty((x.shape[0], layers[-1][1].size), np.float32)
            binding.bind_ortvalue_input("x", value(x))
            binding.bind_ortvalue_output("y", value(y))
            return lambda: session.run_with_iobinding(binding)
        return make

    return {"onnxruntime net_" + act: net(act) for act in ("relu", "gelu", "user")}


def all_jobs(makers):
    """The jobs of every peer that can be imported."""
    jobs = {}
    for make in makers:
        try:
            jobs.update(make())
        except ImportError:
            pass
    return jobs


def serve(makers, clock=time.perf_counter_ns):
    """Answers until the input ends. What a peer cannot do is said once, and not tried again."""
    jobs, made, failed, said = all_jobs(makers), {}, set(), set()
    print(",".join(jobs), flush=True)
    for line in sys.stdin:
        name, n = line.rsplit(",", 1)
        kind = name.split(":")[0]
        try:
            if name in failed:
                print("nan", flush=True)
                continue
            if name not in made:
                made = {k: v for k, v in made.items() if k.split(" ")[0] != kind.split(" ")[0]}
                made[name] = jobs[kind](*name.split(":")[1:])
            call = made[name]
            start = clock()
            for _ in range(int(n)):
                call()
            print(clock() - start, flush=True)
        except Exception as error:  # a peer that cannot is left out
            failed.add(name)
            what = ":".join(name.split(":")[:2])
            if what not in said:
                first = (str(error) or type(error).__name__).split("\n")[0]
                print("%s: the peer cannot: %s" % (what, first), file=sys.stderr)
            said.add(what)
            print("nan", flush=True)


if __name__ == "__main__":
    serve((numpy_jobs, torch_jobs, onnxruntime_jobs))
