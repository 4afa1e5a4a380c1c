"""Reductions along axes: sum, prod, max, min, ptp, any, all, argmax, cumulative sums."""

import math
from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, as_axes, astype, fit, implements, judged, no_out, single_axis
from funcgrad.numpy.chosen import without_choice
from funcgrad.numpy.squares import squared_magnitude
from funcgrad.primitives import cumulative, reduction
from funcgrad.primitives.arithmetic import add, multiply
from funcgrad.primitives.broadcasting import reduce_sum, reshape
from funcgrad.primitives.logic import maximum, minimum, select

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "min",
    "prod",
    "ptp",
    "sum",
]


def reduced_axes(name, axis, ndim):
    """Return the axes; like NumPy's ufuncs take axis 0 and -1 of an array that has none, and no bool."""
    if isinstance(axis, bool):
        raise DTypeError(f"{name}: expected an integer axis, got {axis!r}.")
    return as_axes(name, axis, ndim) if ndim or axis not in (0, -1) else ()


def given(**details):
    """Return the keyword arguments that say something."""
    if details.get("dtype", 0) is None:
        del details["dtype"]
    if details.get("where") is True:
        del details["where"]
    return {k: v for k, v in details.items() if v is not np._NoValue}


def _masked(name, a, details, neutral):
    """Return `a` with `neutral` where the mask among `details` is false."""
    where = details.get("where", True)
    if where is True:
        return a
    mask = as_array(where)
    if mask.ndim > a.ndim or np.broadcast_shapes(mask.shape, a.shape) != a.shape:
        raise ShapeError(f"{name}: expected where= to broadcast to {type_of(a)}, got {type_of(mask)}.")
    return select(mask, a, neutral)


def _reduced(name, reduction, logical, neutral, combine, a, axis, keepdims, details):
    """Reduce with a dtype, an initial value or a mask, the kinds of which NumPy judges."""
    want = judged(name, getattr(np, name), a, axis, keepdims=keepdims, **details).dtype
    a = _masked(name, a, details, neutral)
    if "dtype" in details:
        reduction = logical if want.kind == "b" else reduction
        a = astype(a, want)
    y = astype(reduction(a, axes=reduced_axes(name, axis, a.ndim), keepdims=bool(keepdims)), want)
    initial = details.get("initial")
    return y if initial is None else combine(y, _start(name, initial, want))


def _start(name, initial, dtype):
    """Return an initial value as NumPy writes it into an array of this dtype."""
    if type(initial) is Tracer:
        if initial.ndim:  # of which a sample of one element would not tell, where NumPy takes an array of one
            raise ShapeError(f"{name}: expected one number as initial, got {type_of(initial)}.")
        return astype(initial, dtype)
    start = np.empty(1, dtype)
    start[0] = initial
    return start[0]


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """Return the sum over `axis` (all axes by default), as `numpy.sum`."""
    if out is not None:
        no_out("sum", out)
    a = as_array(a)
    if dtype is None and initial is np._NoValue and where is True:
        return bind(reduce_sum, a, axes=reduced_axes("sum", axis, a.ndim), keepdims=bool(keepdims))
    details = given(dtype=dtype, initial=initial, where=where)
    return _reduced("sum", reduce_sum, reduction.reduce_any, 0, add, a, axis, keepdims, details)


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """Return the product over `axis`, as `numpy.prod`; the derivative is exact at zeros."""
    no_out("prod", out)
    details = given(dtype=dtype, initial=initial, where=where)
    reduce, logical = reduction.reduce_prod, reduction.reduce_all
    return _reduced("prod", reduce, logical, 1, multiply, as_array(a), axis, keepdims, details)


def _extremum(name, primitive, combine):
    def extremum(
        a: Any,
        axis: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = np._NoValue,
        where: Any = True,
    ) -> Any:
        no_out(name, out)
        a = as_array(a)
        axes = reduced_axes(name, axis, a.ndim)
        details = given(initial=np._NoValue if initial is None else initial, where=where)
        if "initial" not in details:
            if "where" in details:
                raise DTypeError(f"{name}: expected initial= together with where=, got none.")
            return primitive(a, axes=axes, keepdims=bool(keepdims))
        judged(name, getattr(np, name), a, axis, **details)
        start = _start(name, initial, a.dtype)
        a = without_choice(a, axes, start)
        a = _masked(name, a, details, start)
        if math.prod(a.shape[i] for i in axes) == 0:
            a = fit(as_array(start), tuple([1 if i in axes else n for i, n in enumerate(a.shape)]))
        return combine(primitive(a, axes=axes, keepdims=bool(keepdims)), start)

    extremum.__name__ = extremum.__qualname__ = name
    extremum.__doc__ = (
        f"Return the {name}imum over `axis`, as `numpy.{name}`; ties share the derivative evenly."
    )
    return extremum


