"""The traces that calls on this thread go to, beside those of their arguments, and the one that runs."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funcgrad.core.tracer import Trace, Tracer

__all__ = [
    "enclosed",
    "enclosing",
    "in_role",
    "inside_body",
    "is_outside_body",
    "level_of_innermost",
    "roles",
    "with_effects",
]


class _Roles(threading.local):
    """One that has ended has no role, though an interrupt may have kept it from being taken back."""

    enclosing: "Trace | None" = None  # has whatever is done to tracers
    effects: "Trace | None" = None  # has every effect, so that it happens when the program runs
    body: "Trace | None" = None  # of a loop or branch: arrays from outside must not be written to
    innermost: Any = None  # a reference to the trace that was opened last, and runs


roles = _Roles()


@contextmanager
def _during(role: str, trace: "Trace | None") -> Iterator[None]:
    """Give a trace a role on this thread, and take it back."""
    before = getattr(roles, role)
    setattr(roles, role, trace)
    try:
        yield
    finally:
        setattr(roles, role, before)


def in_role(role: str) -> "Trace | None":
    """Return the trace in a role."""
    trace = getattr(roles, role)
    return trace if trace is not None and trace.alive else None


def enclosing() -> "Trace | None":
    """Return the trace that has whatever is done to tracers on this thread; None where each goes to its own."""
    return in_role("enclosing")


def enclosed(trace: "Trace | None") -> AbstractContextManager[None]:
    """Let a trace have whatever is done to tracers meanwhile, also to those of outer traces alone.

    So what a branch does is done where the branch is chosen, and nowhere else.
    """
    return _during("enclosing", trace)


def with_effects(trace: "Trace") -> AbstractContextManager[None]:
    """Let a trace have every effect meanwhile, whatever it is of: it happens as often as the program runs."""
    return _during("effects", trace)


def inside_body(trace: "Trace") -> AbstractContextManager[None]:
    """Let what is traced meanwhile be the body of a loop or branch, which may run any number of times."""
    return _during("body", trace)


def is_outside_body(x: "Tracer") -> bool:
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
