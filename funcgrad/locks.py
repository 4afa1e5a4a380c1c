"""Locks that a forked child finds open, whoever held them in its parent."""

import os
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

__all__ = ["forkable_lock", "held_around_fork"]

_locks: WeakSet[Any] = WeakSet()


def forkable_lock() -> Any:
    """Return a re-entrant lock, which is open in a forked child.

    What it guards must be whole at every step, as a dictionary is.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def held_around_fork(lock: Callable[[], Any]) -> None:
    """Have the lock that `lock()` returns (None: there is none yet) held while a process forks, by whoever forks.

    It is for what other threads must not be in the middle of, such as a compiler with locks of its own. Of several,
    the one given last is taken first.
    """
    if not hasattr(os, "register_at_fork"):
        return
    held: list[Any] = []

    def acquire() -> None:
        found = lock()
        if found is not None:
            found.__enter__()
            held.append(found)

    def release() -> None:
        if held:
            held.pop().__exit__(None, None, None)

    os.register_at_fork(before=acquire, after_in_parent=release, after_in_child=release)


def _open_all() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all)
