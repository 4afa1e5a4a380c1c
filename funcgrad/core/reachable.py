"""What a function can reach without being run: the objects it closes over, and those that its names stand for."""

from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from funcgrad.source import is_library

__all__ = ["Reachable", "codes_in"]

_PLAIN = frozenset(
    {
        *(type(None), type(...), bool, int, float, complex, str, bytes, type, range, slice),
        np.ndarray,
        np.dtype,
        np.ufunc,
    }
)
# How many things are looked at, how many of one container, and how deep these lie in one another.
MOST = 256
ELEMENTS = 64
DEEP = 2


class Reachable:
    """What a function can reach.

    Looked into are closures, defaults, globals by name (and those of modules), bound objects, `partial`s, and containers.

    Attributes:
        found: the objects of the kinds that were asked for.
        codes: the code of the user's functions.
    """

    def __init__(self, root: Any, kinds: tuple[type, ...]):
        self.found: list[Any] = []
        self.codes: list[CodeType] = []
        seen: dict[int, Any] = {}
        waiting: list[tuple[Any, int]] = [(root, 0)]
        while waiting and len(seen) < MOST:
            x, depth = waiting.pop()
            if type(x) in _PLAIN or id(x) in seen:
                continue
            seen[id(x)] = x
            if isinstance(x, kinds):
                self.found.append(x)
            else:
                waiting += self._parts(x, depth)

    def _parts(self, x: Any, depth: int) -> Iterable[tuple[Any, int]]:
        kind = type(x)
        if kind is FunctionType:
            return [(part, depth) for part in self._parts_of_function(x)]
        if kind is MethodType:
            return (x.__self__, depth), (x.__func__, depth)
        if kind is BuiltinFunctionType:
            return ((x.__self__, depth),)
        if kind is partial:
            return [(part, depth) for part in (x.func, *x.args, *x.keywords.values())]
        if kind is ModuleType or depth >= DEEP:
            return ()
        if isinstance(x, (list, tuple, set, frozenset, dict)):
            elements = x.values() if isinstance(x, dict) else x
            return [(part, depth + 1) for part, _ in zip(elements, range(ELEMENTS), strict=False)]
        if str(kind.__module__).startswith(("funcgrad.", "numpy", "scipy")):
            return ((getattr(x, "__wrapped__", None), depth),)
        held = [*getattr(x, "__dict__", {}).values()][:ELEMENTS]
        held += [vars(cls).get("__call__") for cls in kind.__mro__]
        return [(part, depth + 1) for part in held]

    def _parts_of_function(self, function: FunctionType) -> list[Any]:
        parts = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        parts += function.__dict__.values()
        for cell in function.__closure__ or ():
            try:
                parts.append(cell.cell_contents)
            except ValueError:  # of a name that has no value yet
                continue
        code = function.__code__
        if not is_library(code.co_filename):
            self.codes.append(code)
            names = {name for inner in codes_in(code) for name in inner.co_names}
            self._named(function.__globals__, names, parts, 0)
        return parts

    def _named(self, around: dict[str, Any], names: set[str], parts: list[Any], depth: int) -> None:
        """Add what names stand for in a module, and in the modules that they stand for."""
        for name in names:
            x = around.get(name)
            if type(x) is not ModuleType:
                parts.append(x)
            elif depth < DEEP:
                self._named(vars(x), names, parts, depth + 1)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of those inside it."""
    yield code
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from codes_in(constant)
