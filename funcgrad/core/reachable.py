"""A bounded search through what a function can reach, for objects of some kinds."""

from collections.abc import Iterable
from itertools import islice
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from funcgrad.core.reach import NOTHING_INSIDE, is_object, names_of, parts
from funcgrad.source import is_library

__all__ = ["Reachable"]

# How many things are looked at, how many of one container, and how deep these lie in one another.
MOST_LOOKED_AT = 256
MOST_ELEMENTS = 64
MOST_LEVELS = 2


class Reachable:
    """What a function can reach: by closures, defaults, globals by name (those of modules too), bound objects, `partial`s
    and containers.

    Attributes:
        found: the objects of the kinds that were asked for.
        codes: the code of the user's functions.
    """

    def __init__(self, root: Any, kinds: tuple[type, ...]):
        self.found: list[Any] = []
        self.codes: list[CodeType] = []
        seen: dict[int, Any] = {}
        waiting: list[tuple[Any, int]] = [(root, 0)]
        while waiting and len(seen) < MOST_LOOKED_AT:
            x, depth = waiting.pop()
            if id(x) in seen or (type(x) in NOTHING_INSIDE and type(x) is not BuiltinFunctionType):
                continue
            seen[id(x)] = x
            if isinstance(x, kinds):
                self.found.append(x)
            elif type(x) is FunctionType:
                waiting += [(part, depth) for part in self._parts_of_function(x)]
            elif type(x) is BuiltinFunctionType:
                waiting.append((x.__self__, depth))
            elif depth < MOST_LEVELS:
                inner = depth + (is_object(x) or isinstance(x, (list, tuple, set, frozenset, dict)))
                waiting += [(part, inner) for part in islice(parts(x), MOST_ELEMENTS)]
                waiting += [(vars(cls).get("__call__"), inner) for cls in type(x).__mro__ if is_object(x)]

    def _parts_of_function(self, function: FunctionType) -> Iterable[Any]:
        found = [*parts(function)]
        code = function.__code__
        if not is_library(code.co_filename):
            self.codes.append(code)
            self._named(function.__globals__, names_of(code), found, 0)
        return found

    def _named(self, around: dict[str, Any], names: set[str], found: list[Any], depth: int) -> None:
        """Add what names stand for in a module, and in the modules that they stand for."""
        for name in names:
            x = around.get(name)
            if type(x) is not ModuleType:
                found.append(x)
            elif depth < MOST_LEVELS:
                self._named(vars(x), names, found, depth + 1)
