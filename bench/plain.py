"""Programs as people write them, in plain NumPy: the gradient of one, by each system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.model import Call, Case

__all__ = ["PlainProgram", "gradients_of"]


@dataclass(frozen=True)
class PlainProgram:
    """A scalar function of `(xp, *args)`; the gradient is by the first argument.

    `scanned` is the same, of `(xp, scan, *args)`, with its loops written as `scan`.
    """

    name: str
    size: str
    function: Callable
    args: tuple[Any, ...]
    scanned: Callable | None = None


def gradients_of(suite: str, programs: Sequence[PlainProgram], quick: bool) -> list[Case]:
    """Return gradients of programs: a call, and the first one, which traces and compiles."""
    systems = {"funcgrad": _funcgrad, "funcgrad by scan": _by_scan, "interpreted": _interpreted}
    systems |= {} if quick else {"JAX": _jax}
    return [
        Case(
            suite,
            p.name,
            p.size,
            "gradient",
            {name: partial(make, p) for name, make in systems.items()},
            compiled=True,
        )
        for p in programs
    ]


def _funcgrad(program: PlainProgram) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    gradient = fg.grad(lambda *args: program.function(fnp, *args))
    return _compiled(gradient, program.args)


def _by_scan(program: PlainProgram) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    scanned = program.scanned
    if scanned is None:
        raise NotImplementedError("not written with scan")
    gradient = fg.grad(lambda *args: scanned(fnp, fg.scan, *args))
    return _compiled(gradient, program.args)


def _compiled(gradient: Callable, args: tuple) -> Call:
    import funcgrad as fg

    compiled = fg.jit(gradient)
    return Call(lambda: compiled(*args), trace=lambda: len(fg.trace(gradient)(*args).equations))


def _interpreted(program: PlainProgram) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    gradient = fg.grad(lambda *args: program.function(fnp, *args))
    return Call(lambda: gradient(*program.args))


def _jax(program: PlainProgram) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)

    def compiled():
        return jax.jit(jax.grad(lambda *args: program.function(jax.numpy, *args)))

    gradient = compiled()
    return Call(
        lambda: np.asarray(gradient(*program.args)),
        trace=lambda: len(compiled().trace(*program.args).jaxpr.eqns),
    )
