"""Plain arrays that a trace keeps: they must not change while it does.

A trace keeps the arrays its derivative rules will read. A small one, or a view, is copied; a large one is
made read-only until the trace ends, so that writing to it is an error rather than another derivative.
(A view of it that was taken before stays writable: NumPy has no way to know of it.)
"""

import threading
from sys import getrefcount

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
        """Return `x`, which is large, locked; a copy of it where its memory is not its own."""
        if x.base is not None:
            return x.copy()
        key = id(x)
        if key not in self.arrays:
            with _lock:
                if key in _holders:
                    _holders[key] += 1
                elif x.flags.writeable:
                    _holders[key] = 1
                    x.flags.writeable = False
                else:
                    return x
            self.arrays[key] = x
        return x

    def release(self) -> None:
        """Make the arrays writeable again that no other trace keeps."""
        for key, x in self.arrays.items():
            with _lock:
                _holders[key] -= 1
                if not _holders[key]:
                    del _holders[key]
                    x.flags.writeable = True

    def copies(self) -> dict[int, np.ndarray]:
        """Return a copy of each array, by the id of the original."""
        return {key: x.copy() for key, x in self.arrays.items()}
