"""Derivatives and batches of programs, as programs; each is derived once."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from funcgrad.compile.compiler import compiler
from funcgrad.compile.kept import kept
from funcgrad.core.interpret import replaced, run
from funcgrad.core.program import Equation, Program, Var, has_effect, pruned, subprograms
from funcgrad.core.staging import stage_flat
from funcgrad.core.types import ArrayType, dtype_of, is_inexact
from funcgrad.errors import AxisNameError
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp
from funcgrad.transforms.vmap import vmap

__all__ = [
    "batched_program",
    "carried",
    "halves",
    "inexact_inputs",
    "only",
    "pushed",
    "pushforward",
    "reached_by",
    "split",
]


def inexact_inputs(program: Program) -> tuple[int, ...]:
    """Return which inputs are floating or complex."""
    return tuple(i for i, t in enumerate(program.in_types) if is_inexact(t.dtype))


def pushed(
    program: Program, xs: Sequence[Any], active: Sequence[bool], dots: Sequence[Any]
) -> tuple[list, list]:
    """Return a program's results on `xs`, and their tangents (None is zero) for those of the active arguments."""
    places = [i for i, a in enumerate(active) if a]
    return jvp(
        lambda *changing: run(program, replaced(xs, places, changing)),
        tuple(xs[i] for i in places),
        tuple(dots),
    )


@kept
def pushforward(program: Program, active: tuple[bool, ...]) -> Program:
    """Return the program of (arguments, tangents of the active ones) that gives the results' tangents."""
    types = [*program.in_types, *(t.strong() for t, a in zip(program.in_types, active, strict=True) if a)]

    def push(*flat):
        ys, y_dots = pushed(program, flat[: len(active)], active, flat[len(active) :])
        return [as_derivative(d, y) for d, y in zip(y_dots, ys, strict=True)]

    return stage_flat(push, types, f"jvp of {program.name}")


def _collectives(program: Program) -> Iterator[Equation]:
    """Yield the equations that sum, or the like, over the examples of a vmap around the program."""
    for equation in program.equations:
        if "axis_name" in equation.params:
            yield equation
        for inner in subprograms(equation.params):
            yield from _collectives(inner)


@kept
def reached_by(program: Program, given: tuple[bool, ...]) -> tuple[bool, ...]:
    """Return which outputs can depend on the given inputs."""
    known = {v for v, g in zip(program.inputs, given, strict=True) if g}
    for equation in program.equations:
        if any(isinstance(a, Var) and a in known for a in equation.inputs):
            known.update(equation.outputs)
    return tuple(isinstance(a, Var) and a in known for a in program.outputs)


def carried(
    reach: Callable, body: Program, consts: int, carries: int, given: Sequence[bool]
) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Return which arguments of a loop have what the given ones have once it has gone round, and which results of its
    body; `reach(body, given)` says which results have it after one step."""
    flags = tuple(map(bool, given))
    while True:
        out = reach(body, flags)
        carry = tuple(a or b for a, b in zip(flags[consts : consts + carries], out[:carries], strict=True))
        after = (*flags[:consts], *carry, *flags[consts + carries :])
        if after == flags:
            return flags, out
        flags = after


@kept
def batched_program(
    program: Program, size: int, batched: tuple[bool, ...], results: tuple[bool, ...] | None = None
) -> Program:
    """Return the program for `size` examples, along axis 0 of the batched inputs and outputs.

    Args:
        results: which outputs are batched, all by default; those that `reached_by` finds have to be.

    Raises:
        AxisNameError: for a sum (or the like) over the examples: a program does not know the name of their axis.
    """
    for equation in _collectives(program):
        raise AxisNameError(
            f"{equation.primitive.name}: expected no collective over the examples of vmap inside a loop, a branch or a "
            f"compiled function under that vmap, got one over {equation.params['axis_name']!r} in {program.name}.",
            hint="put the vmap inside the loop, or jit around the vmap.",
            at=equation.source,
        )
    types = [
        ArrayType((size, *t.shape), t.dtype) if b else t
        for t, b in zip(program.in_types, batched, strict=True)
    ]
    axes = tuple(0 if b else None for b in batched)
    out_axes = [0 if b else None for b in results or (True,) * len(program.outputs)]
    wide = vmap(lambda *xs: list(run(program, xs)), in_axes=axes, out_axes=out_axes, axis_size=size)
    return stage_flat(wide, types, f"vmap of {program.name}")


@kept
def halves(program: Program, active: tuple[int, ...], invariant: int = 0) -> tuple[Program, Program]:
    """Split a program's derivative: `forward(*xs)` gives the results, then what `backward(*xs, *residuals,
    *y_bars)` needs to give the cotangents of the active arguments. What depends on the first `invariant`
    arguments alone is no residual: both halves compute it."""
    bar_types = [t.strong() for t in program.out_types if is_inexact(t.dtype)]
    count = len(program.inputs)

    def both(*flat):
        xs, bars = flat[:count], flat[count:]

        def function(*changing):
            ys = run(program, replaced(xs, active, changing))
            smooth = [y for y in ys if is_inexact(dtype_of(y))]
            return smooth, ys

        changing = [xs[i] for i in active]
        if not changing or not bars:
            return [*function(*changing)[1], *(as_derivative(None, x) for x in changing)]
        smooth, pullback, ys = vjp(function, *changing, has_aux=True)
        del smooth
        return [*ys, *pullback(list(bars))]

    joint = stage_flat(both, [*program.in_types, *bar_types], f"vjp of {program.name}")
    joint = compiler().tidied(joint)  # the halves may be differentiated again
    return split(joint, count, len(program.outputs), invariant)


def split(joint: Program, inputs: int, outputs: int, invariant: int) -> tuple[Program, Program]:
    """Cut a program of (xs, y_bars) to (ys, x_bars) where the y_bars come in."""
    late = set(joint.inputs[inputs:])
    early: set[Var] = set(joint.inputs[invariant:inputs])
    first, second, free = [], [], []
    for equation in joint.equations:
        atoms = [a for a in equation.inputs if isinstance(a, Var)]
        if any(a in late for a in atoms):
            second.append(equation)
            late.update(equation.outputs)
        elif has_effect(equation) or any(a in early for a in atoms):
            first.append(equation)
            early.update(equation.outputs)
        else:
            free.append(equation)  # needs no argument: done again rather than kept
    ys, x_bars = joint.outputs[:outputs], joint.outputs[outputs:]
    used = {a for e in second for a in e.inputs if isinstance(a, Var)} | {
        a for a in x_bars if isinstance(a, Var)
    }
    residuals = [v for e in first for v in e.outputs if v in used]
    xs, bars = joint.inputs[:inputs], joint.inputs[inputs:]
    forward = _program(joint, xs, [*free, *first], [*ys, *residuals], "forward")
    backward = _program(joint, [*xs, *residuals, *bars], [*free, *second], x_bars, "backward")
    return forward, backward


def _program(joint, inputs, equations, outputs, part) -> Program:
    equations, constants = pruned(equations, joint.constants, outputs)
    return Program(tuple(inputs), constants, equations, tuple(outputs), name=f"{part} {joint.name}")


@kept
def only(program: Program, wanted: tuple[bool, ...]) -> Program:
    """Return the program without the outputs that are not wanted."""
    if all(wanted):
        return program
    outputs = [a for a, want in zip(program.outputs, wanted, strict=True) if want]
    return _program(program, program.inputs, program.equations, outputs, "part of")
