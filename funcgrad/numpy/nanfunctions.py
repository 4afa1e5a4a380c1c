"""Reductions that leave out nan: each replaces it by the neutral element, or counts without it."""

from typing import Any

import numpy as np

from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import averages, reductions
from funcgrad.numpy.arguments import as_array, as_axes, astype, implements
from funcgrad.numpy.squares import as_now, with_square
from funcgrad.primitives import logic

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _details(**details):
    """Return the keyword arguments that were given: NumPy's default for some is a mark of its own."""
    return {k: v for k, v in details.items() if v is not np._NoValue and (v is not None or k == "initial")}


def _filled(a, value):
    """Return `a` with `value` in place of nan, and which elements are no nan (None when all are)."""
    a = as_array(a)
    if not is_inexact(dtype_of(a)):
        return a, None
    missing = logic.isnan(a)
    return logic.select(missing, astype(np.asarray(value), dtype_of(a)), a), logic.logical_not(missing)


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = None,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """Return the sum over `axis` of the elements that are not nan; the others have zero derivative."""
    details = _details(keepdims=keepdims, initial=initial, where=where)
    return reductions.sum(_filled(a, 0)[0], axis, dtype, out, **details)


@implements(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = None,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """Return the product over `axis` of the elements that are not nan; the others have zero derivative."""
    details = _details(keepdims=keepdims, initial=initial, where=where)
    return reductions.prod(_filled(a, 1)[0], axis, dtype, out, **details)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Return the running sum along `axis`, with nan counted as 0."""
    return reductions.cumsum(_filled(a, 0)[0], axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Return the running product along `axis`, with nan counted as 1."""
    return reductions.cumprod(_filled(a, 1)[0], axis, dtype, out)


def _extremum(name, worst, reduce):
    def extremum(
        a: Any,
        axis: Any = None,
        out: None = None,
        keepdims: Any = None,
        initial: Any = np._NoValue,
        where: Any = True,
    ) -> Any:
        details = _details(keepdims=keepdims, initial=initial, where=where)
        filled, numbers = _filled(a, worst)
        y = reduce(filled, axis, out, **details)
        if numbers is None or "initial" in details:
            return y
        found = reductions.any(numbers, axis, keepdims=details.get("keepdims", False))
        return logic.select(found, y, np.nan)

    extremum.__name__ = extremum.__qualname__ = name
    extremum.__doc__ = (
        f"Return the {name[3:]}imum over `axis` of the elements that are not nan; nan where all are.\n\n"
        "Derivative: ties share it evenly."
    )
    return extremum


nanmax = implements(np.nanmax)(_extremum("nanmax", -np.inf, reductions.max))
nanmin = implements(np.nanmin)(_extremum("nanmin", np.inf, reductions.min))


def _position(name, worst, find):
    def position(a: Any, axis: Any = None, out: None = None, *, keepdims: Any = None) -> Any:
        filled, numbers = _filled(a, worst)
        if numbers is not None:
            found = reductions.any(numbers, axis)
            if is_concrete(found) and not np.all(concrete(found)):
                raise ShapeError(f"{name}: expected a number in every slice, got all nan.")
        return find(filled, axis, out, **_details(keepdims=keepdims))

    position.__name__ = position.__qualname__ = name
    position.__doc__ = (
        f"Return the position of the first {name[6:]}imum along `axis` among what is not nan.\n\n"
        "Raises:\n    ShapeError: when a slice is known to be all nan."
    )
    return position


nanargmax = implements(np.nanargmax)(_position("nanargmax", -np.inf, reductions.argmax))
nanargmin = implements(np.nanargmin)(_position("nanargmin", np.inf, reductions.argmin))


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = None,
    *,
    where: Any = True,
) -> Any:
    """Return the mean over `axis` of the elements that are not nan; nan where all are."""
    _check_dtype("nanmean", a, dtype)
    details = _details(keepdims=keepdims)
    filled, numbers = _filled(a, 0)
    return averages.mean(filled, axis, dtype, out, where=_and(numbers, where), **details)


def _and(numbers, where):
    if where is True or where is np._NoValue:
        return True if numbers is None else numbers
    if numbers is None:
        return where
    if dtype_of(as_array(where)).kind != "b":
        raise DTypeError(f"expected a mask of dtype bool as where=, got {type_of(as_array(where))}.")
    return logic.logical_and(numbers, as_array(where))


def _check_dtype(name, a, dtype):
    if dtype is not None and is_inexact(dtype_of(as_array(a))) and not is_inexact(np.dtype(dtype)):
        raise DTypeError(
            f"{name}: expected an inexact dtype for {type_of(as_array(a))}, got {np.dtype(dtype)}."
        )


def _spread(keepdims, mean, correction):
    """Return the arguments of var and std that were given; no correction is other than None."""
    details = _details(keepdims=keepdims, mean=mean)
    return details if correction is np._NoValue else {**details, "correction": correction}


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = None,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = np._NoValue,
) -> Any:
    """Return the variance over `axis` of the elements that are not nan."""
    _check_dtype("nanvar", a, dtype)
    details = _spread(keepdims, mean, correction)
    filled, numbers = _filled(a, 0)
    y = averages.var(filled, axis, dtype, out, ddof, where=_and(numbers, where), **details)
    return _nan_where_too_few(y, filled, numbers, axis, details.get("correction", ddof), details)


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = None,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = np._NoValue,
) -> Any:
    """Return the standard deviation over `axis` of the elements that are not nan.

    Derivative: 0 where all elements are equal.
    """
    _check_dtype("nanstd", a, dtype)
    details = _spread(keepdims, mean, correction)
    filled, numbers = _filled(as_now(as_array(a)), 0)
    kept = _and(numbers, where)

    def spread(of):
        y = of(filled, axis, dtype, out, ddof, where=kept, **details)
        return _nan_where_too_few(y, filled, numbers, axis, details.get("correction", ddof), details)

    return with_square(spread(averages.std), lambda: spread(averages.var))


def _nan_where_too_few(y, a, numbers, axis, ddof, details):
    if numbers is None:
        return y
    y_dtype = dtype_of(y)
    count = reductions.sum(
        numbers, as_axes("nanvar", axis, len(shape_of(a))), keepdims=details.get("keepdims", False)
    )
    return logic.select(logic.greater(count, ddof), y, y_dtype.type(np.nan))
