"""Plain arrays that a function reaches, indexed by traced integers: `TABLE[i, j]` under jit, vmap and in loops.

NumPy's `array[i]` asks `i` for its value and gives a plain array; no protocol lets a traced index have a say. So where
a traced function fails at this, it is traced once more, as a copy of itself that reaches the same arrays as a subclass
that asks first: through its closure, its globals and defaults, the object it is bound to, and the functions it calls.
A copy has globals of its own, so what it assigns to them is lost, as is an assignment to a variable around it.
"""

import operator
from collections.abc import Callable
from copy import copy
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any, TypeVar

import numpy as np

from funcgrad.core.reach import NOTHING_INSIDE, attributes, holds_tracer, names_of, parts
from funcgrad.core.tracer import FUNCTIONS, Tracer
from funcgrad.errors import PlainIndexError

__all__ = ["with_tables"]

T = TypeVar("T")
# Functions of these modules keep their globals.
_LIBRARIES = ("funcgrad", "numpy", "scipy")


class _Table(np.ndarray):
    """A plain array whose own indexing takes traced keys."""

    def __getitem__(self, key):
        if type(key) is Tracer or (type(key) is tuple and holds_tracer(key)):
            return FUNCTIONS[operator.getitem](self.view(np.ndarray), key)
        return super().__getitem__(key)


def _with_traced_arguments(name):
    plain, function = getattr(np.ndarray, name), getattr(np, name)

    def method(self, *args, **kwargs):
        if holds_tracer(args) or holds_tracer(kwargs.values()):
            return FUNCTIONS[function](self.view(np.ndarray), *args, **kwargs)
        return plain(self, *args, **kwargs)

    return method


for _name in ("choose", "dot", "repeat", "searchsorted", "take"):
    setattr(_Table, _name, _with_traced_arguments(_name))


def with_tables(attempt: Callable[[Callable], T], function: Callable) -> T:
    """Return what `attempt(function)` does; where that indexes a plain array by traced integers, that of a copy that can."""
    try:
        return attempt(function)
    except PlainIndexError:
        reaching = _reaching_arrays(function)
        if id(function) not in reaching:
            raise
    return attempt(_Copies(reaching).of(function))


def _reaching_arrays(function: Callable) -> dict[int, Any]:
    """Return the objects from which an array is reached, and the arrays, by their ids."""
    users: dict[int, list[Any]] = {}
    arrays = []
    waiting, seen = [function], {id(function): function}
    while waiting:
        x = waiting.pop()
        if type(x) is np.ndarray:
            arrays.append(x)
        if type(x) in NOTHING_INSIDE or type(x) is Tracer:
            continue
        for part in parts(x, every_global=not _is_library(x)):
            users.setdefault(id(part), []).append(x)
            if id(part) not in seen:
                seen[id(part)] = part
                waiting.append(part)
    reaching: dict[int, Any] = {}
    waiting = arrays
    while waiting:
        x = waiting.pop()
        if id(x) not in reaching:
            reaching[id(x)] = x
            waiting.extend(users.get(id(x), ()))
    return reaching


def _is_library(x):
    return (getattr(x, "__module__", None) or "").partition(".")[0] in _LIBRARIES


class _Copies:
    """Copies of the objects that reach arrays, each once, with tables in place of the arrays."""

    def __init__(self, reaching: dict[int, Any]):
        self._reaching = reaching
        self._made: dict[int, Any] = {}
        self._globals: dict[int, dict[str, Any]] = {}
        self._cells: dict[int, CellType] = {}

    def of(self, x: Any) -> Any:
        """Return the copy of `x`; `x` itself where no array is reached from it."""
        if id(x) not in self._reaching:
            return x
        if id(x) not in self._made:
            self._made[id(x)] = x  # for what refers to itself, and cannot be copied before its parts
            self._made[id(x)] = self._copy(x)
        return self._made[id(x)]

    def _copy(self, x):
        if type(x) is np.ndarray:
            return x.view(_Table)
        if isinstance(x, FunctionType):
            return self._function(x)
        if isinstance(x, MethodType):
            return MethodType(self.of(x.__func__), self.of(x.__self__))
        if isinstance(x, partial):
            return partial(
                self.of(x.func), *map(self.of, x.args), **{k: self.of(v) for k, v in x.keywords.items()}
            )
        if isinstance(x, tuple):
            items = map(self.of, x)
            return x._make(items) if hasattr(x, "_make") else type(x)(items)
        if isinstance(x, (list, dict)):
            y = self._made[id(x)] = copy(x)
            for key in range(len(x)) if isinstance(x, list) else x:
                y[key] = self.of(x[key])
            return y
        if hasattr(x, "of_function"):
            return x.of_function(self.of(x.__wrapped__))
        return x if _is_library(type(x)) else self._object(x)

    def _object(self, x):
        try:
            y = self._made[id(x)] = object.__new__(type(x))
        except TypeError:  # a class that is made otherwise
            return x
        for name, value in attributes(x).items():
            object.__setattr__(y, name, self.of(value))
        return y

    def _function(self, f):
        library = _is_library(f)
        around = (
            f.__globals__ if library else self._globals.setdefault(id(f.__globals__), dict(f.__globals__))
        )
        cells = tuple([self._cell(c) for c in f.__closure__ or ()])
        y = self._made[id(f)] = FunctionType(f.__code__, around, f.__name__, None, cells or None)
        y.__defaults__, y.__kwdefaults__ = self.of(f.__defaults__), self.of(f.__kwdefaults__)
        y.__dict__.update(f.__dict__)
        y.__qualname__, y.__module__ = f.__qualname__, f.__module__
        for name in () if library else names_of(f.__code__) & around.keys():
            around[name] = self.of(around[name])
        return y

    def _cell(self, cell):
        if id(cell) not in self._cells:
            new = self._cells[id(cell)] = CellType()
            try:
                new.cell_contents = self.of(cell.cell_contents)
            except ValueError:  # of a name that has no value yet
                pass
        return self._cells[id(cell)]
