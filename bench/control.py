"""The suite `control`: compiled loops and their gradients, against JAX's, PyTorch's and loops written by hand for Numba."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench import namespaces
from bench.loops import LOOPS, Loop
from bench.model import Call, Case

__all__ = ["cases", "loop_of"]


def cases(quick: bool) -> list[Case]:
    """Compiled loops, and their gradients, a step: scans, a while loop, recurrences and filters."""
    return [
        Case(
            "control", loop.name, f"{loop.steps:,} steps", kind,
            {name: partial(make, loop, kind) for name, make in _SYSTEMS.items()}, per=loop.steps, compiled=True,
        )
        for loop in LOOPS
        if not (quick and loop.steps > 1000)
        for kind in ("function", "gradient")
    ]  # fmt: skip


def loop_of(loop: Loop) -> Callable:
    """Return a loop as a function of funcgrad's."""
    import funcgrad as fg
    import funcgrad.numpy as fnp

    return loop.make(fnp, fg.scan, fg.while_loop)


def _funcgrad(loop: Loop, kind: str) -> Call:
    import funcgrad as fg

    function = loop_of(loop)
    compiled = fg.jit(function if kind == "function" else fg.grad(function))
    return Call(lambda: compiled(*loop.args))


def _jax(loop: Loop, kind: str) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    function = loop.make(jax.numpy, jax.lax.scan, jax.lax.while_loop)
    compiled = jax.jit(function if kind == "function" else jax.grad(function))
    return Call(lambda: np.asarray(compiled(*loop.args)))


def _torch(loop: Loop, kind: str) -> Call:
    import torch

    if loop.steps > 10_000:
        raise NotImplementedError("PyTorch steps from Python, and keeps every step")
    args = [torch.tensor(x) for x in loop.args]
    function = loop.make(namespaces.of_torch_loops(), _torch_scan, _torch_while)
    if kind == "function":
        return Call(lambda: function(*args))
    args[0].requires_grad_()

    def gradient():
        args[0].grad = None
        function(*args).backward()
        return args[0].grad

    return Call(gradient)


def _torch_scan(step, carry, xs, length):
    import torch

    ys = []
    for i in range(len(xs) if length is None else length):
        carry, y = step(carry, None if xs is None else xs[i])
        ys.append(y)
    return carry, None if ys[0] is None else torch.stack(ys)


def _torch_while(cond, body, x):
    while cond(x):
        x = body(x)
    return x


def _by_hand(loop: Loop, kind: str) -> Call:
    if kind == "function" or loop.by_hand is None:
        raise NotImplementedError("not written by hand")
    gradient = loop.by_hand()
    return Call(lambda: gradient(*loop.args))


_SYSTEMS: dict[str, Callable[[Any, str], Call]] = {
    "funcgrad": _funcgrad,
    "Numba by hand": _by_hand,
    "JAX": _jax,
    "PyTorch eager": _torch,
}
