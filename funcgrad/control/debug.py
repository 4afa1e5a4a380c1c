"""Looking into running programs: values printed, conditions checked, the first nan found."""

import builtins
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.compile.jit_call import jit_call
from funcgrad.control.branching import switch_p
from funcgrad.control.looping import while_p
from funcgrad.control.scan_primitive import scan_p
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Equation, Literal, Program
from funcgrad.core.staging import stage
from funcgrad.core.tracer import bind, concrete
from funcgrad.core.types import type_of
from funcgrad.errors import DTypeError, FuncgradError, ProgramError
from funcgrad.source import user_location

__all__ = ["CheckError", "NaNError", "breakpoint", "check_nan", "error_if", "print"]


class NaNError(FuncgradError, FloatingPointError):
    """A nan, with the operation that made it of numbers that were none."""


class CheckError(FuncgradError, ValueError):
    """A condition that `error_if` was told to refuse."""


class _Print(Primitive):
    """Print values in a format, when and wherever the program runs."""

    name = "debug_print"
    differentiable = False
    effect = True

    def type_rule(self, *types, text, in_tree):
        if in_tree.size != len(types):
            raise ProgramError(
                f"debug.print: expected {in_tree.size} arrays for {in_tree}, got {len(types)}."
            )
        return type_of(np.int64(0))

    def eval_rule(self, *leaves, text, in_tree):
        args, kwargs = tree.unflatten(in_tree, [concrete(x) for x in leaves])
        builtins.print(text.format(*args, **kwargs), file=sys.stdout)
        return np.int64(0)

    def samples(self):
        return [Sample((box((2,)),), {"text": "", "in_tree": tree.structure(((0.0,), {}))})]


_print_p = _Print()


def print(text: str, *args: Any, **kwargs: Any) -> None:
    """Print values, also from compiled code and from inside loops: `fg.debug.print("x = {}, y = {y}", x, y=y)`.

    Args:
        text: a format string, as for `str.format`.
        args, kwargs: arrays in any containers.

    Under `vmap` each example prints by itself. In the compiled backward pass of a gradient, what was printed in the
    forward pass is not printed again.

    >>> import funcgrad as fg
    >>> @fg.jit
    ... def f(x):
    ...     fg.debug.print("x is {}", x)
    ...     return x * 2
    >>> f(1.0)
    x is 1.0
    np.float64(2.0)
    """
    leaves, in_tree = tree.flatten((args, kwargs))
    bind(_print_p, *leaves, text=str(text), in_tree=in_tree)


class _ErrorIf(Primitive):
    """Raise when a condition holds for some element."""

    name = "error_if"
    differentiable = False
    effect = True

    def type_rule(self, pred, *, message, place):
        return type_of(np.int64(0))

    def eval_rule(self, pred, *, message, place):
        if np.any(concrete(pred)):
            raise CheckError(message, at=place)
        return np.int64(0)

    def samples(self):
        return [Sample((np.array([False, False]),), {"message": "", "place": None})]


_error_if_p = _ErrorIf()


def error_if(pred: Any, message: str) -> None:
    """Raise `CheckError` with a message, and this line, when `pred` holds for some element: also in compiled code.

    Args:
        pred: booleans.
        message: what was required, what came, and what to do.

    >>> import funcgrad as fg
    >>> @fg.jit
    ... def log(x):
    ...     fg.error_if(x <= 0, "log: expected positive numbers.")
    ...     return fg.numpy.log(x)
    >>> log(1.0)
    np.float64(0.0)
    """
    if type_of(pred).dtype.kind != "b":
        raise DTypeError(f"error_if: expected booleans, got {type_of(pred)}.", hint="compare: x < 0.")
    bind(_error_if_p, pred, message=str(message), place=user_location(1))


def breakpoint(*values: Any) -> None:
    """Stop in Python's debugger, with `values` as arrays; where the program is staged there are none, and it raises.

    Raises:
        ConcretizationError: inside jit and in bodies of loops: call the function without jit there, or use `print`.
    """
    values = tuple(concrete(v) for v in tree.leaves(values))
    builtins.breakpoint()


