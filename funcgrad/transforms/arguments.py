"""The arguments a transformation differentiates by: chosen, flattened, checked, and put back."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.staging import argument_names, call_path, leaf_type
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import DTypeError, ShapeError, TreeError

__all__ = ["Chosen", "as_derivative", "check_like", "described", "owner_of", "presented", "split_aux"]


def owner_of(transform: str, function: Callable) -> str:
    """Return what messages call a transformed function, such as `grad of loss`."""
    name = getattr(function, "__name__", type(function).__name__)
    return transform if name == "<lambda>" else f"{transform} of {name}"


_ONE_LEAF = tree.structure((0.0,))


def presented(wrapper: Callable, transform: str, function: Callable) -> Callable:
    """Give a transformed function a name, a docstring, and the signature of the original."""
    name = getattr(function, "__name__", type(function).__name__)
    wrapper.__name__ = wrapper.__qualname__ = transform if name == "<lambda>" else f"{transform}_{name}"
    wrapper.__doc__ = f"The {transform} of {name}."
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper


class Chosen:
    """The arguments `argnums` names, as leaves.

    Args:
        owner: for messages.
        function: the user's function, for its parameters' names.
        args: its positional arguments.
        argnums: an index or a tuple of them; negative ones count from the end.

    Raises:
        TypeError: when argnums is not an index or is out of range.
    """

    __slots__ = ("_args", "_function", "_owner", "argnums", "leaves", "single", "treedef")

    def __init__(self, owner: str, function: Callable, args: tuple, argnums: int | Sequence[int]):
        self._owner = owner
        self._function = function
        self._args = args
        self.single = type(argnums) is int
        numbers = tuple(argnums) if isinstance(argnums, (tuple, list)) else (argnums,)
        count = len(args)
        if type(argnums) is int and -count <= argnums < count and type(args[argnums]) is np.ndarray:
            # What most calls choose, an array, needs no flattening.
            self.argnums, self.treedef = (argnums % count,), _ONE_LEAF
            self.leaves = [args[argnums]]
            return
        for number in numbers:
            if not isinstance(number, (int, np.integer)) or not -count <= number < count:
                raise TreeError(
                    f"{owner}: expected argnums among the {count} positional arguments, got {number!r}.",
                    hint="arguments passed by keyword are not differentiated; pass them by position.",
                )
        self.argnums = tuple(n % count for n in numbers)
        if len(set(self.argnums)) != len(self.argnums):
            raise TreeError(f"{owner}: expected each argument once in argnums, got {argnums}.")
        self.leaves, self.treedef = tree.flatten(tuple([args[n] for n in self.argnums]))

    def check(self, *, complex_hint: str = "", allow_int: bool | None = None) -> None:
        """Raise DTypeError, with the key path, for a leaf that cannot be differentiated by.

        Args:
            complex_hint: when given, complex leaves are refused with this hint.
            allow_int: leave integer and bool leaves alone; None where the caller does not offer that.
        """
        for i, x in enumerate(self.leaves):
            if type(x) is np.ndarray and x.dtype.char in "fd":
                continue
            if type(x) is float:
                continue
            kind = leaf_type(x, self._owner, partial(self.path, i))
            if kind.dtype.kind in "biu" and not allow_int:
                raise DTypeError(
                    f"{self._owner}: expected floating or complex arguments, got {self.path(i)}: {kind}.",
                    hint="pass a float (1.0 in place of 1, or x.astype(float))"
                    + (
                        "."
                        if allow_int is None
                        else "; allow_int=True gives integer arguments a zero gradient."
                    ),
                )
            if kind.dtype.kind == "c" and complex_hint:
                raise DTypeError(
                    f"{self._owner}: expected real arguments, got {self.path(i)}: {kind}.",
                    hint=complex_hint,
                )

    def path(self, i: int) -> str:
        """Return the key path of leaf `i`, such as `params['w']`."""
        names = argument_names(self._function, self._args, {})
        paths = [
            path
            for n, child in zip(self.argnums, self.treedef.children, strict=True)
            for path in child.paths(f"[0][{n}]")
        ]
        return call_path(paths[i], names)

    def replaced(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the arguments with the chosen leaves replaced."""
        args = list(self._args)
        if self.treedef is _ONE_LEAF:
            args[self.argnums[0]] = leaves[0]
            return args
        for n, value in zip(self.argnums, tree.unflatten(self.treedef, leaves), strict=True):
            args[n] = value
        return args

    def rebuild(self, leaves: Sequence[Any]) -> Any:
        """Return `leaves` in the containers of the chosen arguments."""
        if self.treedef is _ONE_LEAF:
            return leaves[0]
        out = tree.unflatten(self.treedef, leaves)
        return out[0] if self.single else out


def split_aux(out: Any, owner: str) -> tuple:
    """Return the pair `(result, extra)` that a function with has_aux=True must return."""
    if not isinstance(out, tuple) or len(out) != 2:
        raise TreeError(
            f"{owner}: expected a pair (result, extra) with has_aux=True, got {described(out)}.",
            hint="return result, extra.",
        )
    return out


def described(x: Any) -> str:
    """Return what to call a result that is not what was expected: its structure, or its class."""
    leaves, treedef = tree.flatten(x)
    return str(treedef) if len(leaves) != 1 or leaves[0] is not x else type(x).__name__


def as_derivative(x_bar: Any, x: Any) -> Any:
    """Return a cotangent or tangent of `x`, with None as zeros."""
    if x_bar is None:
        kind = type_of(x)
        dtype = kind.dtype if kind.dtype.kind in "fc" else float
        return np.zeros(kind.shape, dtype)[()]
    return x_bar


def _path_of(what, treedef, i):
    return what + treedef.paths()[i]


def check_like(owner: str, what: str, given: Any, types: Sequence[ArrayType], treedef) -> list[Any]:
    """Return the leaves of a tangent or cotangent, which must match `types` in `treedef`.

    Raises:
        TreeError, ShapeError, DTypeError: with the key path.
    """
    leaves, got_def = tree.flatten(given)
    if got_def != treedef:
        raise TreeError(f"{owner}: expected {what} of the structure {treedef}, got {got_def}.")
    out = []
    for i, (x, want) in enumerate(zip(leaves, types, strict=True)):
        got = leaf_type(x, owner, partial(_path_of, what, treedef, i))
        if got.shape != want.shape:
            raise ShapeError(
                f"{owner}: expected {what}{treedef.paths()[i]} of type {want.strong()}, got {got}.",
                hint="it must have the shape of the value it belongs to.",
            )
        if (
            got.dtype != want.dtype
            and not np.can_cast(got.dtype, want.dtype, "safe")
            and not (got.weak and np.can_cast(got.dtype, want.dtype, "same_kind"))
        ):
            raise DTypeError(
                f"{owner}: expected {what}{treedef.paths()[i]} of type {want.strong()}, got {got}.",
                hint=f"convert it with astype({want.dtype.name!r}).",
            )
        if got.dtype != want.dtype or got.weak:
            x = x.astype(want.dtype) if hasattr(x, "astype") else want.dtype.type(x)
        out.append(x)
    return out
