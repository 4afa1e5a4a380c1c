"""Locks that a forked child finds open, whoever held them in its parent."""

import os
import threading
from typing import Any

__all__ = ["forkable_lock"]


def forkable_lock() -> Any:
    """Return a re-entrant lock that lives as long as the process."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lock._at_fork_reinit)  # type: ignore[attr-defined]
    return lock
