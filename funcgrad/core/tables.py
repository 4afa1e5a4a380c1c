"""Plain arrays that a function reaches, indexed by traced integers: `TABLE[i, j]` under jit, vmap and in loops.

NumPy's `array[i]` asks `i` for its value and gives a plain array; no protocol lets a traced index have a say. So where
a traced function meets this, it is traced once more, as a copy of itself that reaches the same arrays as a subclass
that asks first: through its closure, its globals and defaults, containers in these, and the functions that it calls.
(Objects are not copied: they may have an identity, and care for more than their attributes.)
"""

import operator
from collections.abc import Callable
from functools import partial
from threading import local
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

from funcgrad.core.reach import NOTHING_INSIDE, holds_tracer, is_object, module_of, parts
from funcgrad.core.tracer import FUNCTIONS, Tracer

__all__ = ["meet_traced_index", "with_tables", "without_table"]

T = TypeVar("T")
# Functions of these modules keep their globals.
_LIBRARIES = ("funcgrad", "numpy", "scipy")


class _TracedIndex(BaseException):
    """Stops a trace where a plain array is indexed by traced integers. No `except Exception` of the user's catches it."""


class _State(local):
    """Whether this thread's function may be traced once more, and whether it has met such an index."""

    can_retry = False
    met = False


_state = _State()
# Code that has met such an index: it is traced as a copy at once.
_needing: WeakSet[CodeType] = WeakSet()


def meet_traced_index() -> None:
    """Stop the trace, if the function can be traced once more, with tables."""
    if _state.can_retry:
        _state.met = True
        raise _TracedIndex


def _as_real(x, dtype):
    """Return a number as NumPy writes it into a real array: a complex one loses its imaginary part, with a warning."""
    x = x.view(np.ndarray)
    return x.astype(dtype) if x.dtype.kind == "c" and x.size == 1 else x


class _Table(np.ndarray):
    """A plain array whose own indexing takes traced keys."""

    def __getitem__(self, key):
        if type(key) is Tracer or (type(key) is tuple and holds_tracer(key)):
            return FUNCTIONS[operator.getitem](self.view(np.ndarray), key)
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        super().__setitem__(key, without_table(value))

    # Where one is written into an element of a plain array, NumPy asks other classes' arrays for Python numbers.

    def __float__(self):
        return float(_as_real(self, float))

    def __int__(self):
        return int(_as_real(self, np.int64))

    def __array_wrap__(self, array, context=None, return_scalar=False):
        """Return a scalar where NumPy gives one for plain arrays: it has other dtypes (np.bool_ ** 2 is no int8)."""
        return array[()] if return_scalar else array.view(_Table)


def _with_traced_arguments(name):
    plain, function = getattr(np.ndarray, name), getattr(np, name)

    def method(self, *args, **kwargs):
        if holds_tracer(args) or holds_tracer(kwargs.values()):
            return FUNCTIONS[function](self.view(np.ndarray), *args, **kwargs)
        return plain(self, *args, **kwargs)

    return method


for _name in ("choose", "dot", "repeat", "searchsorted", "take"):
    setattr(_Table, _name, _with_traced_arguments(_name))


def without_table(x: Any) -> Any:
    """Return a plain array in place of a table."""
    return x.view(np.ndarray) if type(x) is _Table else x


def with_tables(attempt: Callable[[Callable], T], function: Callable) -> T:
    """Return what `attempt(function)` does; where that indexes a plain array by traced integers, that of a copy that can."""
    code = getattr(function, "__code__", None)
    if code not in _needing:
        try:
            return _tried(attempt, function)
        except _TracedIndex:
            reaching = _reaching_arrays(function)
            if id(function) not in reaching and _state.can_retry:
                raise  # what is around may reach the array
            if code is not None:
                _needing.add(code)
    else:
        reaching = _reaching_arrays(function)
    copies = _Copies(reaching)
    before, _state.can_retry = _state.can_retry, False
    try:
        return attempt(copies.of(function))
    finally:
        _state.can_retry = before
        copies.write_back()


def _tried(attempt, function):
    """Return what an attempt does, unless it meets a traced index, also if the function itself swallows that."""
    before = _state.can_retry, _state.met
    _state.can_retry, _state.met = True, False
    try:
        out = attempt(function)
        if _state.met:
            raise _TracedIndex
        return out
    finally:
        _state.can_retry, _state.met = before


def _reaching_arrays(function: Callable) -> dict[int, Any]:
    """Return the objects from which an array is reached, and the arrays, by their ids."""
    users: dict[int, list[Any]] = {}
    arrays = []
    waiting, seen = [function], {id(function): function}
    while waiting:
        x = waiting.pop()
        if type(x) is np.ndarray and x.dtype.kind in "biufc":
            arrays.append(x)
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
    reaching: dict[int, Any] = {}
    waiting = arrays
    while waiting:
        x = waiting.pop()
        if id(x) not in reaching:
            reaching[id(x)] = x
            waiting.extend(users.get(id(x), ()))
    return reaching


def _is_library(x):
    return module_of(x).partition(".")[0] in _LIBRARIES


class _Globals(dict):
    """The globals of a copied function: those of the original as they are now, with copies in place of what has them."""

    def __init__(self, original: dict[str, Any], of: Callable[[Any], Any]):
        super().__init__(__builtins__=original.get("__builtins__"))
        self.original, self.of = original, of

    def __getitem__(self, name):
        return super().__getitem__(name) if name in self else self.of(self.original[name])


class _Copies:
    """Copies of what reaches arrays, each once, with tables in place of the arrays."""

    def __init__(self, reaching: dict[int, Any]):
        self._reaching = reaching
        self._made: dict[int, Any] = {}
        self._globals: dict[int, _Globals] = {}
        self._cells: dict[int, tuple[CellType, CellType, Any]] = {}  # the original, the copy, and what it had

    def of(self, x: Any) -> Any:
        """Return the copy of `x`; `x` itself where no array is reached from it."""
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
                    copied.original[name] = without_table(copied.pop(name))
        for original, copied, held in self._cells.values():
            if copied.cell_contents is not held:
                original.cell_contents = without_table(copied.cell_contents)

    def _copy(self, x):
        if type(x) is np.ndarray:
            return x.view(_Table)
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
        """Return a copy of a variable around a function; the variable itself where no array is reached from it."""
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
