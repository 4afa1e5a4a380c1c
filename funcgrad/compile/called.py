"""The call of a compiled program as a primitive, so that jit works under every transformation.

A call differentiates, batches and stages by transforming its Program, and calling the result: so the derivative
of a compiled function is a compiled function. In a program that is itself compiled, it is written out.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.compile.compiler import compiler
from funcgrad.compile.kept import kept
from funcgrad.compile.layout import verified
from funcgrad.core.interpret import check_types, run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program, Var, pruned
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp
from funcgrad.transforms.vmap import vmap

__all__ = ["callable_of", "jit_call", "restored"]


def callable_of(program: Program, backend: str) -> Callable:
    """Return what runs a program on flat arguments and returns the result (a tuple of several)."""
    if backend == "numpy" or not verified():
        return partial(_by_numpy, compiler().prepared(program))
    return compiler().executable_of(program)


def _by_numpy(program, *args):
    """Run a program by NumPy, with native code's manners: no warnings, and results of their own memory."""
    with np.errstate(all="ignore"):
        out = [np.array(y) if isinstance(y, np.ndarray) and y.ndim else y for y in run(program, args)]
    return out[0] if len(out) == 1 else tuple(out)


def restored(program: Program, out: Any) -> Any:
    """Return what `callable_of` returns in the containers that the traced function returned."""
    assert program.out_tree is not None
    return tree.unflatten(program.out_tree, (out,) if len(program.outputs) == 1 else out)


class JitCall(Primitive):
    """The outputs of a compiled program on flat arguments; `backend` is "native" or "numpy"."""

    name = "jit_call"
    multiple = True

    def type_rule(self, *types, program, backend):
        check_types(program, types)
        return tuple(t.strong() for t in program.out_types)

    def eval_rule(self, *args, program, backend):
        out = callable_of(program, backend)(*args)
        return out if len(program.outputs) != 1 else (out,)

    def expand_rule(self, *args, program, backend):
        return tuple(run(program, args))

    def jvp_rule(self, x_dots, ys, *xs, program, backend):
        active = tuple(d is not None for d in x_dots)
        tangent = _pushforward(program, active)
        return bind(self, *xs, *(d for d in x_dots if d is not None), program=tangent, backend=backend)

    def forward_rule(self, *xs, program, backend):
        forward, _ = _halves(program, _inexact(program))
        out = bind(self, *xs, program=forward, backend=backend)
        count = len(program.outputs)
        return tuple(out[:count]), (out[:count], out[count:])

    def result_types(self, saved, *xs, program, backend):
        return [ArrayType(shape_of(y), dtype_of(y)) for y in saved[0]]

    def vjp_rule(self, needs, y_bars, saved, *xs, program, backend):
        active = _inexact(program)
        _, backward = _halves(program, active)
        wanted = tuple(bool(needs[i]) for i in active)
        bars = [
            as_derivative(bar, t)
            for bar, t in zip(y_bars, program.out_types, strict=True)
            if is_inexact(t.dtype)
        ]
        out = iter(bind(self, *xs, *saved[1], *bars, program=_only(backward, wanted), backend=backend))
        chosen = {i for i, want in zip(active, wanted, strict=True) if want}
        return [next(out) if i in chosen else None for i in range(len(xs))]

    def batch_rule(self, size, batched, *xs, program, backend):
        batch = _batched(program, size, tuple(batched))
        ys = bind(self, *xs, program=batch, backend=backend)
        return ys, True

    def samples(self):
        square = stage_flat(lambda x: [x * x], [ArrayType((2, 3), float)], "battery")
        return [Sample((box((2, 3)).array(),), {"program": square, "backend": "native"})]


jit_call = JitCall()


def _inexact(program: Program) -> tuple[int, ...]:
    return tuple(i for i, t in enumerate(program.in_types) if is_inexact(t.dtype))


@kept
def _pushforward(program: Program, active: tuple[bool, ...]) -> Program:
    """Return the program of (arguments, tangents of the active ones) that gives the results' tangents."""
    positions = [i for i, a in enumerate(active) if a]
    types = [*program.in_types, *(program.in_types[i].strong() for i in positions)]

    def push(*flat):
        xs, dots = flat[: len(active)], flat[len(active) :]

        def function(*changing):
            args = list(xs)
            for i, x in zip(positions, changing, strict=True):
                args[i] = x
            return run(program, args)

        ys, y_dots = jvp(function, tuple(xs[i] for i in positions), tuple(dots))
        return [as_derivative(d, y) for d, y in zip(y_dots, ys, strict=True)]

    return stage_flat(push, types, f"jvp of {program.name}")


@kept
def _batched(program: Program, size: int, batched: tuple[bool, ...]) -> Program:
    types = [
        ArrayType((size, *t.shape), t.dtype) if b else t
        for t, b in zip(program.in_types, batched, strict=True)
    ]
    axes = tuple(0 if b else None for b in batched)
    return stage_flat(
        vmap(lambda *xs: run(program, xs), in_axes=axes, axis_size=size), types, f"vmap of {program.name}"
    )


@kept
def _halves(program: Program, active: tuple[int, ...]) -> tuple[Program, Program]:
    """Split a program's derivative: `forward(*xs)` gives the results, then what `backward(*xs, *residuals,
    *y_bars)` needs to give the cotangents of the active arguments."""
    bar_types = [t.strong() for t in program.out_types if is_inexact(t.dtype)]
    count = len(program.inputs)

    def both(*flat):
        xs, bars = flat[:count], flat[count:]

        def function(*changing):
            args = list(xs)
            for i, x in zip(active, changing, strict=True):
                args[i] = x
            ys = run(program, args)
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
    return _split(joint, count, len(program.outputs))


def _split(joint: Program, inputs: int, outputs: int) -> tuple[Program, Program]:
    """Cut a program of (xs, y_bars) to (ys, x_bars) where the y_bars come in."""
    late = set(joint.inputs[inputs:])
    early: set[Var] = set(joint.inputs[:inputs])
    first, second, free = [], [], []
    for equation in joint.equations:
        atoms = [a for a in equation.inputs if isinstance(a, Var)]
        if any(a in late for a in atoms):
            second.append(equation)
            late.update(equation.outputs)
        elif any(a in early for a in atoms):
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
def _only(program: Program, wanted: tuple[bool, ...]) -> Program:
    """Return the program without the outputs that are not wanted."""
    if all(wanted):
        return program
    outputs = [a for a, want in zip(program.outputs, wanted, strict=True) if want]
    return _program(program, program.inputs, program.equations, outputs, "part of")
