"""Derivatives of programs, as programs: forward in one, in reverse in two, with the residuals between them."""

from collections.abc import Sequence
from typing import Any

from funcgrad.core.dataflow import Flags
from funcgrad.core.interpret import replaced, run
from funcgrad.core.program import Program, Var, has_effect
from funcgrad.core.staging import stage_flat
from funcgrad.core.types import dtype_of, is_inexact
from funcgrad.programs.memo import memoized
from funcgrad.programs.optimize import optimized
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp

__all__ = ["forward_and_backward", "inexact_inputs", "jvp_of_program", "partition", "pushforward_program"]


def inexact_inputs(program: Program) -> tuple[int, ...]:
    """Return which inputs are floating or complex."""
    return tuple(i for i, t in enumerate(program.in_types) if is_inexact(t.dtype))


def jvp_of_program(
    program: Program, xs: Sequence[Any], active: Sequence[bool], dots: Sequence[Any]
) -> tuple[list, list]:
    """Return a program's results on `xs`, and their tangents (None is zero) for those of the active arguments."""
    places = [i for i, a in enumerate(active) if a]
    return jvp(
        lambda *changing: run(program, replaced(xs, places, changing)),
        tuple(xs[i] for i in places),
        tuple(dots),
    )


@memoized
def pushforward_program(program: Program, active: Flags) -> Program:
    """Return the program of (arguments, tangents of the active ones) that gives the results' tangents."""
    types = [*program.in_types, *(t.strong() for t, a in zip(program.in_types, active, strict=True) if a)]

    def push(*flat):
        ys, y_dots = jvp_of_program(program, flat[: len(active)], active, flat[len(active) :])
        return [as_derivative(d, y) for d, y in zip(y_dots, ys, strict=True)]

    return stage_flat(push, types, f"jvp of {program.name}")


@memoized
def forward_and_backward(
    program: Program, active: tuple[int, ...], invariant: int = 0
) -> tuple[Program, Program]:
    """Split a program's derivative: `forward(*xs)` gives the results, then what `backward(*xs, *residuals,
    *y_bars)` needs to give the cotangents of the active arguments. What depends on the first `invariant`
    arguments alone is no residual: both parts compute it."""
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
    joint = optimized(joint, differentiable=True)  # the parts may be differentiated again
    return partition(joint, count, len(program.outputs), invariant)


def partition(joint: Program, inputs: int, outputs: int, invariant: int) -> tuple[Program, Program]:
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
    forward = joint.computing(
        [*ys, *residuals], inputs=xs, equations=[*free, *first], name=f"forward {joint.name}"
    )
    backward = joint.computing(
        x_bars, inputs=[*xs, *residuals, *bars], equations=[*free, *second], name=f"backward {joint.name}"
    )
    return forward, backward
