"""Batching as a trace: every primitive runs once for all examples, by its batching rule."""

from typing import Any

import numpy as np

from funcgrad.core.inplace import argument
from funcgrad.core.made import known
from funcgrad.core.tracer import Trace, Tracer, bind, concrete, refresh
from funcgrad.core.types import ArrayType, dtype_of, shape_of, type_of
from funcgrad.errors import ConcretizationError

__all__ = ["Batch"]


class Batch(Trace):
    """A trace whose tracers hold arrays with the examples along axis 0.

    `node` says whether a tracer has that axis: an array that is the same for every example has not,
    and is traced only so that it can be indexed by one that has.
    """

    __slots__ = ("axis_name", "size")

    transparent = False

    def __init__(self, owner: str, size: int, axis_name: Any = None):
        super().__init__(owner)
        self.size = size
        self.axis_name = axis_name

    def input(self, value: Any, batched: bool = True) -> Tracer:
        return argument(Tracer(self, value, batched))

    def index(self) -> Tracer:
        """Return the number of the example."""
        return Tracer(self, np.arange(self.size), True)

    def lift(self, value: Any) -> Tracer:
        shape = (self.size, *shape_of(value))
        return Tracer(self, np.broadcast_to(value, shape), True)

    def process(self, primitive, args, params):
        if not self.alive:
            raise self.leaked()
        values = []
        batched = []
        for x in args:
            mine = type(x) is Tracer and x.tracing is self
            values.append(x.value if mine else x)
            batched.append(mine and x.node)
        if not any(batched):
            y, y_batched = bind(primitive, *values, **params), False
        elif primitive.collective and params["axis_name"] == self.axis_name:
            y, y_batched = primitive.collective_rule(self.size, *values, **params)
        elif primitive.named_batch_rule is not None:
            y, y_batched = primitive.named_batch_rule(self.axis_name, self.size, batched, *values, **params)
        elif primitive.batch_rule is not None:
            y, y_batched = primitive.batch_rule(self.size, batched, *values, **params)
        else:
            y, y_batched = loop_rule(primitive, self.size, batched, values, params)
        if primitive.multiple:
            flags = y_batched if isinstance(y_batched, tuple) else (y_batched,) * len(y)
            return tuple([self._result(yi, b) for yi, b in zip(y, flags, strict=True)])
        return self._result(y, y_batched)

    def _result(self, y, batched):
        # Without the examples' axis, what can be an index or a condition of a plain array is left plain.
        return Tracer(self, y, batched) if batched or dtype_of(y).kind in "fc" else y

    def type_of(self, tracer):
        value = tracer.value
        return ArrayType(shape_of(value)[1:], dtype_of(value)) if tracer.node else type_of(value)

    def plain(self, tracer):
        return tracer.value if self.alive and not tracer.node and type(tracer.value) is np.ndarray else None

    def concrete(self, tracer):
        if not self.alive:
            raise self.leaked(tracer)
        if not tracer.node:
            return concrete(tracer.value)
        raise ConcretizationError(
            f"{self.owner}: a batched array has one value an example, not one value, "
            f"got {type_of(tracer)} for each of {self.size} examples.",
            hint="use fg.numpy.where in place of a Python decision on the value, and array functions "
            "in place of float(x) or math.sin(x).",
        )

    def release(self, x: Any) -> tuple[Any, bool]:
        """Return the value of an output, and whether it has the batch axis."""
        if type(x) is Tracer and x.tracing is self:
            if x.alias is not None and x.alias.has_base_or_block:
                refresh(x)
            return x.value, x.node
        return known(x), False


def loop_rule(primitive, size: int, batched: list, values: list, params: dict):
    """Batch a primitive without a rule of its own: one example after another."""
    rows = [
        bind(primitive, *[x[i] if b else x for x, b in zip(values, batched, strict=True)], **params)
        for i in range(size)
    ]
    if not rows:
        types = [
            ArrayType(shape_of(x)[1:], dtype_of(x)) if b else type_of(x)
            for x, b in zip(values, batched, strict=True)
        ]
        out = primitive.type_rule(*types, **params)
        empty = [np.zeros((0, *t.shape), t.dtype) for t in (out if primitive.multiple else (out,))]
        return (tuple(empty) if primitive.multiple else empty[0]), True
    if primitive.multiple:
        return tuple(np.stack(column) for column in zip(*rows, strict=True)), True
    return np.stack(rows), True
