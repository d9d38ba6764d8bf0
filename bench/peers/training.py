#!/usr/bin/env python3
"""Peers of bench/cases_training.c: steps and epochs of training in PyTorch (eager, and compiled), JAX,
scikit-learn and NumPy, each where it is installed, on one thread.

Speaks as arrays.py does. A job is "train_sgd:batch:widths", one step on one batch, or
"epoch_adam:batch:widths:samples", all samples once in an order drawn anew. Networks have relu
between layers; the loss is the cross-entropy of as many classes as the last layer has.
"""
import os
import sys

if hasattr(os, "sched_setaffinity"):  # JAX has no other way to one thread
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])

import numpy as np

from arrays import serve

RATE = {"sgd": 0.1, "adam": 0.001}


def data_of(n, widths):
    """Samples, classes and the sizes of the layers."""
    sizes = [int(w) for w in widths.split("-")]
    x = np.linspace(0, 1, int(n) * sizes[0], dtype=np.float32).reshape(int(n), sizes[0])
    return x, np.arange(int(n)) % sizes[-1], sizes


def jobs_of(peer, start):
    """start(optimizer, sizes) gives a function that makes (x, y, batch) into one that takes a step on
    the samples `at`."""
    def train(optimizer):
        def make(batch, widths):
            x, y, sizes = data_of(batch, widths)
            step = start(optimizer, sizes)(x, y, int(batch))
            return lambda: step(None)
        return make

    def epoch(optimizer):
        def make(batch, widths, samples):
            x, y, sizes = data_of(samples, widths)
            step, b, draw = start(optimizer, sizes)(x, y, int(batch)), int(batch), np.random
            order = draw.default_rng(1)

            def run():
                at = order.permutation(len(x))
                for i in range(0, len(x), b):
                    step(at[i:i + b])
            return run
        return make

    return {"%s %s_%s" % (peer, kind, o): make(o)
            for kind, make in (("train", train), ("epoch", epoch)) for o in RATE}


