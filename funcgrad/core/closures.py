"""Closure conversion: the traced values a function can reach become arguments of it.

A function that is kept (with a derivative of its own, or to be called back) runs later, at other levels than the one it
was given at. What it closes over is found here, passed along like any argument, and stands in for what was found
while the function runs: so each trace sees it, and a trace that has ended is not asked.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any
from weakref import ref

from funcgrad.core.reach import NOTHING_INSIDE, is_object, parts
from funcgrad.core.roles import capture_operations, capturing_trace
from funcgrad.core.tracer import Trace, Tracer, bind, is_any_open, refresh

__all__ = ["captured_by", "standing_in"]


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
        if kind in NOTHING_INSIDE or id(x) in seen:
            continue
        seen[id(x)] = x
        if kind is not Tracer:
            waiting.extend(parts(x) if attributes or not is_object(x) else ())
            continue
        if x.alias is not None and x.alias.has_base_or_block:
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


class _StandIns(Trace):
    """Has whatever is done to tracers meanwhile, and puts other values in place of those it knows."""

    __slots__ = ("_before", "captured", "outer", "values")

    def __init__(self, owner: str, captured: Sequence[Tracer], values: Sequence[Any]):
        super().__init__(owner)
        self.captured = captured  # which keeps their ids their own
        self.values = {_variable(c): value for c, value in zip(captured, values, strict=True)}

    def __enter__(self):
        self._before = capturing_trace()
        self.outer, _active.innermost = _active.innermost, ref(self)
        return super().__enter__()

    def __exit__(self, kind, error, traceback):
        _active.innermost = self.outer
        super().__exit__(kind, error, traceback)

    def process(self, primitive, args, params):
        with capture_operations(self._before):
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
    with stand_ins, capture_operations(stand_ins):
        yield
