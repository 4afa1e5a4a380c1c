"""Plain arrays that a trace keeps: they must not change while it does.

A trace keeps the arrays its derivative rules will read. A small one, or a view, is copied; a large one is
made read-only until the trace ends, so that writing to it is an error rather than another derivative.
(A view of it that was taken before stays writable: NumPy has no way to know of it.)
"""

from sys import getrefcount

import numpy as np

from funcgrad.locks import forkable_lock

__all__ = ["LARGE", "SOLE", "Captured", "lock"]

# Bytes from which it pays to know that no copy is needed: what does not fit in the L1 cache. Anything
# smaller is copied in about a microsecond.
LARGE = 32768


def _count_of_one() -> int:
    array = np.empty(0)
    return getrefcount(array)


# What getrefcount says of an object that one local name refers to. CPython counted the argument of
# the call itself up to 3.13; later versions may borrow it.
SOLE = _count_of_one()

lock = forkable_lock()
_holders: dict[int, set[int]] = {}  # by a locked array's id, those of the `Captured` that keep it read-only


class Captured:
    """The arrays one trace has locked.

    An interrupt may come between any two steps. So an array is noted before it is locked, and what no `release` has
    reached is released when the trace is gone.
    """

    __slots__ = ("_locked", "arrays")

    def __init__(self) -> None:
        self.arrays: dict[int, np.ndarray] = {}
        self._locked: dict[int, np.ndarray] = {}

    def keep(self, x: np.ndarray) -> np.ndarray:
        """Return `x`, which is large, locked; a copy of it where its memory is not its own."""
        if x.base is not None:
            return x.copy()
        key = id(x)
        if key not in self.arrays:
            with lock:
                if key not in _holders and not x.flags.writeable:
                    return x
                self.arrays[key] = self._locked[key] = x
                _holders.setdefault(key, set()).add(id(self))
                x.flags.writeable = False
        return x

    def release(self) -> None:
        """Make the arrays writeable again that no other trace keeps."""
        for key, x in list(self._locked.items()):
            with lock:
                holders = _holders.get(key, set())
                holders.discard(id(self))
                if not holders:
                    _holders.pop(key, None)
                    x.flags.writeable = True
                self._locked.pop(key, None)

    __del__ = release

    def copies(self) -> dict[int, np.ndarray]:
        """Return a copy of each array, by the id of the original."""
        return {key: x.copy() for key, x in self.arrays.items()}