def check_nan(function: Callable) -> Callable:
    """Return a function that runs `function` operation by operation, and stops at the first nan.

    Args:
        function: a pure function of arrays in any containers (the gradient of another, say).

    Returns:
        a function of the same arguments and results. It raises NaNError when an operation gives nan for arguments
        that have none, and says which operation, on which line, of which values; inside loops also in which
        iteration.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> try:
    ...     fg.debug.check_nan(lambda x: np.sum(np.log(x) * 0))(np.array([1.0, 0.0]))
    ... except fg.debug.NaNError as error:
    ...     print_ = str(error).splitlines()[0]
    >>> print_
    'check_nan: expected numbers, got nan from multiply: -inf and 0 at (1,).'
    """

    def checked(*args: Any, **kwargs: Any) -> Any:
        program = stage(function, args, kwargs, "check_nan")
        with np.errstate(all="ignore"):
            out = _run(program, tree.leaves((args, kwargs)), "")
        assert program.out_tree is not None
        return tree.unflatten(program.out_tree, out)

    return checked


def _run(program: Program, args: list, where: str) -> list[Any]:
    env: dict[Any, Any] = dict(zip(program.inputs, args, strict=True))
    env.update(program.constants)
    for equation in program.equations:
        values = [a.value if isinstance(a, Literal) else env[a] for a in equation.inputs]
        outs = _apply(equation, values, where)
        for y in outs:
            if _has_nan(y) and not any(map(_has_nan, values)):
                raise NaNError(_found(equation, values, y, where), at=equation.source)
        env.update(zip(equation.outputs, outs, strict=True))
    return [a.value if isinstance(a, Literal) else env[a] for a in program.outputs]


def _has_nan(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "fc" and bool(np.isnan(x).any())


def _found(equation: Equation, values: list, y: Any, where: str) -> str:
    place = tuple(int(i) for i in np.argwhere(np.isnan(y))[0]) if np.ndim(y) else ()
    parts = []
    for x in values:
        same = np.shape(x) == np.shape(y)
        small = np.size(x) <= 6
        value = np.asarray(x)[place] if same else x if small else f"an array of shape {np.shape(x)}"
        parts.append(f"{value:g}" if np.ndim(value) == 0 and not isinstance(value, str) else str(value))
    at = f" at {place}" if place else ""
    return (
        f"check_nan: expected numbers, got nan from {equation.primitive}: {' and '.join(parts)}{at}{where}."
    )


def _apply(equation: Equation, values: list, where: str) -> tuple:
    """Evaluate an equation; loops and branches by running their bodies here."""
    primitive, params = equation.primitive, equation.params
    if primitive is jit_call:
        return tuple(_run(params["program"], values, where))
    if primitive is switch_p:
        branches = params["branches"]
        chosen = min(max(int(values[0]), 0), len(branches) - 1)
        return tuple(_run(branches[chosen], values[1:], where))
    if primitive is while_p:
        return _while(values, where, **params)
    if primitive is scan_p:
        return _scan(values, where, **params)
    out = bind(primitive, *values, **params)
    return out if primitive.multiple else (out,)


def _while(values, where, *, cond, body, cond_consts, body_consts):
    mine, fixed = values[:cond_consts], values[cond_consts : cond_consts + body_consts]
    carry = values[cond_consts + body_consts :]
    n = 0
    while _run(cond, [*mine, *carry], f"{where}, in iteration {n} of a while_loop")[0]:
        carry = _run(body, [*fixed, *carry], f"{where}, in iteration {n} of a while_loop")
        n += 1
    return tuple(carry)


def _scan(values, where, *, body, consts, carries, length, reverse):
    fixed, carry, xs = values[:consts], values[consts : consts + carries], values[consts + carries :]
    ys = [np.empty((length, *t.shape), t.dtype) for t in body.out_types[carries:]]
    for i in reversed(range(length)) if reverse else range(length):
        out = _run(body, [*fixed, *carry, *(x[i] for x in xs)], f"{where}, in iteration {i} of a scan")
        carry = out[:carries]
        for y, part in zip(ys, out[carries:], strict=True):
            y[i] = part
    return (*carry, *ys)
