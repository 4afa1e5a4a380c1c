"""Collectives: operations across the examples of an enclosing `vmap` with an axis_name."""

import threading
from contextlib import contextmanager
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.linear import Linear
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, dtype_of
from funcgrad.errors import AxisNameError
from funcgrad.primitives.broadcasting import reduce_sum
from funcgrad.primitives.elementwise import times
from funcgrad.primitives.logic import equal
from funcgrad.primitives.reduction import reduce_max

__all__ = ["axis_index", "bound_axis", "pmax", "pmean", "psum"]


class _Axes(threading.local):
    def __init__(self):
        self.bound: list[tuple[Any, int, Any]] = []


_axes = _Axes()


@contextmanager
def bound_axis(name: Any, size: int, index: Any):
    """Make `name` known to collectives while a function runs; `index` numbers the examples."""
    if name is None:
        yield
        return
    _axes.bound.append((name, size, index))
    try:
        yield
    finally:
        _axes.bound.pop()


def _lookup(collective: str, name: Any) -> tuple[int, Any]:
    for bound, size, index in reversed(_axes.bound):
        if bound == name:
            return size, index
    known = ", ".join(repr(n) for n, *_ in _axes.bound) or "none"
    raise AxisNameError(
        f"{collective}: expected the axis name of an enclosing vmap, got {name!r} (bound: {known}).",
        hint=f"call it inside vmap(f, axis_name={name!r}).",
    )


class PSum(Linear):
    """y = sum of x over the examples of the axis; its transpose is itself."""

    name = "psum"
    collective = True

    def type_rule(self, x, *, axis_name):
        return ArrayType(x.shape, x.dtype)

    def eval_rule(self, x, *, axis_name):
        # x does not depend on the example: the sum is a multiple.
        return x * _lookup("psum", axis_name)[0]

    def transpose_rule(self, y_bar, x, *, axis_name):
        return psum_p(y_bar, axis_name=axis_name)

    def batch_rule(self, size, batched, x, *, axis_name):
        return psum_p(x, axis_name=axis_name), True

    def collective_rule(self, size, x, *, axis_name):
        return reduce_sum(x, axes=(0,), keepdims=False), False

    def samples(self):
        return [Sample((box((2, 3)),), {"axis_name": "battery"})]


class PMax(Primitive):
    """y = the largest x over the examples of the axis; ties share the derivative evenly."""

    name = "pmax"
    collective = True

    def type_rule(self, x, *, axis_name):
        return ArrayType(x.shape, x.dtype)

    def eval_rule(self, x, *, axis_name):
        _lookup("pmax", axis_name)
        return +x

    def jvp_rule(self, x_dots, y, x, *, axis_name):
        chosen = equal(x, y) * np.ones((), dtype_of(x))
        share = chosen / psum_p(chosen, axis_name=axis_name)
        return psum_p(times(x_dots[0], share), axis_name=axis_name)

    def batch_rule(self, size, batched, x, *, axis_name):
        return pmax_p(x, axis_name=axis_name), True

    def collective_rule(self, size, x, *, axis_name):
        return reduce_max(x, axes=(0,), keepdims=False), False

    def samples(self):
        return [Sample((box((2, 3)),), {"axis_name": "battery"})]


psum_p = PSum()
pmax_p = PMax()


def psum(x: Any, axis_name: Any) -> Any:
    """Sum `x` (arrays in any containers) over the examples of the vmap axis `axis_name`.

    Raises:
        AxisNameError: when no enclosing vmap binds the name.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.vmap(lambda x: x / fg.psum(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    array([0.25, 0.75])
    """
    _lookup("psum", axis_name)
    return tree.map(lambda leaf: bind(psum_p, leaf, axis_name=axis_name), x)


def pmean(x: Any, axis_name: Any) -> Any:
    """Average `x` over the examples of the vmap axis `axis_name`; see `psum`."""
    size, _ = _lookup("pmean", axis_name)
    return tree.map(lambda leaf: bind(psum_p, leaf, axis_name=axis_name) / size, x)


def pmax(x: Any, axis_name: Any) -> Any:
    """Return the largest `x` over the examples of the vmap axis `axis_name`; see `psum`.

    Derivative: examples that tie for the largest share it evenly.
    """
    _lookup("pmax", axis_name)
    return tree.map(lambda leaf: bind(pmax_p, leaf, axis_name=axis_name), x)


def axis_index(axis_name: Any) -> Any:
    """Return the number of the example along the vmap axis `axis_name`, counted from 0.

    Raises:
        AxisNameError: when no enclosing vmap binds the name.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.vmap(lambda x: x * fg.axis_index("i"), axis_name="i")(np.ones(3))
    array([0., 1., 2.])
    """
    return _lookup("axis_index", axis_name)[1]
