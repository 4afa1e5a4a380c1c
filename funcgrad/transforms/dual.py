"""Forward mode as a trace: every primitive carries its tangent along as it is evaluated."""

from sys import getrefcount
from typing import Any

import numpy as np

from funcgrad.core.held_arrays import SOLE, exclusive
from funcgrad.core.inplace import argument
from funcgrad.core.made import known
from funcgrad.core.tracer import Trace, Tracer, bind, refresh
from funcgrad.core.types import dtype_of
from funcgrad.transforms.derive import jvp_of

__all__ = ["Dual"]


class Dual(Trace):
    """A trace whose tracers hold `(primal, tangent)`; a result without a tangent is left untraced."""

    __slots__ = ()

    def input(self, primal: Any, tangent: Any) -> Tracer:
        return argument(Tracer(self, primal, tangent))

    def lift(self, value: Any) -> Tracer:
        return Tracer(self, value, None)

    def process(self, primitive, args, params):
        if not self.alive:
            raise self.leaked()
        primals = []
        tangents = []
        for x in args:
            if type(x) is Tracer and x.tracing is self:
                primals.append(x.value)
                tangents.append(x.node)
            else:
                primals.append(x)
                tangents.append(None)
        if primitive.pushforward_rule is not None and any(d is not None for d in tangents):
            y, y_dot = primitive.pushforward_rule(tangents, *primals, **params)
            self.check_outputs(primitive, y)
            return self._outputs(y, y_dot)
        if primitive.forward_rule is not None and not primitive.residuals_in_reverse_only:
            y, saved = primitive.forward_rule(*primals, **params)
        else:
            y = saved = bind(primitive, *primals, **params)
        if primitive.multiple:
            self.check_outputs(primitive, y)
        if not primitive.differentiable or all(d is None for d in tangents):
            # A constant: plain where it can be an index or a condition, traced where it can be
            # written into.
            return tuple(map(self._constant, y)) if primitive.multiple else self._constant(y)
        with np.errstate(all="ignore"):
            y_dot = jvp_of(primitive, tangents, saved, primals, params)
        if not primitive.multiple:
            return Tracer(self, y, y_dot)
        return self._outputs(y, y_dot)

    def _outputs(self, ys, y_dots):
        return tuple(
            [
                self._constant(y) if y_dot is None else Tracer(self, y, y_dot)
                for y, y_dot in zip(ys, y_dots, strict=True)
            ]
        )

    def _constant(self, y):
        return Tracer(self, y, None) if dtype_of(y).kind in "fc" else y

    def plain(self, tracer):
        return np.asarray(tracer.value) if tracer.node is None and type(tracer.value) is not Tracer else None

    def overwrite(self, x, key, value):
        v_dot = None
        if type(value) is Tracer:
            if value.tracing is not self:
                return False
            value, v_dot = value.value, value.node
        x_dot = x.node
        if v_dot is not None and x_dot is None:
            x_dot = np.zeros_like(x.value)
        plain = all(d is None or isinstance(d, (np.ndarray, np.generic)) for d in (x_dot, v_dot))
        if not plain or isinstance(value, Tracer) or not exclusive(x):
            return False
        try:
            x.value[key] = value
        except (IndexError, ValueError):
            return False  # the general way says what does not fit
        if x_dot is not None:
            if x.node is not None and getrefcount(x_dot) > SOLE + 1:
                x_dot = x_dot.copy()
            x_dot[key] = 0 if v_dot is None else v_dot
        x.node = x_dot
        return True

    def release(self, x: Any) -> tuple[Any, Any]:
        """Return the primal and the tangent (None when zero) of an output."""
        if type(x) is Tracer and x.tracing is self:
            if x.alias is not None and x.alias.has_base_or_block:
                refresh(x)
            return x.value, x.node
        return known(x), None
