"""Plain arrays that a function reaches, indexed by traced integers: `TABLE[i, j]` under jit, vmap and in loops.

NumPy's `array[i]` asks `i` for its value and gives a plain array; no protocol lets a traced index have a say. So where
a traced function meets this, it is traced once more, as a copy of itself that reaches the same arrays as a subclass
that asks first.
"""

import operator
from collections.abc import Callable
from threading import local
from types import CodeType
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

from funcgrad.core.copies import Copies, reaching
from funcgrad.core.reach import holds_tracer
from funcgrad.core.tracer import FUNCTIONS, Tracer

__all__ = ["meet_traced_index", "with_tables", "without_table"]

T = TypeVar("T")


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
            found = reaching(function, _is_array)
            if id(function) not in found and _state.can_retry:
                raise  # what is around may reach the array
            if code is not None:
                _needing.add(code)
    else:
        found = reaching(function, _is_array)
    copies = Copies(found, replacement=_table_of, plain=without_table)
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


def _is_array(x):
    return type(x) is np.ndarray and x.dtype.kind in "biufc"


def _table_of(x):
    return x.view(_Table) if type(x) is np.ndarray else None
