"""Memoization: what is derived of a program is kept, for equal programs, or with the program where it holds much."""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from funcgrad.core.program import Program, subprograms
from funcgrad.locks import forkable_lock

__all__ = ["forget_all", "memoized"]

# How many results of each kind are kept for programs with constants of at most SHARED_BYTES bytes.
MOST_RESULTS = 256
SHARED_BYTES = 1 << 12
# Programs with more are kept alive, for those that may be equal, as long as the last of them hold at most so much.
KEPT_ALIVE_BYTES = 1 << 25
# A program whose constants take more is not even compared with others: that would read them all.
COMPARED_BYTES = 1 << 20

_forgetting: list[Callable] = []


def memoized(derive: Callable) -> Callable:
    """Return a function of a program (and hashable arguments) that derives each result once.

    Results for the last 256 programs are found again for equal ones. Those of a program that holds arrays live with
    it, so that they are not kept after the function that closed over them is gone, but for 32 MiB of the last ones.
    """
    shared = lru_cache(MOST_RESULTS)(derive)
    _forgetting.append(shared.cache_clear)

    @wraps(derive)
    def remembered(program: Program, *rest: Any, **named: Any) -> Any:
        size = _held(program)
        if size <= SHARED_BYTES:
            return shared(program, *rest, **named)
        first = program if size > COMPARED_BYTES else _recent.first_equal(program, size)
        derived = first.__dict__.setdefault("_derived", {})
        key = (derive, *rest, *named.items())
        result = derived.get(key)
        if result is None:
            result = derived[key] = derive(first, *rest, **named)
        return result

    return remembered


def forget_all() -> None:
    """Forget what is kept for equal programs."""
    for forget in _forgetting:
        forget()
    _recent.clear()


def _held(program: Program) -> int:
    """Return the bytes of the constants in a program, and in those of its parameters."""
    size = program.__dict__.get("_held")
    if size is None:
        own = sum(np.asarray(value).nbytes for _, value in program.constants)
        size = own + sum(_held(inner) for e in program.equations for inner in subprograms(e.params))
        program.__dict__["_held"] = size
    return size


class _Recent:
    """Programs that hold arrays: each of those alive by its structure, the last ones kept alive."""

    def __init__(self) -> None:
        self._lock = forkable_lock()
        self._alive: WeakValueDictionary[str, Program] = WeakValueDictionary()
        self._last: OrderedDict[str, tuple[Program, int]] = OrderedDict()
        self._bytes = 0

    def first_equal(self, program: Program, size: int) -> Program:
        """Return the program among those alive that was the first of its structure."""
        first = program.__dict__.get("_first")
        if first is not None:
            return first
        name = program.fingerprint
        with self._lock:
            first = self._alive.setdefault(name, program)
            if first is not program:  # (a reference to itself would need the garbage collector)
                program.__dict__["_first"] = first
            if name not in self._last:
                self._last[name] = (first, size)
                self._bytes += size
            self._last.move_to_end(name)
            while self._bytes > KEPT_ALIVE_BYTES:
                self._bytes -= self._last.popitem(last=False)[1][1]
        return first

    def clear(self) -> None:
        with self._lock:
            for program in list(self._alive.values()):
                program.__dict__.pop("_derived", None)
            self._last.clear()
            self._bytes = 0


_recent = _Recent()
