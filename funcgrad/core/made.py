"""Arrays made within a traced function by funcgrad.numpy: plain values that can be written to with traced ones.

`y = fg.numpy.zeros(n); y[i] = traced` cannot work on a NumPy array, which holds numbers. So within a traced function
such an array is a handle on a plain value: what is computed of it alone is plain, it is known wherever a value is
asked for, and a traced value written into it makes it a handle on a traced array, as any other.
"""

from typing import Any

import numpy as np

from funcgrad.core.held_arrays import exclusive
from funcgrad.core.inplace import in_order
from funcgrad.core.roles import level_of_innermost
from funcgrad.core.tables import without_table
from funcgrad.core.tracer import Trace, Tracer, refresh

__all__ = ["known", "made"]


class _Made(Trace):
    """Below all traces, and open for ever: operations on its handles alone are NumPy's."""

    __slots__ = ()

    def __init__(self):
        super().__init__("funcgrad.numpy")
        self.level, self.alive = 0.5, True

    def process(self, primitive, args, params):
        values = [x.value if type(x) is Tracer else x for x in args]
        y = primitive.eval_rule(*values, **params)
        return tuple(map(made, y)) if primitive.multiple else made(y)

    def lift(self, value):
        return Tracer(self, value, level_of_innermost())

    def level_of(self, tracer):
        return tracer.node

    def overwrite(self, x, key, value):
        if type(value) is Tracer or not exclusive(x):
            return False
        x.value[key] = value
        return True

    def plain(self, tracer):
        return tracer.value


_MADE = _Made()


def made(x: Any) -> Any:
    """Return a plain array as one that can be written to, within a traced function; anything else as it is."""
    level = level_of_innermost()
    if not level or not isinstance(x, np.ndarray):
        return x
    y = Tracer(_MADE, x, level)
    return in_order(y) if x.flags.c_contiguous else y


def known(x: Any) -> Any:
    """Return the plain value of an array made within a traced function, or of a table; anything else as it is."""
    if type(x) is not Tracer:
        return without_table(x)
    if x.alias is not None and x.alias.has_base_or_block:
        refresh(x)
    return x.value if x.tracing is _MADE else x
