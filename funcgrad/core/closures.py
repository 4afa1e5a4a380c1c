"""Closure conversion: the traced values a function can reach become arguments of it.

A function that is kept (with a derivative of its own, or to be called back) runs later, at other levels than the one it
was given at. What it closes over is found here, passed along like any argument, and stands in for what was found
while the function runs: so each trace sees it, and a trace that has ended is not asked.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import local
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import ref

import numpy as np

from funcgrad.core.program import Program
from funcgrad.core.tracer import Trace, Tracer, bind, enclosed, enclosing, is_any_open, refresh

__all__ = ["captured_by", "standing_in"]

_NOTHING_INSIDE = frozenset(
    {
        *(type(None), type(...), bool, int, float, complex, str, bytes, type, range, slice),
        *(np.ndarray, np.dtype, np.ufunc, ModuleType, BuiltinFunctionType),
    }
)
# Objects of these are large, and refer to no functions of the user's, nor (but for Programs) to traced values.
_NOT_LOOKED_INTO = (
    "funcgrad.core.",
    "funcgrad.compile.",
    "funcgrad.tree.",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
)


class _Active(local):
    """The stand-ins of this thread's functions; each knows those around it."""

    innermost: "ref[_StandIns] | None" = None


_active = _Active()


def captured_by(*holders: Any, attributes: bool = True) -> list[Tracer]:
    """Return the traced values that functions and other objects can reach, each once.

    Looked into are closures, defaults, bound objects and their attributes, containers, and globals that are traced
    values themselves. What a trace that has ended has left behind is none, unless something stands in for it.

    Args:
        attributes: whether objects are looked into; what a function may find there it may well not use.
    """
    if not is_any_open():
        return []
    found: dict[tuple, Tracer] = {}
    seen: dict[int, Any] = {}  # with the objects, so that no other gets their ids meanwhile
    waiting = list(holders)
    while waiting:
        x = waiting.pop()
        kind = type(x)
        if kind in _NOTHING_INSIDE or id(x) in seen:
            continue
        seen[id(x)] = x
        if kind is not Tracer:
            waiting.extend(_parts(x) if attributes or not _is_object(x) else ())
            continue
        if x.alias is not None and x.alias.watched:
            refresh(x)
        key = _variable(x)
        if x.tracing.alive or _is_stood_in_for(key):
            found.setdefault(key, Tracer(x.tracing, x.value, x.node))  # the user's own may be written to
    return list(reversed(found.values()))


def _variable(x: Tracer) -> tuple:
    """Return what is equal for all handles on one variable."""
    return id(x.tracing), id(x.value), id(x.node)


def _is_stood_in_for(key: tuple) -> bool:
    reference = _active.innermost
    while reference is not None:
        standing = reference()
        # One that has ended is still there where an interrupt came as it was taken back.
        if standing is None:
            return False
        if standing.alive and key in standing.values:
            return True
        reference = standing.outer
    return False


def _parts(x: Any) -> Iterable[Any]:
    """Return what an object refers to, as far as its user's code can reach it."""
    if isinstance(x, FunctionType):
        return _parts_of_function(x)
    if isinstance(x, MethodType):
        return x.__func__, x.__self__
    if isinstance(x, partial):
        return x.func, x.args, x.keywords
    if isinstance(x, dict):
        return list(x.values())
    if isinstance(x, (list, tuple, set, frozenset)):
        return x
    if isinstance(x, Program):
        return [value for _, value in x.constants]
    if isinstance(x, (type, ModuleType)) or type(x).__module__.startswith(_NOT_LOOKED_INTO):
        return ()
    slots = [name for cls in type(x).__mro__ for name in _names(cls.__dict__.get("__slots__", ()))]
    return [*getattr(x, "__dict__", {}).values(), *(getattr(x, name, None) for name in slots)]


def _is_object(x: Any) -> bool:
    return not isinstance(x, (FunctionType, MethodType, partial, dict, list, tuple, set, frozenset))


def _names(slots: Any) -> Iterable[str]:
    names = (slots,) if isinstance(slots, str) else slots
    return [name for name in names if not name.startswith("__")]


def _parts_of_function(function: FunctionType) -> list[Any]:
    parts = [function.__defaults__, function.__kwdefaults__, function.__dict__]
    for cell in function.__closure__ or ():
        try:
            parts.append(cell.cell_contents)
        except ValueError:  # of a name that has no value yet
            continue
    around = function.__globals__
    parts.extend(around[name] for name in function.__code__.co_names if type(around.get(name)) is Tracer)
    return parts


class _StandIns(Trace):
    """Has whatever is done to tracers meanwhile, and puts other values in place of those it knows."""

    __slots__ = ("_before", "captured", "outer", "values")

    def __init__(self, owner: str, captured: Sequence[Tracer], values: Sequence[Any]):
        super().__init__(owner)
        self.captured = captured  # which keeps their ids their own
        self.values = {_variable(c): value for c, value in zip(captured, values, strict=True)}

    def __enter__(self):
        self._before = enclosing()
        self.outer, _active.innermost = _active.innermost, ref(self)
        return super().__enter__()

    def __exit__(self, kind, error, traceback):
        _active.innermost = self.outer
        super().__exit__(kind, error, traceback)

    def process(self, primitive, args, params):
        with enclosed(self._before):
            return bind(primitive, *map(self._value, args), **params)

    def stand_in(self, x):
        value = self._value(x)
        return value if self._before is None else self._before.stand_in(value)

    def _value(self, x):
        return self.values.get(_variable(x), x) if type(x) is Tracer else x


@contextmanager
def standing_in(owner: str, captured: Sequence[Tracer], values: Sequence[Any]) -> Iterator[None]:
    """Let `values` stand in for what was `captured`, wherever the functions that are run meanwhile meet it."""
    if not captured:
        yield
        return
    stand_ins = _StandIns(owner, captured, values)
    with stand_ins, enclosed(stand_ins):
        yield
