"""Find a primitive's derivative in either direction, deriving the one it does not state; walk backward through many.

A primitive with only a JVP rule is pulled back by staging that rule as a linear program of the
tangents and transposing it; one with only a VJP rule is pushed forward by transposing the pullback.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from funcgrad.core.program import Literal, Program, Var
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import DerivativeError
from funcgrad.primitives.silence import all_zero, silenced, zeros_of
from funcgrad.transforms.cotangents import Cotangents
from funcgrad.transforms.linearity import is_linear_step, results_reached

__all__ = ["jvp_of", "transpose", "vjp_of", "walk"]


def jvp_of(primitive, x_dots: list, y: Any, args: list, params: dict) -> Any:
    """Return the tangent of the result (a tuple of them for several results)."""
    if primitive.by_matrix:
        dots = [d for d in x_dots if d is not None]
        if all_zero(dots):
            return zeros_of(y)
        return silenced(_jvp_of(primitive, x_dots, y, args, params), dots, len(shape_of(args[0])) - 2)
    return _jvp_of(primitive, x_dots, y, args, params)


def _jvp_of(primitive, x_dots, y, args, params):
    if primitive.jvp_rule is not None:
        return primitive.jvp_rule(x_dots, y, *args, **params)
    if primitive.pushforward_rule is not None:
        return primitive.pushforward_rule(x_dots, *args, **params)[1]
    needs = [d is not None for d in x_dots]
    outs = y if primitive.multiple else (y,)
    if primitive.forward_rule is not None:
        outs = primitive.result_types(y, *args, **params)
    program = _stage_linear(
        lambda *y_bars: primitive.vjp_rule(
            needs, list(y_bars) if primitive.multiple else y_bars[0], y, *args, **params
        ),
        outs,
        primitive.name,
    )
    y_dots = transpose(program, [d for d in x_dots], primitive.name)
    return tuple(y_dots) if primitive.multiple else y_dots[0]


def vjp_of(primitive, needs: list, y_bar: Any, y: Any, args: list, params: dict) -> Any:
    """Return one cotangent an argument; None where it is zero or not needed."""
    if primitive.by_matrix:
        bars = [b for b in (y_bar if primitive.multiple else [y_bar]) if b is not None]
        if all_zero(bars):
            return zeros_of(args)
        return silenced(_vjp_of(primitive, needs, y_bar, y, args, params), bars, len(shape_of(args[0])) - 2)
    return _vjp_of(primitive, needs, y_bar, y, args, params)


def _vjp_of(primitive, needs, y_bar, y, args, params):
    if primitive.vjp_rule is not None:
        return primitive.vjp_rule(needs, y_bar, y, *args, **params)
    positions = [i for i, need in enumerate(needs) if need]

    def pushforward(*dots):
        x_dots = [None] * len(args)
        for i, dot in zip(positions, dots, strict=True):
            x_dots[i] = dot
        y_dot = primitive.jvp_rule(x_dots, y, *args, **params)
        return y_dot if primitive.multiple else [y_dot]

    program = _stage_linear(pushforward, [args[i] for i in positions], primitive.name)
    y_bars = y_bar if primitive.multiple else [y_bar]
    x_bars: list[Any] = [None] * len(args)
    for i, x_bar in zip(positions, transpose(program, y_bars, primitive.name), strict=True):
        x_bars[i] = x_bar
    return x_bars


def walk(backward: Iterable[tuple], cotangents: Cotangents) -> None:
    """Pull the cotangents back through records: the one walk backward, over tapes and over linear programs.

    Args:
        backward: records, the last first: `(primitive, params, ids of the arguments, arguments, id(s) of the result, result
            or residuals)`. Variables are numbered from 1, so that the ids serve as the `needs` of a VJP rule; None is a
            constant's.
        cotangents: those of the outputs; then, of what the outputs are computed of.
    """
    # (The locals of this function die with it: results have one owner.)
    bars = cotangents.bars
    with np.errstate(all="ignore"):
        for primitive, params, ids, values, out, saved in backward:
            if primitive.direct:
                y_bar = bars[out]
                if y_bar is None:
                    continue
                bars[out] = None
                x_bars = primitive.vjp_rule(ids, y_bar, saved, *values, **params)
            elif primitive.multiple:
                y_bar = [None if i is None else cotangents.take(i) for i in out]
                if all(b is None for b in y_bar):
                    continue
                x_bars = vjp_of(primitive, ids, y_bar, saved, values, params)
            else:
                y_bar = bars[out]
                if y_bar is None:
                    continue
                bars[out] = None
                if cotangents.absorb(primitive, ids, out, y_bar, values, params):
                    continue
                x_bars = vjp_of(primitive, ids, y_bar, saved, values, params)
            for i, x_bar in zip(ids, x_bars):  # noqa: B905 (strict costs more than the loop)
                if i is not None and x_bar is not None:
                    if bars[i] is None:
                        bars[i] = x_bar
                    else:
                        cotangents.add(i, x_bar)


def _stage_linear(function, examples, owner) -> Program:
    """Stage a linear function of tangents like `examples`; a None among its results is zero."""
    with Staging(f"derivative of {owner}", snapshot=False) as staging:
        tracers = [staging.input(ArrayType(shape_of(x), dtype_of(x))) for x in examples]
        outputs = [Literal(0.0) if y is None else staging.atom(y) for y in function(*tracers)]
        return staging.program([t.node for t in tracers], outputs)


def transpose(program: Program, cotangents: list, owner: str) -> list[Any]:
    """Return the cotangents of a linear program's inputs; None is zero.

    Raises:
        DerivativeError: naming the equation in which the program is not linear.
    """
    linear = {var: number for number, var in enumerate(program.inputs, 1)}
    env: dict[Var, Any] = dict(program.constants)
    records = []

    def read(atom):
        if isinstance(atom, Literal):
            return atom.value
        return atom.type if atom in linear else env[atom]

    for equation in program.equations:
        primitive = equation.primitive
        args = [read(a) for a in equation.inputs]
        ids = [linear.get(a) if isinstance(a, Var) else None for a in equation.inputs]
        given = [i is not None for i in ids]
        flags = results_reached(primitive, given, len(equation.outputs), equation.params)
        if not any(given) or not all(flags):
            # What does not depend on linear arguments is the same where these are zero.
            out = bind(primitive, *_at_zero(args, given), **equation.params)
            env.update(zip(equation.outputs, out if primitive.multiple else (out,), strict=True))
        if not any(given):
            continue
        if not is_linear_step(primitive, given, [a.type for a in equation.inputs], equation.params):
            raise DerivativeError(
                f"{owner}: expected a function that is linear in what is transposed, "
                f"got {primitive.name} of it.",
                hint="a rule must be linear in its tangents or cotangents; for another function "
                "use vjp or jvp.",
                at=equation.source,
            )
        for var, reached in zip(equation.outputs, flags, strict=True):
            if reached:
                linear[var] = len(linear) + 1
        records.append(_record(equation, ids, args, [linear.get(v) for v in equation.outputs]))

    bars = Cotangents(len(linear) + 1)
    for atom, y_bar in zip(program.outputs, cotangents, strict=True):
        if y_bar is not None and isinstance(atom, Var) and atom in linear:
            bars.add(linear[atom], y_bar)
    walk(reversed(records), bars)
    return bars.finish(range(1, len(program.inputs) + 1))


def _record(equation, ids, args, outs):
    """Return an equation as `walk` takes it, of linear arguments of which only the types are known."""
    primitive, params = equation.primitive, equation.params
    saved = [v.type for v in equation.outputs] if primitive.multiple else equation.outputs[0].type
    if primitive.linear_rule is not None:
        args = _at_zero(args, ids)
        if primitive.forward_rule is not None:
            _, saved = primitive.forward_rule(*args, **params)
    return primitive, params, ids, args, outs if primitive.multiple else outs[0], saved


def _at_zero(args, given):
    return [
        np.broadcast_to(x.dtype.type(0), x.shape)[()] if g else x for x, g in zip(args, given, strict=True)
    ]
