"""Gradients of scalar functions: grad and value_and_grad."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.interpret import owned, owned_tree
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.transforms.arguments import Chosen, as_derivative, described, owner_of, presented, split_aux
from funcgrad.transforms.tape import record

__all__ = ["grad", "value_and_grad"]


def grad(
    function: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable:
    """Return a function that computes the gradient of a scalar function.

        grad(f)(x)[i] = d f(x) / d x[i]

    Args:
        function: takes arrays in any containers; returns a scalar.
        argnums: the positional argument, or a tuple of them, to differentiate by.
        has_aux: `function` returns `(scalar, extra)`; the result is then `(gradient, extra)`.
        holomorphic: allow complex arguments and a complex result of a complex differentiable
            function. For a real function of complex arguments the gradient is JAX's,
            df/d(Re x) - i df/d(Im x).
        allow_int: give integer and bool arguments a zero gradient instead of an error.

    Returns:
        a function of the same arguments; its result has the containers, shapes and dtypes of the
        argument (a tuple of them for a tuple of `argnums`). It is no part of an argument, and can be written to.

    Raises:
        ShapeError: when `function` does not return a scalar.
        DTypeError: when an argument is not floating (or complex), or the result is complex.

    Derivative: at kinks by the conventions of each primitive: abs at 0 has derivative 0, ties of
    max and maximum share evenly, norm at 0 has gradient 0.

    Cost: at most a small multiple of the function's own, whatever the number of arguments.

    See also: value_and_grad, vjp, jacobian, hessian.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda x: np.sum(np.sin(x) ** 2))(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    """
    both = _value_and_grad(function, argnums, has_aux, holomorphic, allow_int, owner_of("grad", function))

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, derivative = both(args, kwargs)
        return (derivative, value[1]) if has_aux else derivative

    return presented(gradient, "grad", function)


def value_and_grad(
    function: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable:
    """Return a function that computes a scalar function and its gradient together.

    Arguments, errors and conventions are those of `grad`; the result is `(value, gradient)`, or
    `((value, extra), gradient)` with `has_aux`. `scipy.optimize.minimize(..., jac=True)` takes it.

    >>> import funcgrad as fg
    >>> fg.value_and_grad(lambda x: x**3)(2.0)
    (8.0, np.float64(12.0))
    """
    owner = owner_of("value_and_grad", function)
    both = _value_and_grad(function, argnums, has_aux, holomorphic, allow_int, owner)

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return both(args, kwargs)

    return presented(value_and_gradient, "value_and_grad", function)


def _value_and_grad(function, argnums, has_aux, holomorphic, allow_int, owner):
    if not callable(function):
        raise DTypeError(
            f"{owner.split()[0]}: expected a function, got {type(function).__name__}.",
            hint="pass the function itself: grad(f)(x), not grad(f(x)).",
        )

    def both(args, kwargs):
        chosen = Chosen(owner, function, args, argnums)
        chosen.check(allow_int=allow_int)
        leaves = chosen.leaves
        active = list(range(len(leaves)))
        if allow_int:
            active = [i for i in active if type_of(leaves[i]).dtype.kind in "fc"]

        def flat(*tracers):
            if len(tracers) != len(leaves):
                merged = list(leaves)
                for i, tracer in zip(active, tracers, strict=True):
                    merged[i] = tracer
                tracers = merged
            out = function(*chosen.replaced(tracers), **kwargs)
            out, extra = split_aux(out, owner) if has_aux else (out, None)
            return [out], extra

        tape, (y,), outs, extra = record(
            flat, leaves if len(active) == len(leaves) else [leaves[i] for i in active], owner, aux=has_aux
        )
        bars = tape.pull([_seed(y, owner, holomorphic)], outs, len(active), consume=True)
        if len(active) != len(leaves):
            given, bars = iter(bars), [None] * len(leaves)
            for i in active:
                bars[i] = next(given)
        gradients = list(map(as_derivative, bars, leaves))
        if has_aux:
            extra = owned_tree(extra, leaves)
        (y,) = owned([y], leaves)
        return ((y, extra) if has_aux else y), chosen.rebuild(gradients)

    return both


def _seed(y, owner, holomorphic):
    """Return the cotangent 1 of a scalar result; raise where the result is no real scalar."""
    if type(y) is np.float64:
        return np.float64(1.0)
    if type(y) is not Tracer and not isinstance(y, (np.ndarray, np.generic, int, float, complex)):
        raise ShapeError(
            f"{owner}: expected a scalar output, got {described(y)}.",
            hint="return one number; has_aux=True carries extra results.",
        )
    kind = type_of(y)
    if kind.shape != ():
        raise ShapeError(
            f"{owner}: expected a scalar output, got {kind}.",
            hint="return y.sum() (or another scalar), or use jacobian or vjp.",
        )
    if kind.dtype.kind == "c" and not holomorphic:
        raise DTypeError(
            f"{owner}: expected a real output, got {kind}.",
            hint="return its real part or absolute value, or pass holomorphic=True.",
        )
    if holomorphic and kind.dtype.kind != "c":
        raise DTypeError(
            f"{owner}: expected a complex output with holomorphic=True, got {kind}.",
            hint="leave out holomorphic=True.",
        )
    if kind.dtype.kind in "biu":
        raise DTypeError(
            f"{owner}: expected a floating output, got {kind}.",
            hint="an integer or bool result has no derivative.",
        )
    return kind.dtype.type(1)
