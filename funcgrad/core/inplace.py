"""Assignment on traced arrays: functional underneath, NumPy's answer on top.

A write gives the written handle a new variable. Where NumPy would show the write through another
name (a view of the array, or the array a view was taken of), the other name follows: a view keeps
its base and re-reads it when the base has changed, and a write to a view is carried to its base.
Where it is unknown whether NumPy would have copied (a general reshape), the other name is blocked
with an error as soon as it is used.
"""

from typing import Any

from funcgrad.core.tracer import Alias, Tracer, refresh
from funcgrad.core.types import shape_of
from funcgrad.errors import InPlaceError

__all__ = ["argument", "overwrite", "own", "readonly", "write"]

# Shared marks: handles that must not be written to.
_ARGUMENT = Alias()
_READONLY = Alias()
_READONLY.frozen = True
_REFUSED = {
    _ARGUMENT: "an argument of a transformed function must not be written to "
    "(NumPy would change the caller's array)",
    _READONLY: "a read-only view must not be written to",
}


def write(x: Tracer, new: Any) -> None:
    """Make `x` stand for `new`, which has its shape and dtype, as an in-place write would.

    Raises:
        InPlaceError: when `x` is an argument of the transformed function, or read-only.
    """
    alias = x.alias
    if alias is None:
        alias = x.alias = Alias()
    if alias is _ARGUMENT or alias.frozen:
        raise InPlaceError(
            f"assignment: {_REFUSED.get(alias, _REFUSED[_READONLY])}, got a write to {x.array_type}.",
            hint="copy it first: x = x.copy().",
        )
    if alias.base is not None:
        _write_base(alias, x, new)
    _become(x, new)
    alias.version += 1


def overwrite(x: Tracer, key: tuple, value: Any) -> bool:
    """Perform `x[key] = value` without a copy, if nothing else refers to the memory of `x`.

    Returns False, with nothing done, where that is not so; `write` then does it with a copy.
    """
    alias = x.alias
    if alias is not None and (alias.base is not None or alias.watched or alias in _REFUSED):
        return False
    if type(value) is Tracer and value.alias is not None and value.alias.watched:
        refresh(value)
    if not x.tracing.overwrite(x, key, value):
        return False
    if alias is not None:
        alias.version += 1
    return True


def _write_base(alias, x, new):
    base = alias.base
    new_base = None
    if alias.primitive.write_rule is not None:
        new_base = alias.primitive.write_rule(base, new, **alias.params)
    if new_base is not None:
        write(base, new_base)
        alias.seen = base.alias.version
        return
    if base.alias is _ARGUMENT or (base.alias is not None and base.alias.frozen):
        write(base, base)  # raises
    if base.alias is None:
        base.alias = Alias()
    base.alias.blocked = (
        f"assignment: an array written through {alias.primitive.name} of it must not be used again, "
        f"because whether NumPy shares their memory depends on the layout, got {base.array_type}."
    )
    base.alias.watched = True
    alias.base = None
    alias.watched = False


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
            x.alias.frozen = True  # it follows the writes made to its base
    return x


def own(x: Any) -> Any:
    """Return `x` as an array of its own: a new handle that views nothing."""
    if type(x) is Tracer:
        if x.alias is None:
            return x
        return Tracer(x.tracing, x.value, x.node)
    return x.copy() if shape_of(x) and x.base is not None else x
