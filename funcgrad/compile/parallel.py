"""Large loops on several cores: a pool of threads, made when first needed, and how many it may use."""

import os
import threading
from collections.abc import Callable
from typing import Any

from funcgrad.errors import DTypeError
from funcgrad.heavy import ctypes, futures

__all__ = ["get_num_threads", "parallel_loop", "set_num_threads"]


class _Pool:
    """The threads of this process; a forked child has none of its parent's, and makes its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.size = 0
        self.process = 0
        self.executor: Any = None

    def get(self, size: int) -> Any:
        with self.lock:
            if self.executor is None or self.size < size or self.process != os.getpid():
                self.executor = futures().ThreadPoolExecutor(size, "funcgrad")
                self.size, self.process = size, os.getpid()
            return self.executor


_pool = _Pool()
_count: int | None = None


def get_num_threads() -> int:
    """Return how many threads a large compiled loop uses: one for each core, unless told otherwise.

    >>> import funcgrad as fg
    >>> fg.get_num_threads() >= 1
    True
    """
    if _count is not None:
        return _count
    given = os.environ.get("FUNCGRAD_NUM_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_num_threads(count: int) -> None:
    """Let large compiled loops use up to `count` threads; small ones never use more than the caller's.

    The environment variable FUNCGRAD_NUM_THREADS sets the default.

    Raises:
        DTypeError: unless `count` is a positive int.

    >>> import funcgrad as fg
    >>> fg.set_num_threads(2)
    >>> fg.get_num_threads()
    2
    """
    global _count
    if type(count) is not int or count < 1:
        raise DTypeError(f"set_num_threads: expected a positive int, got {count!r}.")
    _count = count


def parallel_loop(address: int, extent: int) -> Callable[[int], int]:
    """Return a function that runs `int chunk(frame, first, last)` at `address` over all of `extent` iterations.

    It returns the chunks' results, or'd together.
    """
    c = ctypes()
    chunk = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int64, c.c_int64)(address)

    def run(frame: int) -> int:
        count = min(get_num_threads(), extent)
        if count == 1:
            return chunk(frame, 0, extent)
        edges = [extent * k // count for k in range(count + 1)]
        executor = _pool.get(count - 1)
        others = []
        status = 0
        for k in range(1, count):
            try:
                others.append(executor.submit(chunk, frame, edges[k], edges[k + 1]))
            except RuntimeError:  # Python is shutting down
                status |= chunk(frame, edges[k], extent)
                break
        status |= chunk(frame, edges[0], edges[1])
        for other in others:
            status |= other.result()
        return status

    return run
