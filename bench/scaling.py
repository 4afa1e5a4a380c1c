"""The suite `scaling`: what the tape costs: loops that read elements, long chains, and one operation."""

import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import funcgrad as fg
from bench.model import Call, Case, Sample
from funcgrad.transforms.tape import record

__all__ = ["cases"]


def cases(quick: bool) -> list[Case]:
    """The tape without compilation, an operation: element reads, long chains, and one operation there and back."""
    lengths = [10**k for k in range(2, 4 if quick else 6)]
    return [*map(_reads, lengths[:3]), *map(_gradient, lengths), *map(_memory, lengths), *_one_operation()]


def _case(workload: str, n: int, kind: str, systems: dict[str, Callable], **options: Any) -> Case:
    return Case("scaling", workload, f"{n:,}", kind, systems, n=n, per=n, tolerance=None, **options)


def reads(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] ** 2
    return total


def chain(n, x):
    for _ in range(n):
        x = np.sin(x)
    return x


def _reads(n: int) -> Case:
    def make():
        tape, _, outs, _ = record(lambda t: ([reads(t)], None), [np.ones(n)], "bench")
        return Call(lambda: tape.pull([np.float64(1.0)], outs, 1))

    return _case("loop that reads x[i]", n, "backward", {"funcgrad": make})


def _gradient(n: int) -> Case:
    return _case(
        "chain of operations",
        n,
        "gradient",
        {"funcgrad": partial(_chained, n), "autograd": partial(_by_autograd, n)},
    )


def _chained(n: int) -> Call:
    gradient = fg.grad(partial(chain, n))
    return Call(lambda: gradient(0.3))


def _by_autograd(n: int) -> Call:
    import autograd
    import autograd.numpy as anp

    def chained(x):
        for _ in range(n):
            x = anp.sin(x)
        return x

    gradient = autograd.grad(chained)
    return Call(lambda: gradient(0.3))


def _memory(n: int) -> Case:
    def peak(call):
        tracemalloc.start()
        call.run()
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return Sample(None, memory)

    def traced(make):
        call = make(n)
        return Call(lambda: peak(call))

    systems = {"funcgrad": partial(traced, _chained), "autograd": partial(traced, _by_autograd)}
    return _case("chain of operations", n, "memory", systems, self_timed=True)


def _one_operation() -> list[Case]:
    x, n = np.ones(3), 1000
    tape, _, outs, _ = record(lambda t: ([chain(n, t)], None), [x], "bench")
    calls = {
        ("function", "NumPy"): lambda: chain(n, x),
        ("forward", "funcgrad"): lambda: record(lambda t: ([chain(n, t)], None), [x], "bench"),
        ("backward", "funcgrad"): lambda: tape.pull([x], outs, 1),
    }
    return [
        _case("np.sin of 3 numbers, in a row", n, kind, {system: partial(Call, call)})
        for (kind, system), call in calls.items()
    ]
