"""The suite `torch`: the stateful manner against PyTorch eager, and the same programs as pure functions, compiled."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import funcgrad as fg
from bench.model import Call, Case

__all__ = ["cases"]


def cases(quick: bool) -> list[Case]:
    """PyTorch's manner: training steps, small gradients, and backward through chains of many operations."""
    found = [
        _case("two-layer network", "64, 1000, 100, 10", "training step", _network, _pure_network),
        _case("sum(tanh(x @ w)**2)", "5x3", "gradient", _small, _pure_small),
    ]
    for n in (1000,) if quick else (10_000, 100_000):
        found.append(_case("chain of operations", f"{n:,}", "backward", partial(_chain, n=n), per=n))
    return found


def _case(workload, size, kind, stateful, pure=None, **options) -> Case:
    systems = {"funcgrad.torch": partial(_in, "funcgrad.torch", stateful)}
    systems |= {"funcgrad": pure} if pure else {}
    systems |= {"PyTorch eager": partial(_in, "torch", stateful)}
    return Case("torch", workload, size, kind, systems, tolerance=1e-3, **options)


def _in(module: str, stateful: Callable[[Any], Call]) -> Call:
    import importlib

    return stateful(importlib.import_module(module))


def _network_data() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = ((64, 1000), (64, 10), (1000, 100), (100, 10))
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def _small_data() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((5, 3)), rng.standard_normal(3)]


def _network(torch: Any) -> Call:
    """A step of the documents' two-layer network, as they write it."""
    x, y, w1, w2 = (torch.from_numpy(a) for a in _network_data())
    w1.requires_grad_()
    w2.requires_grad_()

    def step():
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            w1.sub_(1e-6 * w1.grad)
            w2.sub_(1e-6 * w2.grad)
            w1.grad.zero_()
            w2.grad.zero_()
        return loss

    return Call(step, lambda loss: loss.item())


def _pure_network() -> Call:
    """The same step as a pure function, compiled."""
    x, y, *weights = _network_data()

    def loss(w1, w2):
        h = np.maximum(x @ w1, 0)
        return ((h @ w2 - y) ** 2).sum()

    @fg.jit
    def step(w1, w2):
        value, (g1, g2) = fg.value_and_grad(loss, argnums=(0, 1))(w1, w2)
        rate = np.float32(1e-6)
        return value, w1 - rate * g1, w2 - rate * g2

    def run():
        value, *weights[:] = step(*weights)
        return value

    return Call(run)


def _small(torch: Any) -> Call:
    x, w = (torch.from_numpy(a) for a in _small_data())
    w.requires_grad_()

    def run():
        w.grad = None
        (torch.tanh(x @ w) ** 2).sum().backward()
        return w.grad

    return Call(run, lambda gradient: gradient.numpy())


def _pure_small() -> Call:
    gradient = fg.jit(fg.grad(lambda w, x: (np.tanh(x @ w) ** 2).sum()))
    x, w = _small_data()
    return Call(lambda: gradient(w, x))


def _chain(torch: Any, n: int) -> Call:
    """Backward through the same chain of `n` operations, again and again."""
    x = torch.ones(3, requires_grad=True)
    y = x
    for _ in range(n // 2):
        y = y * 1.0001 + 0.1
    total = y.sum()

    def run():
        x.grad = None
        total.backward(retain_graph=True)
        return x.grad

    return Call(run, lambda gradient: gradient.numpy())
