"""Plain arrays that a trace keeps: they must not change while it does.

A trace keeps the arrays its derivative rules will read. A small one, or a view, is copied; a large one is
made read-only until the trace ends, so that writing to it is an error rather than another derivative.
(A view of it that was taken before stays writable: NumPy has no way to know of it.)
"""

from functools import partial
from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

from funcgrad.locks import forkable_lock

__all__ = ["LARGE_BYTES", "SOLE", "Captured", "exclusive", "lock"]

# Bytes from which it pays to know that no copy is needed: what does not fit in the L1 cache. Anything
# smaller is copied in about a microsecond.
LARGE_BYTES = 32768


def _count_of_one() -> int:
    array = np.empty(0)
    return getrefcount(array)


# What getrefcount says of an object that one local name refers to: the one answer to the question whether somebody else
# has an array. CPython counted the argument of the call itself up to 3.13; later versions may borrow it.
SOLE = _count_of_one()


class _Lock:
    """While it lives, an array is read-only; it dies with the last trace that holds it."""

    __slots__ = ("__weakref__",)


lock = forkable_lock()
_locks: dict[int, ref[_Lock]] = {}  # by the array's id


class Captured:
    """The arrays one trace has locked.

    An interrupt may come between any two steps of Python's, here and in whoever releases them. So an array is made
    writeable again by no step of Python's: NumPy's own method is called when nobody refers to its lock any more.
    """

    __slots__ = ("_held", "arrays")

    def __init__(self) -> None:
        self.arrays: dict[int, np.ndarray] = {}
        self._held: dict[int, _Lock] = {}

    def keep(self, x: np.ndarray) -> np.ndarray:
        """Return `x`, which is large, locked; a copy of it where its memory is not its own."""
        if x.base is not None:
            return x.copy()
        key = id(x)
        if key not in self.arrays:
            with lock:
                held = _lock_of(x)
                if held is None:
                    return x
                self.arrays[key], self._held[key] = x, held
        return x

    def release(self) -> None:
        """Make the arrays writeable again that no other trace keeps."""
        keys = list(self._held)
        self._held.clear()
        for key in keys:
            with lock:
                known = _locks.get(key)
                if known is not None and known() is None:
                    del _locks[key]

    def copies(self) -> dict[int, np.ndarray]:
        """Return a copy of each array, by the id of the original."""
        return {key: x.copy() for key, x in self.arrays.items()}


def _lock_of(x: np.ndarray) -> _Lock | None:
    """Return what keeps `x` read-only; None where it was so before."""
    known = _locks.get(id(x))
    held = None if known is None else known()
    if held is None and x.flags.writeable:
        held = _Lock()
        # Called as setflags(write=True, align=reference): it is aligned, as large arrays are that own their memory.
        _locks[id(x)] = ref(held, partial(x.setflags, True))
        x.flags.writeable = False
    return held


def exclusive(x: Any) -> bool:
    """Whether the value of `x` is a large array that nothing but `x` refers to."""
    value = x.value
    return (
        type(value) is np.ndarray
        and value.nbytes >= LARGE_BYTES
        and getrefcount(value) == SOLE + 1  # the local name, and x
        and value.base is None
        and value.flags.writeable
    )
