"""The suite `control`: compiled loops and their gradients, against JAX's and loops written by hand for Numba."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

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


def _by_hand(loop: Loop, kind: str) -> Call:
    if kind == "function" or loop.by_hand is None:
        raise NotImplementedError("not written by hand")
    gradient = loop.by_hand()
    return Call(lambda: gradient(*loop.args))


_SYSTEMS: dict[str, Callable[[Any, str], Call]] = {
    "funcgrad": _funcgrad,
    "Numba by hand": _by_hand,
    "JAX": _jax,
}
