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

    `scanned` is the same, of `(xp, scan, *args)`, with its loops written as `scan`. `decides`: it has an `if` on values,
    so that it is none of the functions that are traced once.
    """

    name: str
    size: str
    function: Callable
    args: tuple[Any, ...]
    scanned: Callable | None = None
    decides: bool = False


def gradients_of(suite: str, programs: Sequence[PlainProgram], quick: bool) -> list[Case]:
    """Return gradients of programs: a call, and the first one, which traces and compiles."""
    systems = {"funcgrad": _funcgrad, "funcgrad by scan": _by_scan, "interpreted": _interpreted}
    by_scan = any(
        p.scanned is not None for p in programs
    )  # its plain loops take JAX minutes: see the suite `turns`
    systems |= {} if quick else {"JAX by scan": _jax_by_scan} if by_scan else {"JAX": _jax}
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
    return _compiled(gradient, program.args, traced=not program.decides)


def _by_scan(program: PlainProgram) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    scanned = program.scanned
    if scanned is None:
        raise NotImplementedError("not written with scan")
    gradient = fg.grad(lambda *args: scanned(fnp, fg.scan, *args))
    return _compiled(gradient, program.args)


def _compiled(gradient: Callable, args: tuple, traced: bool = True) -> Call:
    import funcgrad as fg

    compiled = fg.jit(gradient)
    trace = (lambda: len(fg.trace(gradient)(*args).equations)) if traced else None
    return Call(lambda: compiled(*args), trace=trace)


def _interpreted(program: PlainProgram) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    gradient = fg.grad(lambda *args: program.function(fnp, *args))
    return Call(lambda: gradient(*program.args))


def _jax(program: PlainProgram) -> Call:
    import jax

    return _by_jax(lambda *args: program.function(jax.numpy, *args), program.args)


def _jax_by_scan(program: PlainProgram) -> Call:
    import jax

    scanned = program.scanned
    if scanned is None:
        raise NotImplementedError("not written with scan")
    return _by_jax(lambda *args: scanned(jax.numpy, jax.lax.scan, *args), program.args)


def _by_jax(function: Callable, args: tuple) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)

    def compiled():
        return jax.jit(jax.grad(function))

    gradient = compiled()
    return Call(lambda: np.asarray(gradient(*args)), trace=lambda: len(compiled().trace(*args).jaxpr.eqns))
