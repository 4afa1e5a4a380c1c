"""The traces that calls on this thread go to, beside those of their arguments, and the one that runs."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

__all__ = [
    "capture_effects",
    "capture_operations",
    "capturing_trace",
    "in_body",
    "in_role",
    "is_outside_body",
    "level_of_innermost",
    "roles",
]


class Running(Protocol):
    """A trace, as far as its role goes."""

    alive: bool
    level: float


class _Roles(threading.local):
    """One that has ended has no role, though an interrupt may have kept it from being taken back."""

    operations: Running | None = None  # has whatever is done to tracers
    effects: Running | None = None  # has every effect, so that it happens when the program runs
    body: Running | None = None  # of a loop or branch: arrays from outside must not be written to
    innermost: Any = None  # a reference to the trace that was opened last, and runs


roles = _Roles()


@contextmanager
def _during(role: str, trace: Running | None) -> Iterator[None]:
    """Give a trace a role on this thread, and take it back."""
    before = getattr(roles, role)
    setattr(roles, role, trace)
    try:
        yield
    finally:
        setattr(roles, role, before)


def in_role(role: str) -> Running | None:
    """Return the trace in a role."""
    trace = getattr(roles, role)
    return trace if trace is not None and trace.alive else None


def capturing_trace() -> Running | None:
    """Return the trace that captures whatever is done to tracers on this thread; None where each goes to its own."""
    return in_role("operations")


def capture_operations(trace: Running | None) -> AbstractContextManager[None]:
    """Have a trace record whatever is done to tracers meanwhile, also to those of outer traces alone.

    So what a branch does is done where the branch is chosen, and nowhere else.
    """
    return _during("operations", trace)


def capture_effects(trace: Running) -> AbstractContextManager[None]:
    """Have a trace record every effect meanwhile (a print, a check), whatever it is of: it happens as often as the program
    runs."""
    return _during("effects", trace)


def in_body(trace: Running) -> AbstractContextManager[None]:
    """Let what is traced meanwhile be the body of a loop or branch, which may run any number of times."""
    return _during("body", trace)


def is_outside_body(x: Any) -> bool:
    """Whether `x` is of a trace around the body of a loop or branch that is being traced."""
    body = in_role("body")
    return body is not None and x.tracing.level_of(x) < body.level


def level_of_innermost() -> float:
    """Return the level of the trace that runs on this thread; 0 where none does."""
    reference = roles.innermost
    while reference is not None:
        trace = reference()
        if trace is None:
            return 0
        if trace.alive:
            return trace.level
        reference = trace.around
    return 0
