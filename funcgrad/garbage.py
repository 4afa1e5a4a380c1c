"""Python's garbage collector while programs are traced and compiled: they grow, and hold next to no garbage."""

import gc
import os
from types import TracebackType

from funcgrad.locks import forkable_lock

__all__ = ["rare_collections"]

# So many objects are made before the collector looks at the young ones. By itself it looks after 700, and again and again
# at all that is alive: a third of the time that it takes to trace a long program.
THRESHOLD = 50_000

_lock = forkable_lock()
_open = 0
_found: tuple[int, int, int] = (0, 0, 0)


class rare_collections:
    """A context in which the collector runs rarely, on all threads; one that the user has switched off stays so.

    What the user sets within it counts, and stays.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        global _open, _found
        with _lock:
            if not _open:
                _found = gc.get_threshold()
                if 0 < _found[0] < THRESHOLD:
                    gc.set_threshold(THRESHOLD, *_found[1:])
            _open += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _open
        with _lock:
            _open = max(
                _open - 1, 0
            )  # (a thread that has forked within the context leaves it in the child, too)
            if not _open and gc.get_threshold() == (THRESHOLD, *_found[1:]):
                gc.set_threshold(*_found)


def _forget_others() -> None:
    """Put the threshold back in a forked child, where the threads that were within the context do not run."""
    global _open
    if _open:
        _open = 0
        if gc.get_threshold() == (THRESHOLD, *_found[1:]):
            gc.set_threshold(*_found)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_others)
