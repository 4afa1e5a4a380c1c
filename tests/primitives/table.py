"""`python -m tests.primitives.table` writes docs/primitives.md: every primitive, its derivative, whether it is native."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import funcgrad  # noqa: F401  (registers the primitives)
from funcgrad.compile.loopir.statement import HostCall
from funcgrad.compile.lower.unit import Unit, lower
from funcgrad.core.primitive import Bilinear, JointlyLinear, Linear, Primitive, primitives
from funcgrad.core.program import Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import type_of
from funcgrad.extend import Elementwise, Sample
from funcgrad.programs.optimize import optimized_for_lowering
from funcgrad.testing.battery import arrays_of

PAGE = Path(__file__).parents[2] / "docs" / "primitives.md"
HEAD = """# The primitives

Every operation that a Program can hold. Written by `python -m tests.primitives.table`, and held by a test.

*Derivative*: how it is stated; the other direction, and second derivatives, follow. *Native*: whether the samples of its
tests, of real numbers, run as machine code; else NumPy is called for them between native parts, as `jit(f).explain()` says.
Complex numbers and float16 are computed by NumPy.

| primitive | what it is | derivative | native |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the text of docs/primitives.md."""
    return HEAD + "".join(map(_row, sorted(primitives().items())))


def _row(item: tuple[str, Primitive]) -> str:
    name, primitive = item
    native = list(_native(primitive))
    says = "yes" if all(native) else "in part" if any(native) else "no"
    if not native:
        says = "complex only"
    return f"| `{name}` | {_what(primitive)} | {_derivative(primitive)} | {says} |\n"


def _what(primitive: Primitive) -> str:
    if isinstance(primitive, Elementwise):
        ufunc = primitive.eval_rule if isinstance(primitive.eval_rule, np.ufunc) else None
        if ufunc is not None:
            return f"`numpy.{ufunc.__name__}`, elementwise"
        if type(primitive) is Elementwise:
            return "elementwise"
    text = (type(primitive).__doc__ or "").split("\n\n")[0]
    return " ".join(text.split()).rstrip(".").replace("|", "\\|").replace("*", "\\*")


def _derivative(primitive: Primitive) -> str:
    if not primitive.differentiable:
        return "zero"
    if isinstance(primitive, Elementwise):
        return "partials"
    if isinstance(primitive, (Linear, JointlyLinear, Bilinear)):
        return "transpose"
    rules = {"JVP": primitive.jvp_rule or primitive.pushforward_rule, "VJP": primitive.vjp_rule}
    return " and ".join(kind for kind, rule in rules.items() if rule is not None)


def _native(primitive: Primitive) -> Iterator[bool]:
    """Yield for each real sample whether it is native."""
    for sample in primitive.samples():
        if not isinstance(sample, Sample):
            continue
        arrays = arrays_of(sample)
        if any(np.asarray(x).dtype.char not in "?bBhHiIlLqQfd" for x in arrays):
            continue
        yield not any(_host_calls(lower(optimized_for_lowering(_program(primitive, sample, arrays)))))


def _program(primitive: Primitive, sample: Sample, arrays: list) -> Program:
    def call(*xs):
        out = bind(primitive, *xs, **sample.params)
        return list(out) if primitive.multiple else [out]

    return stage_flat(call, [type_of(x) for x in arrays], primitive.name)


def _host_calls(unit: Unit) -> Iterator[HostCall]:
    for statement in unit.statements:
        if isinstance(statement.call, HostCall):
            yield statement.call
    for bodies in unit.bodies.values():
        for body in bodies:
            yield from _host_calls(body)


if __name__ == "__main__":
    PAGE.write_text(page())
