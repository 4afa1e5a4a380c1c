"""The stateful manner against PyTorch eager: training steps, small gradients, and chains of many operations."""

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad as fg
import funcgrad.torch as shim
from bench.timing import formatted, interleaved, markdown

RNG = np.random.default_rng(0)
N, D_IN, H, D_OUT = 64, 1000, 100, 10
NETWORK = [
    RNG.standard_normal(shape).astype(np.float32) for shape in ((N, D_IN), (N, D_OUT), (D_IN, H), (H, D_OUT))
]
SMALL = [RNG.standard_normal((5, 3)), RNG.standard_normal(3)]


def network(torch: Any) -> Callable[[], Any]:
    """A step of the documents' two-layer network, as they write it."""
    x, y, w1, w2 = (torch.from_numpy(a.copy()) for a in NETWORK)
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

    return step


def jitted_network() -> Callable[[], Any]:
    """The same step as a pure function, compiled."""
    x, y, w1, w2 = NETWORK

    def loss(w1, w2):
        h = np.maximum(x @ w1, 0)
        return ((h @ w2 - y) ** 2).sum()

    @fg.jit
    def step(w1, w2):
        value, (g1, g2) = fg.value_and_grad(loss, argnums=(0, 1))(w1, w2)
        rate = np.float32(1e-6)
        return value, w1 - rate * g1, w2 - rate * g2

    weights = [w1, w2]

    def run():
        value, *weights[:] = step(*weights)
        return value

    return run


def small(torch: Any) -> Callable[[], Any]:
    """The gradient of sum(tanh(x @ w)**2), x 5x3."""
    x, w = (torch.from_numpy(a.copy()) for a in SMALL)
    w.requires_grad_()

    def run():
        w.grad = None
        (torch.tanh(x @ w) ** 2).sum().backward()
        return w.grad

    return run


def jitted_small() -> Callable[[], Any]:
    """The same gradient, compiled."""
    gradient = fg.jit(fg.grad(lambda w, x: (np.tanh(x @ w) ** 2).sum()))
    x, w = SMALL
    return lambda: gradient(w, x)


def chain(torch: Any, n: int) -> float:
    """Return the seconds that backward takes through a chain of `n` operations."""
    x = torch.ones(3, requires_grad=True)
    y = x
    for _ in range(n // 2):
        y = y * 1.0001 + 0.1
    start = time.perf_counter()
    y.sum().backward()
    return time.perf_counter() - start


def main() -> None:
    """Print the rows: the shim, the compiled pure form, and PyTorch eager, in one run."""
    peers = {}
    if importlib.util.find_spec("torch"):
        import torch

        peers["PyTorch eager"] = torch
    else:
        print("torch is not installed: its columns are left out\n")
    rows = []
    programs = (
        ("training step (64, 1000, 100, 10)", network, jitted_network),
        ("grad of 5x3", small, jitted_small),
    )
    for name, stateful, jitted in programs:
        runners = {"funcgrad.torch": stateful(shim), "jitted": jitted()}
        runners |= {peer: stateful(module) for peer, module in peers.items()}
        times = interleaved(runners, seconds=1.0)
        base = times.get("PyTorch eager")
        cells = [formatted(t) + (f" ({t / base:.2f}x)" if base else "") for t in times.values()]
        rows.append([name, *cells])
    print(markdown(["", "funcgrad.torch", "jitted", *peers], rows))
    print()
    sizes = (10_000, 100_000)
    rows = [
        [name, *(f"{min(chain(module, n) for _ in range(3)) / n * 1e6:.2f} us" for n in sizes)]
        for name, module in {"funcgrad.torch": shim, **peers}.items()
    ]
    print(markdown(["backward through a chain, an operation", *(f"{n:,} operations" for n in sizes)], rows))