max = amax = implements(np.max, np.amax)(_extremum("max", reduction.reduce_max, maximum))
min = amin = implements(np.min, np.amin)(_extremum("min", reduction.reduce_min, minimum))


def sum_of_squares(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Return the sum of the squared magnitudes, what a norm is the root of."""
    x = astype(x, float) if dtype_of(x).kind in "biu" else x  # whose squares may not fit
    return reduce_sum(squared_magnitude(x), axes=axes, keepdims=keepdims)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Return the range, max - min, over `axis`."""
    no_out("ptp", out)
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


@implements(np.any)
def any(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = True) -> Any:
    """Return whether any element over `axis` is true."""
    no_out("any", out)
    a = as_array(a)
    if where is not True:
        judged("any", np.any, a, axis, where=where)
        a = _masked("any", a, {"where": where}, False)
    return reduction.reduce_any(a, axes=reduced_axes("any", axis, a.ndim), keepdims=bool(keepdims))


@implements(np.all)
def all(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = True) -> Any:
    """Return whether all elements over `axis` are true."""
    no_out("all", out)
    a = as_array(a)
    if where is not True:
        judged("all", np.all, a, axis, where=where)
        a = _masked("all", a, {"where": where}, True)
    return reduction.reduce_all(a, axes=reduced_axes("all", axis, a.ndim), keepdims=bool(keepdims))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return how many elements over `axis` are not zero."""
    return sum(np.not_equal(as_array(a), 0), axis, keepdims=keepdims)


def _arg(name, primitive):
    def position(a: Any, axis: Any = None, out: None = None, *, keepdims: bool = False) -> Any:
        no_out(name, out)
        a = as_array(a)
        flat = reshape(a, shape=(a.size,)) if axis is None or not a.ndim else a
        number = 0 if axis is None else single_axis(name, axis, flat.ndim)
        y = primitive(flat, axis=number)
        if not keepdims:
            return y
        shape = (
            (1,) * a.ndim if axis is None or not a.ndim else (*a.shape[:number], 1, *a.shape[number + 1 :])
        )
        return reshape(y, shape=shape)

    position.__name__ = position.__qualname__ = name
    position.__doc__ = f"Return the position of the first extremum along `axis`, as `numpy.{name}`."
    return position


argmax = implements(np.argmax)(_arg("argmax", reduction.argmax))
argmin = implements(np.argmin)(_arg("argmin", reduction.argmin))


def _running(name, scan, logical, a, axis, dtype, out):
    """Run along an axis in the dtype that NumPy judges right; in bools a sum is `or`, a product `and`."""
    no_out(name, out)
    a = as_array(a)
    if dtype is not None or type(axis) is not int:
        want = judged(name, getattr(np, name), a, axis, dtype).dtype
    if axis is None or not a.ndim:
        a, axis = a if a.ndim == 1 else reshape(a, shape=(a.size,)), axis or 0
    axis = single_axis(name, axis, a.ndim)
    if dtype is None:
        return scan(a, axis=axis)
    return (logical if want.kind == "b" else scan)(astype(a, want), axis=axis).astype(want, copy=False)


def _running_sum(a, axis):
    return cumulative.cumsum(a, axis=axis, reverse=False)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Return the running sum along `axis` (of the flattened array by default)."""
    return _running("cumsum", _running_sum, cumulative.cummax, a, axis, dtype, out)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Return the running product along `axis`; the derivative is exact at zeros."""
    return _running("cumprod", cumulative.cumprod, cumulative.cummin, a, axis, dtype, out)


def _single_axis(name, x, axis):
    x = as_array(x)
    x = x if x.ndim else reshape(x, shape=(1,))
    if axis is None and x.ndim > 1:
        raise ShapeError(f"{name}: expected an axis of {type_of(x)}, got none.")
    return x, single_axis(name, 0 if axis is None else axis, x.ndim)


def _with_initial(y, x, axis, start, include_initial):
    if not include_initial:
        return y
    shape = list(shape_of(x))
    shape[axis] = 1
    return np.concatenate([np.full(shape, start, dtype_of(y)), y], axis)


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Any:
    """Return the running sum along `axis`, with a leading 0 if `include_initial`."""
    x, axis = _single_axis("cumulative_sum", x, axis)
    return _with_initial(cumsum(x, axis, dtype, out), x, axis, 0, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Any:
    """Return the running product along `axis`, with a leading 1 if `include_initial`."""
    x, axis = _single_axis("cumulative_prod", x, axis)
    return _with_initial(cumprod(x, axis, dtype, out), x, axis, 1, include_initial)
