"""Calls back to Python functions that cannot be traced: pure_callback."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.closures import captured_by, standing_in
from funcgrad.core.made import known
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.randomness import paused
from funcgrad.core.staging import name_of
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import DerivativeError, ShapeError, TreeError

__all__ = ["pure_callback"]


class _Call:
    """A host function of flat arrays, and what it must return."""

    __slots__ = ("__weakref__", "captured", "function", "in_tree", "name", "out_tree", "types")

    def __init__(
        self,
        name: str,
        function: Callable,
        in_tree: Any,
        out_tree: Any,
        types: tuple,
        captured: Sequence[Tracer] = (),
    ):
        self.name = name
        self.function = function
        self.captured = captured  # what the function closes over: its values come behind the arguments
        self.in_tree = in_tree
        self.out_tree = out_tree
        self.types = types

    def __repr__(self) -> str:
        return self.name


class PureCallback(Primitive):
    """A Python function evaluated on plain arrays."""

    name = "pure_callback"
    opaque = True
    multiple = True

    def type_rule(self, *types, call):
        return call.types

    def eval_rule(self, *leaves, call):
        # Short, and `with` early in it: where there is no memory left at all, CPython runs for ever between a block
        # beyond a function's 256th instruction and its exit.
        arrays = [np.array(x) if isinstance(x, np.ndarray) else x for x in leaves]
        own = len(arrays) - len(call.captured)
        watch = paused()
        with standing_in(call.name, call.captured, arrays[own:]):
            result = call.function(*tree.unflatten(call.in_tree, arrays[:own]))
        if watch is not None:
            watch.resume()
        return _as_promised(result, call)

    def jvp_rule(self, x_dots, ys, *leaves, call):
        # No derivative is known, in either direction: better an error than a zero.
        raise DerivativeError(
            f"{call.name}: a Python function on plain arrays has no derivative of its own.",
            hint="wrap the call in a function with custom_jvp or custom_vjp, which gives one.",
        )

    def samples(self):
        types = (ArrayType((3,), np.int64),)
        call = _Call("battery", np.sort, tree.structure((0.0,)), tree.structure(0.0), types)
        return [Sample((box((3,), -9, 9, np.int64).array(),), {"call": call}, smooth=False)]


def _as_promised(result, call):
    """Return the leaves of what a host function returned, of the types it was to have.

    No generator expression here, nor in what calls this from native code: where there is no memory for its function,
    CPython 3.12 and 3.13 let its code go twice.
    """
    out, out_tree = tree.flatten(result)
    out = [known(x) for x in out]
    if out_tree != call.out_tree:
        raise TreeError(f"{call.name}: expected a result of the structure {call.out_tree}, got {out_tree}.")
    for i, (x, want) in enumerate(zip(out, call.types, strict=True)):
        got = type_of(x)
        if got.shape != want.shape or not np.can_cast(got.dtype, want.dtype, "same_kind"):
            raise ShapeError(
                f"{call.name}: expected result{out_tree.paths()[i]} of type {want}, got {got}.",
                hint="result_types must describe what the function returns.",
            )
    return tuple([np.asarray(x, t.dtype)[()] for x, t in zip(out, call.types, strict=True)])


pure_callback_p = PureCallback()


def pure_callback(function: Callable, result_types: Any, *args: Any) -> Any:
    """Call a Python function that cannot be traced, on plain arrays, also from compiled code.

    Args:
        function: takes the arguments as arrays in their containers, and finds traced values that it closes over as
            arrays too. It must be pure: it may be called more than once, or not at all.
        result_types: what it returns: `fg.ArrayType`s (or arrays, of which only the types matter), in containers.
        args: arrays in any containers.

    Returns:
        what the function returns.

    Raises:
        ShapeError, TreeError: when the function returns something else.
        DerivativeError: when differentiated; give a derivative with `custom_jvp` or `custom_vjp` around the call.

    Under `vmap` the function is called for one example after another.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> median = lambda x: fg.pure_callback(np.median, fg.ArrayType((), float), x)
    >>> fg.jit(lambda x: 2 * median(x))(np.array([3.0, 1.0, 2.0]))
    np.float64(4.0)
    """
    leaves, in_tree = tree.flatten(args)
    kinds, out_tree = tree.flatten(result_types)
    types = tuple(type_of(k).strong() for k in kinds)
    # What an object may hold besides must not make the result depend on it: there is no derivative.
    captured = captured_by(function, attributes=False)
    call = _Call(f"pure_callback of {name_of(function)}", function, in_tree, out_tree, types, captured)
    out = pure_callback_p(*leaves, *captured, call=call)
    return tree.unflatten(out_tree, list(out))