def torch_jobs():
    """PyTorch, eager; and with the network and its loss compiled."""
    import torch
    import torch.nn.functional as functional

    torch.set_num_threads(1)

    def start(optimizer, sizes, compiled=False):
        layers = []
        for k, n in zip(sizes, sizes[1:]):
            layers += [torch.nn.Linear(k, n), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        make = {"sgd": lambda p, r: torch.optim.SGD(p, r, momentum=0.9), "adam": torch.optim.Adam}
        steps = make[optimizer](model.parameters(), RATE[optimizer])

        def loss(x, y):
            return functional.cross_entropy(model(x), y)
        if compiled:
            loss = torch.compile(loss)

        def give(x, y, _):
            x, y = torch.from_numpy(x), torch.from_numpy(y)

            def step(at):
                part = slice(None) if at is None else torch.from_numpy(at)
                steps.zero_grad()
                loss(x[part], y[part]).backward()
                steps.step()
            return step
        return give

    jobs = jobs_of("torch", start)
    if "--quick" not in sys.argv:
        jobs.update(jobs_of("torch_compiled", lambda o, s: start(o, s, True)))
    return jobs


def jax_jobs():
    """JAX: a step is one compiled function, which is given its parameters to keep."""
    import jax
    import jax.numpy as jnp

    def loss(layers, x, y):
        for i, (w, b) in enumerate(layers):
            x = x @ w + b
            x = jnp.maximum(x, 0) if i + 1 < len(layers) else x
        rows = jnp.arange(len(y))
        return jnp.mean(jax.nn.logsumexp(x, axis=1) - x[rows, y])

    def sgd(p, g, m, v, t):
        m = 0.9 * m + g
        return p - RATE["sgd"] * m, m, v

    def adam(p, g, m, v, t):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        scale = jnp.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
        return p - RATE["adam"] * scale * m / (jnp.sqrt(v) + 1e-8), m, v

    def start(optimizer, sizes):
        rule = {"sgd": sgd, "adam": adam}[optimizer]
        tree = [(np.random.uniform(-0.05, 0.05, (k, n)).astype(np.float32), np.zeros(n, np.float32))
                for k, n in zip(sizes, sizes[1:])]

        def update(state, x, y):
            p, m, v, t = state
            flat, form = jax.tree.flatten(p)
            g = jax.tree.leaves(jax.grad(loss)(p, x, y))
            new = [rule(*each, t) for each in zip(flat, g, m, v)]
            return form.unflatten([n[0] for n in new]), [n[1] for n in new], [n[2] for n in new], t + 1

        take = jax.jit(update, donate_argnums=0)
        part = jax.jit(lambda x, y, at: (x[at], y[at]))

        def give(x, y, _):
            x, y = jnp.asarray(x), jnp.asarray(y)
            zeros = [jnp.zeros_like(a) for a in jax.tree.leaves(tree)]
            state = [(jax.tree.map(jnp.asarray, tree), zeros, [jnp.zeros_like(a) for a in zeros],
                      jnp.float32(1))]

            def step(at):
                given = (x, y) if at is None else part(x, y, at)
                state[0] = take(state[0], *given)
                jax.block_until_ready(state[0])
            return step
        return give

    return jobs_of("jax", start)


def sklearn_jobs():
    """scikit-learn's MLPClassifier: partial_fit takes a step for each batch."""
    import warnings
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")

    def start(optimizer, sizes):
        def give(x, y, batch):
            net = MLPClassifier(tuple(sizes[1:-1]), solver=optimizer, batch_size=batch, alpha=0,
                                learning_rate_init=RATE[optimizer], momentum=0.9)
            classes = np.arange(sizes[-1])

            def step(at):
                part = slice(None) if at is None else at
                net.partial_fit(x[part], y[part], classes=classes)
            return step
        return give

    return jobs_of("sklearn", start)


def numpy_jobs():
    """NumPy, the derivatives by hand."""
    def forward(layers, x):
        values = [x]
        for i, (w, b) in enumerate(layers):
            x = x @ w + b
            values.append(np.maximum(x, 0, out=x) if i + 1 < len(layers) else x)
        return values

    def backward(layers, values, y):
        d = np.exp(values[-1] - values[-1].max(1, keepdims=True))
        d /= d.sum(1, keepdims=True)
        d[np.arange(len(y)), y] -= 1
        d /= np.float32(len(y))
        for i in reversed(range(len(layers))):
            yield i, (values[i].T @ d, d.sum(0))
            if i > 0:
                d = (d @ layers[i][0].T) * (values[i] > 0)

    def start(optimizer, sizes):
        draw = np.random.default_rng(1)
        layers = [[draw.uniform(-0.05, 0.05, (k, n)).astype(np.float32), np.zeros(n, np.float32)]
                  for k, n in zip(sizes, sizes[1:])]
        first = [[np.zeros_like(p) for p in layer] for layer in layers]
        second = [[np.zeros_like(p) for p in layer] for layer in layers]
        count = [0]

        def update(p, g, m, v):
            if optimizer == "sgd":
                m *= np.float32(0.9)
                m += g
                p -= np.float32(RATE["sgd"]) * m
                return
            scale = np.sqrt(1 - 0.999 ** count[0]) / (1 - 0.9 ** count[0])
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
            p -= np.float32(RATE["adam"] * scale) * m / (np.sqrt(v) + np.float32(1e-8))

        def give(x, y, _):
            def step(at):
                part = slice(None) if at is None else at
                count[0] += 1
                values = forward(layers, x[part])
                for i, g in list(backward(layers, values, y[part])):
                    for k in range(2):
                        update(layers[i][k], g[k], first[i][k], second[i][k])
            return step
        return give

    return jobs_of("numpy", start)


if __name__ == "__main__":
    serve((torch_jobs, jax_jobs, sklearn_jobs, numpy_jobs))
