"""Signatures: what a compiled program was compiled for, and how two of them differ."""

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any

import numpy as np

from funcgrad.core.staging import argument_names, call_path, name_of
from funcgrad.core.types import ArrayType, refuse_subclass, type_of
from funcgrad.errors import DTypeError, TreeError

__all__ = ["Signature", "StaticArguments", "kind_of"]


class StaticArguments:
    """Which arguments of a function are static.

    Args:
        function: the user's.
        numbers, names: the positions and the names; either finds the other where the function has parameters.
    """

    def __init__(self, function: Callable, numbers: int | Sequence[int], names: str | Sequence[str]):
        self._owner = f"jit of {name_of(function)}"
        self._given = (function, numbers, names)
        self.numbers = {numbers} if isinstance(numbers, int) else set(numbers)
        self.names = {names} if isinstance(names, str) else set(names)
        try:
            parameters = list(signature(function).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        positional = [
            p for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
        count = len(positional)
        if any(type(n) is not int for n in self.numbers) or any(type(n) is not str for n in self.names):
            raise TreeError(
                f"{self._owner}: expected static_argnums of ints and static_argnames of strings, "
                f"got {numbers!r} and {names!r}."
            )
        starred = any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)
        for n in self.numbers:
            if parameters and not starred and not -count <= n < count:
                raise TreeError(
                    f"{self._owner}: expected static_argnums among its {count} positional arguments, got {n}."
                )
        known = {p.name for p in parameters}
        # Whether the function can see in which order keywords were given.
        self.sees_order = not parameters or any(p.kind is Parameter.VAR_KEYWORD for p in parameters)
        if not self.sees_order:
            for name in self.names:
                if name not in known:
                    raise TreeError(
                        f"{self._owner}: expected static_argnames among {', '.join(sorted(known))}, got {name!r}."
                    )
        self.numbers = {n % count if n < 0 and count else n for n in self.numbers}
        for k, p in enumerate(positional):
            if k in self.numbers and p.kind is Parameter.POSITIONAL_OR_KEYWORD:
                self.names.add(p.name)
            elif p.name in self.names:
                self.numbers.add(k)

    def split(self, args: tuple, kwargs: dict[str, Any]) -> tuple["Split", tuple, dict[str, Any]]:
        """Return the static arguments, and the others.

        Raises:
            DTypeError: for a static argument that is not hashable.
        """
        if not self.numbers and not self.names:
            return _NONE, args, kwargs
        by_number = {i: x for i, x in enumerate(args) if i in self.numbers}
        by_name = {k: v for k, v in kwargs.items() if k in self.names}
        key = tuple(
            [(where, _told_apart(value)) for where, value in (*by_number.items(), *sorted(by_name.items()))]
        )
        try:
            hash(key)
        except TypeError:
            for where, value in (*by_number.items(), *by_name.items()):
                try:
                    hash(value)
                except TypeError:
                    raise DTypeError(
                        f"{self._owner}: expected a static argument that is hashable, "
                        f"got argument {where}: {type(value).__name__}.",
                        hint="use a tuple in place of a list, and pass arrays as arguments that are not static.",
                    ) from None
        rest = tuple(x for i, x in enumerate(args) if i not in by_number)
        return (
            Split(by_number, by_name, key),
            rest,
            {k: v for k, v in kwargs.items() if k not in by_name},
        )

    def __reduce__(self):
        return StaticArguments, self._given


def _told_apart(value: Any) -> Any:
    """Return what stands for a value: equal for those that choose one program.

    1, 1.0 and True are equal but choose different ones, and 0.0 and -0.0; two nans are not, and choose the same.
    """
    if isinstance(value, (tuple, frozenset)):
        return type(value), (tuple if isinstance(value, tuple) else frozenset)(map(_told_apart, value))
    return type(value), repr(value) if isinstance(value, (float, complex, np.inexact)) else value


class Split:
    """The static arguments of one call."""

    __slots__ = ("_names", "_numbers", "key")

    def __init__(self, numbers: dict[int, Any], names: dict[str, Any], key: Any):
        self._numbers = numbers
        self._names = names
        self.key = key

    def merged(self, args: tuple, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of the function itself."""
        rest = iter(args)
        count = len(args) + len(self._numbers)
        return [self._numbers[i] if i in self._numbers else next(rest) for i in range(count)], {
            **kwargs,
            **self._names,
        }

    def bound(self, function: Callable) -> Callable:
        """Return the function of the other arguments alone."""
        if not self.key:
            return function

        def bound(*args, **kwargs):
            args, kwargs = self.merged(args, kwargs)
            return function(*args, **kwargs)

        bound.__name__ = getattr(function, "__name__", "function")
        try:
            given = signature(function)
        except (TypeError, ValueError):
            return bound
        kept = [p for k, p in enumerate(given.parameters.values()) if not self._gives(k, p)]
        bound.__signature__ = given.replace(parameters=kept)  # type: ignore[attr-defined]
        return bound

    def _gives(self, position: int, parameter: Parameter) -> bool:
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            return False
        by_position = position in self._numbers and parameter.kind is not Parameter.KEYWORD_ONLY
        return by_position or parameter.name in self._names

    def __str__(self) -> str:
        given = [f"argument {i} = {v!r}" for i, v in self._numbers.items()]
        return ", ".join(given + [f"{k} = {v!r}" for k, v in self._names.items()])


_NONE = Split({}, {}, ())


class Signature:
    """The types of one call's leaves by key path, and its static arguments."""

    def __init__(
        self,
        function: Callable,
        args: tuple,
        kwargs: dict,
        types: Sequence[ArrayType],
        in_tree: Any,
        static: Split,
    ):
        names = argument_names(static.bound(function), args, kwargs)
        self.types = {call_path(path, names): t for path, t in zip(in_tree.paths(), types, strict=True)}
        self.static = str(static)
        self._order = in_tree.order

    def __str__(self) -> str:
        parts = [f"{path}: {t}" for path, t in self.types.items()]
        return ", ".join(parts + ([self.static] if self.static else [])) or "no arguments"

    def against(self, other: "Signature | None") -> str:
        """Return why this signature was not the same as the last one compiled."""
        if other is None:
            return "it was called for the first time"
        if list(self.types) != list(other.types):
            gone = [p for p in other.types if p not in self.types]
            new = [p for p in self.types if p not in other.types]
            changes = [f"{p} is new" for p in new] + [f"{p} is gone" for p in gone]
            return "the containers changed: " + ", ".join(changes or ["another order"])
        if self._order != other._order:
            return "the keys of a dict were in another order"
        changed = [
            f"{path} was {other.types[path]} and is {t}"
            for path, t in self.types.items()
            if t != other.types[path]
        ]
        if self.static != other.static:
            changed.append(f"static arguments were {other.static} and are {self.static}")
        return ", ".join(changed) or "the function was traced again"


def kind_of(x: Any) -> tuple:
    """Return what of a leaf decides whether a call is compiled anew: the shape, the dtype, whether it is a Python number."""
    if type(x) is np.ndarray:
        return x.shape, x.dtype.num, False
    refuse_subclass("jit", x)
    kind = type_of(x)
    return kind.shape, kind.dtype.num, kind.weak
