"""`python -m tests.primitives.table` writes docs/primitives.md: every primitive, its derivative, whether it is native."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import funcgrad  # noqa: F401  (registers the primitives)
from funcgrad.compile.loopir.statement import HostCall
from funcgrad.compile.lower.unit import Unit, lower
from funcgrad.core.linear import Bilinear, JointlyLinear, Linear
from funcgrad.core.primitive import Primitive, primitives
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

*Derivative*: how it is stated; the other direction, and second derivatives, follow. *Native* and *complex*: whether the
samples of its tests, of real and of complex numbers, run as machine code; else NumPy is called for them between native
parts, as `jit(f).explain()` says. (Where there is no sample there is a dash.) float16 is computed by NumPy.

| primitive | what it is | derivative | native | complex |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """Return the text of docs/primitives.md."""
    return HEAD + "".join(map(_row, sorted(primitives().items())))


def _row(item: tuple[str, Primitive]) -> str:
    name, primitive = item
    real, complex = (_summary(list(_native(primitive, chars))) for chars in ("", "FD"))
    return f"| `{name}` | {_what(primitive)} | {_derivative(primitive)} | {real} | {complex} |\n"


def _summary(native: list[bool]) -> str:
    if not native:
        return "-"
    return "yes" if all(native) else "in part" if any(native) else "no"


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


def _native(primitive: Primitive, complex: str) -> Iterator[bool]:
    """Yield for each sample whether it is native: for those of which a dtype is among the complex ones, or for the real."""
    for sample in primitive.samples():
        if not isinstance(sample, Sample):
            continue
        arrays = arrays_of(sample)
        program = _program(primitive, sample, arrays)
        chars = {t.dtype.char for t in (*program.in_types, *program.out_types)}
        if chars - set("?bBhHiIlLqQfd" + complex) or (complex and not chars & set(complex)):
            continue
        yield not any(_host_calls(lower(optimized_for_lowering(program))))


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
