"""A batch of loops or branches as a loop over its examples, where running them side by side would show."""

from collections.abc import Sequence
from typing import Any

from funcgrad.control.scan_primitive import bind_scan
from funcgrad.core.effects import is_observable
from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, dtype_of, shape_of, type_of

__all__ = ["one_by_one", "shows"]


def shows(program: Program) -> bool:
    """Whether it shows that a program ran for an example that did not need it."""
    return any(map(is_observable, program.equations))


def one_by_one(
    primitive: Primitive, size: int, batched: Sequence[Any], args: Sequence[Any], params: dict[str, Any]
) -> tuple:
    """Return the results of a primitive of several results for all examples, one after the other."""
    fixed = [x for x, b in zip(args, batched, strict=True) if not b]
    own = [x for x, b in zip(args, batched, strict=True) if b]

    def one(*flat):
        shared, mine = iter(flat[: len(fixed)]), iter(flat[len(fixed) :])
        given = [next(mine) if b else next(shared) for b in batched]
        return list(bind(primitive, *given, **params))

    slices = [ArrayType(shape_of(x)[1:], dtype_of(x)) for x in own]
    body = stage_flat(one, [*(type_of(x).strong() for x in fixed), *slices], primitive.name)
    return tuple(bind_scan(body, fixed, [], own, size, False))
