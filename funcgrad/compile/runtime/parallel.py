"""Large loops on several cores: a pool of threads, made when first needed, and how many it may use."""

import functools
import operator
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
        self.executor: Any = None

    def get(self, size: int) -> Any:
        with self.lock:
            if self.size < size:
                self.executor = futures().ThreadPoolExecutor(size, "funcgrad")
                self.size = size
            return self.executor


_pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.__init__)  # type: ignore[misc]
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


class _Once:
    """A call that is made once, by the first of several threads that try."""

    def __init__(self, function: Callable, *args: Any):
        self._function = function
        self._args = args
        self._taken = threading.Lock()
        self.done = threading.Event()
        self.status = 0

    def run(self) -> None:
        if not self._taken.acquire(blocking=False):
            return
        try:
            self.status = self._function(*self._args)
        finally:
            self.done.set()


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
        # A chunk runs once, by whoever takes it first: a thread, or in the end the caller. The memory they work on
        # is the caller's, so that it waits for them whatever happens (an interrupt, threads that cannot be made).
        chunks = [_Once(chunk, frame, edges[k], edges[k + 1]) for k in range(count)]
        try:
            for other in chunks[1:]:
                executor.submit(other.run)
        except RuntimeError:  # Python is shutting down, or there are too many threads
            pass
        interrupt = None
        for each in chunks:
            while not each.done.is_set():
                try:
                    each.run()
                    each.done.wait()
                except BaseException as error:
                    interrupt = error
        if interrupt is not None:
            raise interrupt
        return functools.reduce(operator.or_, [each.status for each in chunks])

    return run
