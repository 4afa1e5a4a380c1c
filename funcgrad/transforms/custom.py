"""Functions with derivatives of the user's own: custom_jvp and custom_vjp."""

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from inspect import signature
from typing import Any

from funcgrad import tree
from funcgrad.core.closures import captured_by
from funcgrad.core.staging import check_outputs, leaf_type, name_of
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType, dtype_of, is_array, is_inexact, shape_of, type_of
from funcgrad.errors import DerivativeError, ShapeError, TreeError
from funcgrad.transforms.arguments import check_like
from funcgrad.transforms.custom_calls import Call, custom_jvp_p, custom_vjp_p, stop_gradient_p

__all__ = ["custom_jvp", "custom_vjp", "stop_gradient"]


def stop_gradient(x: Any) -> Any:
    """Return `x` (arrays in any containers) as a constant: its derivative is zero.

    >>> import funcgrad as fg
    >>> fg.grad(lambda x: x * fg.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return tree.map(stop_gradient_p, x)


def _has_defaults(function):
    try:
        return any(p.default is not p.empty for p in signature(function).parameters.values())
    except (TypeError, ValueError):  # of a builtin, say
        return False


class _Custom:
    """The common part of the two decorators."""

    def __init__(self, function: Callable, nondiff_argnums: Sequence[int] = ()):
        update_wrapper(self, function)  # type: ignore[arg-type]
        self._function = function
        self._static = tuple(nondiff_argnums)
        self._owner = f"{type(self).__name__} {name_of(function)}"
        self._has_defaults = _has_defaults(function)

    def _split(self, args):
        """Return the differentiable arguments as leaves, their structure, the other arguments, and a
        function that puts the two together."""
        static = {i % len(args): args[i] for i in self._static}
        given = [x for i, x in enumerate(args) if i not in static]

        def merged(dynamic):
            rest = iter(dynamic)
            return [static[i] if i in static else next(rest) for i in range(len(args))]

        pairs, in_tree = tree.flatten_with_paths(tuple(given))
        for path, x in pairs:
            leaf_type(x, self._owner, partial(str, f"argument {path}"))
        return [x for _, x in pairs], in_tree, list(static.values()), merged

    def _flat_function(self, call_of, in_tree, merged):
        def function(*leaves):
            out = self._function(*merged(tree.unflatten(in_tree, leaves)))
            return self._leaves(out, call_of())

        return function

    def _called(self, primitive, call, leaves, static):
        """Bind a call, with what its parts close over where a rule of its own may be asked for."""
        captured = captured_by(self, static) if any(type(x) is Tracer for x in leaves) else []
        call.close(captured)
        ys = primitive(*leaves, *captured, call=call)
        return tree.unflatten(call.out_tree, ys)

    def _leaves(self, out, call):
        leaves, treedef = tree.flatten(out)
        check_outputs(leaves, treedef, self._owner)
        if call.out_tree is None:
            call.out_tree = treedef
        return leaves

    def _bound(self, args, kwargs):
        """Return the arguments by position, keyword ones and defaults included: the rules have all of them."""
        if not kwargs and not self._static and not self._has_defaults:
            return args
        bound = signature(self._function).bind(*args, **kwargs)
        bound.apply_defaults()
        if not kwargs and not self._static:
            added = bound.args[len(args) :]
            # A default that is no array, or goes by keyword, is the function's own affair.
            return bound.args if all(map(is_array, tree.leaves(added))) else args
        if bound.kwargs:
            raise TreeError(
                f"{self._owner}: expected arguments that can be passed by position, got {next(iter(bound.kwargs))!r}."
            )
        return bound.args


class custom_jvp(_Custom):
    """Give a function a forward derivative of your own; the reverse one is derived from it.

    Args:
        function: takes and returns arrays in any containers.
        nondiff_argnums: positions of arguments that are not arrays; the rule gets them first.

    The rule, set with `defjvp`, is `rule(*nondiff, primals, tangents) -> (y, y_dot)`; `y_dot` must
    be linear in the tangents. The tangent of a whole number is zeros.

    The function and its rule may close over traced values. By these, and by traced arrays among the `nondiff` arguments,
    the function has the derivative of what it computes.

    Raises:
        DerivativeError: when differentiated before `defjvp`, or in reverse with a nonlinear rule.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> @fg.custom_jvp
    ... def softplus(x):
    ...     return np.logaddexp(x, 0.0)
    >>> @softplus.defjvp
    ... def softplus_jvp(primals, tangents):
    ...     (x,), (x_dot,) = primals, tangents
    ...     return softplus(x), x_dot / (1 + np.exp(-x))
    >>> fg.grad(softplus)(0.0)
    np.float64(0.5)
    """

    def __init__(self, function: Callable, nondiff_argnums: Sequence[int] = ()):
        super().__init__(function, nondiff_argnums)
        self._rule: Callable | None = None

    def defjvp(self, rule: Callable) -> Callable:
        """Set the rule; returns it, so that this can be used as a decorator."""
        self._rule = rule
        return rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, in_tree, static, merged = self._split(self._bound(args, kwargs))

        def rule(xs, dots):
            if self._rule is None:
                raise DerivativeError(
                    f"{self._owner}: expected a JVP rule, got none.", hint="set one with f.defjvp(rule)."
                )
            out = self._rule(*static, tree.unflatten(in_tree, xs), tree.unflatten(in_tree, dots))
            if not isinstance(out, tuple) or len(out) != 2:
                raise TreeError(f"{self._owner}: expected a rule that returns (y, y_dot), got {out!r}.")
            ys, y_tree = tree.flatten(out[0])
            y_dots, dot_tree = tree.flatten(out[1])
            if y_tree != dot_tree:
                raise TreeError(
                    f"{self._owner}: expected a tangent of the structure of the result {y_tree}, got {dot_tree}."
                )
            for y, y_dot in zip(ys, y_dots, strict=True):
                if shape_of(y) != shape_of(y_dot):
                    raise ShapeError(
                        f"{self._owner}: expected a tangent of the shape of the result {type_of(y)}, "
                        f"got {type_of(y_dot)}."
                    )
            return y_dots

        call = Call(self._owner, None, rule=rule)
        call.function = self._flat_function(lambda: call, in_tree, merged)
        return self._called(custom_jvp_p, call, leaves, static)


class custom_vjp(_Custom):
    """Give a function a reverse derivative of your own; the forward one is derived from it.

    Args:
        function: takes and returns arrays in any containers.
        nondiff_argnums: positions of arguments that are not arrays; `backward` gets them first.

    The rules, set with `defvjp`, are `forward(*args) -> (y, residuals)` and
    `backward(*nondiff, residuals, y_bar) -> tuple with one cotangent an argument` (None is zero). Arguments that
    were left out have their defaults.

    The function and its rules may close over traced values. By these, and by traced arrays among the `nondiff`
    arguments, the function has the derivative of what it computes.

    Raises:
        DerivativeError: when differentiated before `defvjp`, or pushed forward with a `backward`
            that is not linear in `y_bar`.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> @fg.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, y_bar: (np.clip(y_bar, -1.0, 1.0),))
    >>> fg.grad(lambda x: 5 * clipped(x))(2.0)
    np.float64(1.0)
    """

    def __init__(self, function: Callable, nondiff_argnums: Sequence[int] = ()):
        super().__init__(function, nondiff_argnums)
        self._forward: Callable | None = None
        self._backward: Callable | None = None

    def defvjp(self, forward: Callable, backward: Callable) -> None:
        """Set the two parts of the rule."""
        self._forward = forward
        self._backward = backward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, in_tree, static, merged = self._split(self._bound(args, kwargs))

        def forward(*xs):
            if self._forward is None:
                raise DerivativeError(
                    f"{self._owner}: expected forward and backward rules, got none.",
                    hint="set them with f.defvjp(forward, backward).",
                )
            out = self._forward(*merged(tree.unflatten(in_tree, xs)))
            if not isinstance(out, tuple) or len(out) != 2:
                raise TreeError(f"{self._owner}: expected forward to return (y, residuals), got {out!r}.")
            return self._leaves(out[0], call), out[1]

        def backward(residuals, bars, xs):
            assert self._backward is not None and call.out_tree is not None
            x_bars = self._backward(*static, residuals, tree.unflatten(call.out_tree, bars))
            return self._cotangents(x_bars, in_tree, xs)

        call = Call(self._owner, None, forward=forward, backward=backward)
        call.function = self._flat_function(lambda: call, in_tree, merged)
        return self._called(custom_vjp_p, call, leaves, static)

    def _cotangents(self, x_bars, in_tree, xs):
        """Return backward's result as leaves that match the arguments; None is zero."""
        owner = f"{self._owner}: backward"
        if not isinstance(x_bars, (tuple, list)) or len(x_bars) != len(in_tree.children):
            raise TreeError(
                f"{owner}: expected a tuple with one cotangent for each of {len(in_tree.children)} "
                f"arguments, got {x_bars!r}."
            )
        out = []
        rest = list(xs)
        for child, x_bar in zip(in_tree.children, x_bars, strict=True):
            mine, rest = rest[: child.size], rest[child.size :]
            if x_bar is None:
                out.extend([None] * child.size)
                continue
            out.extend(check_like(owner, "cotangent", x_bar, [_as_inexact(x) for x in mine], child))
        return out


def _as_inexact(x):
    dtype = dtype_of(x)
    return ArrayType(shape_of(x), dtype if is_inexact(dtype) else float)
