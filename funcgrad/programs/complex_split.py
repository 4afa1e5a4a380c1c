"""Complex arrays as two real ones, for machine code: each equation of them by the `parts_rule` of its primitive.

What there is no rule for is computed by NumPy, and takes and gives complex arrays: these are put together before it, and
taken apart behind. So are those that the program is given, and those that it returns.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.parts import Parts, by_parts, flat_parts, grouped, is_pair, part_dtype, part_types
from funcgrad.core.program import Equation, Literal, Program
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import ArrayType, dtype_of
from funcgrad.primitives.arithmetic import imag, make_complex, real
from funcgrad.primitives.shape import convert
from funcgrad.programs.memo import memoized
from funcgrad.programs.simplify.simplify import simplify

__all__ = ["complex_split", "with_parts"]


def complex_split(program: Program) -> Program:
    """Return the program with its complex arithmetic in real numbers; what it takes and returns stays complex."""
    if not _has_complex(program):
        return program
    with Staging(f"jit of {program.name}", snapshot=False) as staging:
        inputs = [staging.input(t) for t in program.in_types]
        found = _run(staging, program, inputs)
        outputs = [_whole(staging, y, t) for y, t in zip(found, program.out_types, strict=True)]
        return simplify(
            staging.program(
                [x.node for x in inputs],
                [staging.atom(y) for y in outputs],
                in_tree=program.in_tree,
                out_tree=program.out_tree,
                name=program.name,
                input_names=program.input_names,
            )
        )


@memoized
def with_parts(program: Program) -> Program:
    """Return the body of a loop or branch with two real arguments and results for each complex one."""
    if not _has_complex(program):
        return program
    with Staging(f"jit of {program.name}", snapshot=False) as staging:
        inputs = [staging.input(t) for t in part_types(program.in_types)]
        outputs = _run(staging, program, grouped(inputs, program.in_types))
        found = flat_parts(_parts(y, t) for y, t in zip(outputs, program.out_types, strict=True))
        return staging.program([x.node for x in inputs], [staging.atom(y) for y in found], name=program.name)


def _has_complex(program: Program) -> bool:
    return any(map(_is_complex, program.inputs)) or any(
        any(map(_is_complex, (*e.inputs, *e.outputs))) for e in program.equations
    )


def _is_complex(atom: Any) -> bool:
    return is_pair(atom.type.dtype)


def _is_split(equation: Equation) -> bool:
    """Whether there are complex numbers in an equation, and none longer than machine code has."""
    complexes = [a for a in (*equation.inputs, *equation.outputs) if a.type.dtype.kind == "c"]
    return bool(complexes) and all(map(_is_complex, complexes))


def _run(staging: Staging, program: Program, inputs: Sequence[Any]) -> list[Any]:
    """Return the results of a program on arrays, traced complex ones or their Parts, as either of these."""
    known: dict[Any, Any] = dict(zip(program.inputs, inputs, strict=True))
    for var, value in program.constants:
        known[var] = staging.constant(value, var.type)

    def read(atom):
        return atom.value if isinstance(atom, Literal) else known[atom]

    def parts(atom):
        if not _is_complex(atom):
            return read(atom)
        found = _parts(read(atom), atom.type)
        if not isinstance(atom, Literal):
            known[atom] = found
        return found

    for equation in program.equations:
        before = len(staging.equations)
        ys = None
        if _is_split(equation):
            ys = _by_rule(equation, [parts(a) for a in equation.inputs])
        if ys is None:
            args = [_whole(staging, read(a), a.type) for a in equation.inputs]
            ys = _bound(staging, equation, args)
        for new in staging.equations[before:]:
            new.source = equation.source
        for var, y in zip(equation.outputs, ys, strict=True):
            known[var] = _typed(y, var.type)
    return [read(a) for a in program.outputs]


def _by_rule(equation: Equation, args: list[Any]) -> Sequence[Any] | None:
    """Return the results of an equation on Parts; None where there is no rule."""
    primitive, params = equation.primitive, equation.params
    if primitive.pointwise and is_pair(equation.outputs[0].type.dtype):
        args = [_as_part(x, part_dtype(equation.outputs[0].type.dtype)) for x in args]
    if primitive.by_parts:
        function = lambda *xs: bind(primitive, *xs, **params)
        return (by_parts(function, args, primitive.linear_positions(len(args))),)
    if primitive.parts_rule is None:
        return None
    found = primitive.parts_rule(*args, **params)
    return found if primitive.multiple or found is None else (found,)


def _bound(staging: Staging, equation: Equation, args: list[Any]) -> Sequence[Any]:
    primitive = equation.primitive
    if any(type(x) is Tracer for x in args):
        out = bind(primitive, *args, **equation.params)
    else:  # stays an equation, to be folded or not later
        out = staging.process(primitive, tuple(args), equation.params)
    return out if primitive.multiple else (out,)


def _as_part(x: Any, dtype: np.dtype) -> Any:
    """Return real numbers, or both parts of complex ones, with the dtype of the result's parts, as NumPy computes."""
    if isinstance(x, Parts):
        return Parts(_as_part(x.re, dtype), _as_part(x.im, dtype), x.is_real)
    if dtype_of(x) == dtype:
        return x
    return convert(x, dtype=dtype) if type(x) is Tracer else np.asarray(x, dtype)[()]


def _parts(x: Any, kind: ArrayType) -> Any:
    """Return the parts of a complex array; anything else as it is."""
    if isinstance(x, Parts) or not is_pair(kind.dtype):
        return x
    if type(x) is Tracer:
        return Parts(real(x), imag(x))
    return Parts(x.real, x.imag)


def _whole(staging: Staging, x: Any, kind: ArrayType) -> Any:
    """Return a complex array put together of its parts; anything else as it is."""
    if not isinstance(x, Parts):
        return x
    parts = _as_part(x, part_dtype(kind.dtype))
    return _typed(staging.process(make_complex, parts[:2], {}), kind)


def _typed(y: Any, kind: ArrayType) -> Any:
    """Return a result with the dtype, and the weakness, of the variable it stands for."""
    if not isinstance(y, Parts):
        if type(y) is Tracer and kind.weak:
            y.node.type = kind
        return y
    return _as_part(y, part_dtype(kind.dtype))
