"""Copies of functions and containers, with something else in place of some of what they reach: of an array, of a function.

A function reaches what is in its closure, its globals and defaults, containers in these, and the functions that it calls.
(Objects are not copied: they may have an identity, and care for more than their attributes.)
"""

from collections.abc import Callable
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from funcgrad.core.reach import NOTHING_INSIDE, is_object, module_of, parts
from funcgrad.core.tracer import Tracer

__all__ = ["Copies", "reaching"]

# Functions of these modules keep their globals.
_LIBRARIES = ("funcgrad", "numpy", "scipy")


def reaching(function: Callable, wanted: Callable[[Any], bool]) -> dict[int, Any]:
    """Return, by their ids, the objects that are `wanted`, and those from which one is reached, of all that `function`
    reaches."""
    users: dict[int, list[Any]] = {}
    found = []
    waiting, seen = [function], {id(function): function}
    while waiting:
        x = waiting.pop()
        if wanted(x):
            found.append(x)
        if (
            type(x) in NOTHING_INSIDE
            or type(x) is Tracer
            or (is_object(x) and not hasattr(type(x), "of_function"))
        ):
            continue
        for part in parts(x, every_global=not _is_library(x)):
            users.setdefault(id(part), []).append(x)
            if id(part) not in seen:
                seen[id(part)] = part
                waiting.append(part)
    out: dict[int, Any] = {}
    while found:
        x = found.pop()
        if id(x) not in out:
            out[id(x)] = x
            found.extend(users.get(id(x), ()))
    return out


def _is_library(x):
    return module_of(x).partition(".")[0] in _LIBRARIES


class _Globals(dict):
    """The globals of a copied function: those of the original as they are now, with copies in place of what has them."""

    def __init__(self, original: dict[str, Any], of: Callable[[Any], Any]):
        super().__init__(__builtins__=original.get("__builtins__"))
        self.original, self.of = original, of

    def __contains__(self, name):
        return super().__contains__(name) or name in self.original

    def __getitem__(self, name):
        return super().__getitem__(name) if super().__contains__(name) else self.of(self.original[name])


class Copies:
    """Copies of what reaches some objects, each once.

    Args:
        reaching: what is copied, by ids; see `reaching`.
        replacement: gives what is in place of an object; None for one that is copied as what it is.
        plain: undoes that, for what is assigned to a global or to a variable around.
    """

    def __init__(
        self,
        reaching: dict[int, Any],
        *,
        replacement: Callable[[Any], Any] = lambda x: None,
        plain: Callable[[Any], Any] = lambda x: x,
    ):
        self._reaching = reaching
        self._replacement, self._plain = replacement, plain
        self._made: dict[int, Any] = {}
        self._globals: dict[int, _Globals] = {}
        self._cells: dict[int, tuple[CellType, CellType, Any]] = {}  # the original, the copy, and what it had

    def of(self, x: Any) -> Any:
        """Return the copy of `x`; `x` itself where nothing is replaced that it reaches."""
        if id(x) not in self._reaching:
            return x
        if id(x) not in self._made:
            self._made[id(x)] = x  # for what refers to itself, and cannot be copied before its parts
            self._made[id(x)] = self._copy(x)
        return self._made[id(x)]

    def write_back(self) -> None:
        """Give the originals what the copies have assigned to globals, and to variables around them."""
        for copied in self._globals.values():
            for name in [*copied]:
                if name != "__builtins__":
                    copied.original[name] = self._plain(copied.pop(name))
        for original, copied, held in self._cells.values():
            if copied.cell_contents is not held:
                original.cell_contents = self._plain(copied.cell_contents)

    def _copy(self, x):
        replaced = self._replacement(x)
        if replaced is not None:
            return replaced
        if isinstance(x, FunctionType):
            return self._function(x)
        if isinstance(x, MethodType):
            return MethodType(self.of(x.__func__), x.__self__)
        if isinstance(x, partial):
            return partial(
                self.of(x.func), *map(self.of, x.args), **{k: self.of(v) for k, v in x.keywords.items()}
            )
        if type(x) in (list, tuple):
            return type(x)([self.of(item) for item in x])
        if type(x) is dict:
            return {key: self.of(value) for key, value in x.items()}
        return x.of_function(self.of(x.__wrapped__)) if hasattr(type(x), "of_function") else x

    def _function(self, f):
        around = f.__globals__
        if not _is_library(f):
            around = self._globals.setdefault(id(around), _Globals(around, self.of))
        cells = tuple([self._cell(c) for c in f.__closure__ or ()])
        y = self._made[id(f)] = FunctionType(f.__code__, around, f.__name__, None, cells or None)
        y.__defaults__, y.__kwdefaults__ = self.of(f.__defaults__), self.of(f.__kwdefaults__)
        y.__dict__.update(f.__dict__)
        y.__qualname__, y.__module__ = f.__qualname__, f.__module__
        return y

    def _cell(self, cell):
        """Return a copy of a variable around a function; the variable itself where its value is not copied."""
        try:
            value = cell.cell_contents
        except ValueError:  # of a name that has no value yet
            return cell
        if id(value) not in self._reaching:
            return cell
        if id(cell) not in self._cells:
            new = CellType()
            self._cells[id(cell)] = cell, new, None
            new.cell_contents = self.of(value)
            self._cells[id(cell)] = cell, new, new.cell_contents
        return self._cells[id(cell)][1]
