"""Plain arrays that a trace keeps: they must not change while it does.

A trace keeps the arrays its derivative rules will read. A small one is copied; a large one is made
read-only until the trace ends, so that writing to it is an error rather than another derivative.
"""

import threading
from sys import getrefcount
from typing import Any

import numpy as np

__all__ = ["LARGE", "SOLE", "Captured"]

# Bytes from which it pays to know that no copy is needed: what does not fit in the L1 cache. Anything
# smaller is copied in about a microsecond.
LARGE = 32768


def _count_of_one() -> int:
    array = np.empty(0)
    return getrefcount(array)


# What getrefcount says of an object that one local name refers to. CPython counted the argument of
# the call itself up to 3.13; later versions may borrow it.
SOLE = _count_of_one()

_lock = threading.Lock()
_holders: dict[int, int] = {}  # how many traces keep a locked array read-only, by id


class Captured:
    """The arrays one trace has locked."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: dict[int, np.ndarray] = {}

    def keep(self, x: np.ndarray) -> np.ndarray:
        """Return `x`, which is large, locked."""
        if id(x) not in self.arrays and (x.flags.writeable or id(x) in _holders):
            self._lock(x)
        return x

    def _lock(self, x: Any) -> None:
        while type(x) is np.ndarray and id(x) not in self.arrays:
            with _lock:
                if id(x) in _holders:
                    _holders[id(x)] += 1
                elif x.flags.writeable:
                    _holders[id(x)] = 1
                    x.flags.writeable = False
                else:
                    return
            self.arrays[id(x)] = x
            x = x.base  # a write through the array it views would show as well

    def release(self) -> None:
        """Make the arrays writeable again that no other trace keeps."""
        # In reverse: a view can be made writeable only after the array it views.
        for key in reversed(self.arrays):
            with _lock:
                _holders[key] -= 1
                if not _holders[key]:
                    del _holders[key]
                    self.arrays[key].flags.writeable = True

    def copies(self) -> dict[int, np.ndarray]:
        """Return a copy of each array, by the id of the original."""
        return {key: x.copy() for key, x in self.arrays.items()}
