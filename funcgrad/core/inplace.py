"""Assignment on traced arrays: functional underneath, NumPy's answer on top.

A write gives the written handle a new variable. Where NumPy would show the write through another
name (a view of the array, or the array a view was taken of), the other name follows: a view keeps
its base and re-reads it when the base has changed, and a write to a view is carried to its base.
Where it is unknown whether NumPy would have copied (a general reshape), the other name is blocked
with an error as soon as it is used.
"""

from typing import Any

from funcgrad.core.layout import is_shared, memory_of
from funcgrad.core.roles import in_role, is_outside_body
from funcgrad.core.tracer import Alias, Tracer, block, detach, refresh
from funcgrad.core.types import shape_of
from funcgrad.errors import InPlaceError

__all__ = ["argument", "in_order", "is_in_order", "overwrite", "own", "raveled", "readonly", "write"]

# Shared marks: handles that must not be written to.
_ARGUMENT = Alias()
_ARGUMENT.in_order = False  # it may lie in any order
_READONLY = Alias()
_READONLY.readonly = True
_REFUSED = {
    _ARGUMENT: "an argument of a transformed function must not be written to "
    "(NumPy would change the caller's array)",
    _READONLY: "a read-only view must not be written to",
}


def write(x: Tracer, new: Any) -> None:
    """Make `x` stand for `new`, which has its shape and dtype, as an in-place write would.

    Raises:
        InPlaceError: when `x` is an argument of the transformed function, or read-only, or an array from outside the
            body of a loop or branch that is being traced.
    """
    if is_outside_body(x):
        raise InPlaceError(
            "assignment: the body of a loop or branch must not write to an array from outside, as it may run any number "
            f"of times, got a write to {x.array_type}.",
            hint="carry the array through the loop, or return it from every branch: x = cond(p, lambda x: ..., ..., x).",
        )
    if x.alias is not None and x.alias.has_base_or_block:
        refresh(x)  # what is written belongs to what the view is now
    alias = x.alias
    if alias is None:
        alias = x.alias = Alias()
    if alias is _ARGUMENT or alias.readonly:
        raise InPlaceError(
            f"assignment: {_REFUSED.get(alias, _REFUSED[_READONLY])}, got a write to {x.array_type}.",
            hint="copy it first: x = x.copy().",
        )
    if alias.base is not None and _is_refused(alias.base):
        write(alias.base, alias.base)  # raises
    _become(x, new)
    if alias.base is not None:
        _write_base(alias, x)
    alias.version += 1


def overwrite(x: Tracer, key: tuple, value: Any) -> bool:
    """Perform `x[key] = value` without a copy, if nothing else refers to the memory of `x`.

    Returns False, with nothing done, where that is not so; `write` then does it with a copy.
    """
    alias = x.alias
    if alias is None:
        alias = x.alias = Alias()  # so that views of x, now and later, can see that it changed
    if alias.base is not None or alias.has_base_or_block or alias in _REFUSED or is_outside_body(x):
        return False
    if type(value) is Tracer and value.alias is not None and value.alias.has_base_or_block:
        refresh(value)
    if not x.tracing.overwrite(x, key, value):
        return False
    alias.version += 1
    return True


def _is_refused(x):
    """Whether `x`, or an array it views, must not be written to."""
    alias = x.alias
    return alias is not None and (
        alias is _ARGUMENT or alias.readonly or (alias.base is not None and _is_refused(alias.base))
    )


def _write_base(alias, x):
    """Carry what was written to the view `x` to the array it views."""
    base = alias.base
    if isinstance(alias.params.get("key"), tuple) and overwrite(base, alias.params["key"], x):
        alias.seen = base.alias.version if base.alias is not None else 0
        return
    shared = is_shared(x)
    if shared:
        write(base, alias.primitive.write_rule(base, x, **alias.params))
        alias.seen = base.alias.version
        return
    detach(x)
    while shared is None and base is not None:
        block(base)
        base = base.alias.base


def _become(x, new):
    if type(new) is Tracer:
        x.tracing, x.value, x.node = new.tracing, new.value, new.node
    else:
        lifted = x.tracing.lift(new)
        x.value, x.node = lifted.value, lifted.node


def argument(x: Tracer) -> Tracer:
    """Mark `x` as an argument of the traced function, which must not be written to."""
    x.alias = _ARGUMENT
    return x


def readonly(x: Any) -> Any:
    """Mark a fresh result as a read-only view."""
    if type(x) is Tracer:
        if x.alias is None or x.alias.base is None:
            x.alias = _READONLY
        else:
            x.alias.readonly = True  # it follows the writes made to its base
    return x


def in_order(x: Any) -> Any:
    """Mark a fresh array as one in C order, or a reshape as a view whatever the order is."""
    if type(x) is Tracer:
        if x.alias is None:
            x.alias = Alias()
        x.alias.in_order = True
    return x


def raveled(x: Any) -> Any:
    """Mark a fresh reshape as one that is a view in NumPy only of what lies in C order."""
    if type(x) is Tracer and x.alias is not None and x.alias.base is not None:
        x.alias.raveled = True
    return x


def is_in_order(x: Tracer) -> bool:
    """Whether the elements are certain to be in C order in memory, each behind the other."""
    memory = memory_of(x)
    return memory is not None and memory.flags.c_contiguous


def own(x: Any) -> Any:
    """Return `x` as an array of its own: a new handle that views nothing."""
    if type(x) is Tracer:
        body = in_role("body")
        if body is not None and is_outside_body(x):
            return body.lift(x)  # which the body may write to, each time it runs
        return x if x.alias is None else Tracer(x.tracing, x.value, x.node)
    return x.copy() if shape_of(x) and x.base is not None else x
