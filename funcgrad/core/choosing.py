"""While a function is traced whose branches are to be choices: functions run as core/branch_syntax.py writes them anew.

A function decides wherever it is reached from: a closure, a method, a table of an object of the user's. So it is not
copied but given other code, for as long as the tracing takes. For plain values that does what it did, in any thread;
only the thread that traces makes choices of branches.
"""

import gc
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType

from funcgrad.core.branch_syntax import rewritten
from funcgrad.core.copies import reaching
from funcgrad.core.reach import codes_of
from funcgrad.locks import forkable_lock

__all__ = ["choosing", "is_choosing"]

_tracing = threading.local()
_lock = forkable_lock()
# By their ids, functions with other code: the function, its own code, and how many tracings go on.
_changed: dict[int, tuple[FunctionType, CodeType, int]] = {}


def _own_code(f: FunctionType) -> CodeType:
    return _changed[id(f)][1] if id(f) in _changed else f.__code__


def is_choosing() -> bool:
    """Whether this thread makes choices of branches."""
    return getattr(_tracing, "depth", 0) > 0


@contextmanager
def choosing(function: Callable, codes: Collection[CodeType | None]) -> Iterator[bool]:
    """Run functions of these codes as they are written anew; give whether there is one whose branches are choices.

    Args:
        function: reaches some, which the garbage collector may have been told to leave alone (`gc.freeze`).
    """
    functions: list[FunctionType] = []
    files = {code.co_filename for code in codes if code is not None}

    def decides(x):
        return (
            type(x) is FunctionType
            and x.__code__.co_filename in files
            and any(code in codes for code in codes_of(_own_code(x)))
        )

    try:
        with _lock:
            found = {id(f): f for f in gc.get_objects() if decides(f)}
            found |= {key: f for key, f in reaching(function, decides).items() if decides(f)}
            for f in found.values():
                new = rewritten(_own_code(f))
                if new is not None:
                    functions.append(f)
                    _, own, count = _changed.get(id(f), (f, f.__code__, 0))
                    _changed[id(f)] = f, own, count + 1
                    f.__code__ = new
        _tracing.depth = getattr(_tracing, "depth", 0) + 1
        try:
            yield bool(functions)
        finally:
            _tracing.depth -= 1
    finally:
        with _lock:
            for f in functions:
                _, own, count = _changed.pop(id(f))
                if count > 1:
                    _changed[id(f)] = f, own, count - 1
                else:
                    f.__code__ = own
