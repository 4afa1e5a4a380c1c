"""NumPy's dispatch protocols on tracers: `np.sin(x)`, `np.sum(x)` and `np.add.reduce(x)` find funcgrad."""

from typing import Any

import numpy as np

from funcgrad.core.inplace import write
from funcgrad.core.tracer import FUNCTIONS, UFUNCS, Tracer
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, InPlaceError, ShapeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import as_array, as_axes, as_axis, as_operand, astype, fit, judged
from funcgrad.numpy.foreign import edit_for_scipy
from funcgrad.numpy.indexing import added
from funcgrad.primitives import cumulative
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.logic import select

__all__ = ["array_function", "array_ufunc"]

_REDUCE = {
    np.add: reductions.sum,
    np.multiply: reductions.prod,
    np.maximum: reductions.max,
    np.minimum: reductions.min,
    np.logical_or: reductions.any,
    np.logical_and: reductions.all,
}
_ACCUMULATE = {
    np.add: lambda x, axis: cumulative.cumsum(x, axis=axis, reverse=False),
    np.multiply: lambda x, axis: cumulative.cumprod(x, axis=axis),
    np.maximum: lambda x, axis: cumulative.cummax(x, axis=axis),
    np.minimum: lambda x, axis: cumulative.cummin(x, axis=axis),
}


def array_ufunc(self: Tracer, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's `__array_ufunc__`: called for every ufunc that meets a tracer."""
    function = UFUNCS.get(ufunc) or UFUNCS.get(ufunc.__name__)
    if function is None:
        raise _unsupported(f"{ufunc.__name__}")
    if method == "__call__" and not kwargs:
        return function(*inputs)
    if method == "__call__":
        return _called(function, ufunc, inputs, **kwargs)
    handler = _METHODS.get(method)
    if handler is None:
        raise _unsupported(f"{ufunc.__name__}.{method}")
    return handler(function, ufunc, *inputs, **kwargs)


def array_function(self: Tracer, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """NumPy's `__array_function__`: called for every other NumPy function that meets a tracer."""
    implementation = FUNCTIONS.get(function)
    if implementation is None:
        name = f"{getattr(function, '__module__', 'numpy')}.{getattr(function, '__name__', function)}"
        raise _unsupported(name)
    return implementation(*args, **kwargs)


def _unsupported(name):
    return DTypeError(
        f"{name}: expected plain arrays, got a traced array: funcgrad has no rule for it.",
        hint=edit_for_scipy()
        or "write it with functions funcgrad knows (fg.numpy and fg.scipy.special list them), give it a derivative "
        "with fg.custom_jvp or fg.custom_vjp, or take fg.stop_gradient(x) of a value known now.",
    )


def _called(
    function, ufunc, inputs, out=None, where=True, dtype=None, casting=None, order=None, subok=True, **details
):
    """Call with keyword arguments: `dtype` converts the operands, `out` and `where` write in place."""
    if dtype is not None:
        inputs = [astype(as_operand(x), dtype) for x in inputs]
    if out is None:
        if where is not True:
            raise DTypeError(
                f"{ufunc.__name__}: expected out= together with where=, got where only.",
                hint="elements where the mask is false would be uninitialized: use np.where.",
            )
        return function(*inputs, **details)
    targets = out if isinstance(out, tuple) else (out,)
    for target in targets:
        if target is not None and type(target) is not Tracer:
            raise InPlaceError(
                f"{ufunc.__name__}: a traced result must not be written into a plain array, "
                f"got out: {type_of(target)}.",
                hint="an array that traced values are written into must be traced itself: start from "
                "fg.numpy.zeros(n), fg.numpy.array(plain) or np.zeros_like(x), or assign the result: y = y + v in place of "
                "y += v.",
            )
    results = function(*inputs, **details)
    results = results if isinstance(results, tuple) else (results,)
    for target, result in zip(targets, results, strict=True):
        _store(ufunc, target, result, where)
    return targets if len(targets) > 1 else targets[0]


def _store(ufunc, target, result, where):
    if where is not True:
        result = select(where, result, target)
    if np.broadcast_shapes(shape_of(result), shape_of(target)) != shape_of(target):
        raise ShapeError(
            f"{ufunc.__name__}: expected a result that fits out: {type_of(target)}, got {type_of(result)}."
        )
    if not np.can_cast(dtype_of(result), dtype_of(target), "same_kind"):
        raise DTypeError(
            f"{ufunc.__name__}: expected a result of the kind of out: {type_of(target)}, got {type_of(result)}."
        )
    write(target, fit(astype(result, dtype_of(target)), shape_of(target)))


def _reduce(
    function, ufunc, x, axis=0, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True
):
    reduction = _REDUCE.get(ufunc)
    details = {} if initial is np._NoValue else {"initial": initial}
    if reduction is None:
        return _folded(function, as_array(x), axis, dtype, keepdims, details, where, ufunc)
    if dtype is not None:
        x = astype(as_array(x), dtype)
    if isinstance(out, tuple):
        (out,) = out
    if ufunc in (np.logical_or, np.logical_and) and details:  # which any and all do not take
        judged(f"{ufunc.__name__}.reduce", ufunc.reduce, as_array(x), axis, **details)
        y = reduction(x, axis=axis, out=out, keepdims=keepdims, where=where)
        return y if initial is None else function(y, initial)
    return reduction(x, axis=axis, out=out, keepdims=keepdims, where=where, **details)


def _folded(function, x, axis, dtype, keepdims, details, where, ufunc):
    """Reduce by a ufunc without a primitive of its own: one slice after another."""
    name = f"{ufunc.__name__}.reduce"
    if where is not True:
        raise _unsupported(f"{name} with where=")
    want = judged(name, ufunc.reduce, x, axis, dtype, keepdims=keepdims, **details).dtype
    axes = as_axes(name, axis, x.ndim)
    kept = tuple([n for d, n in enumerate(x.shape) if d not in axes])
    order = (*axes, *(d for d in range(x.ndim) if d not in axes))
    rows = astype(np.transpose(x, order).reshape(-1, *kept), want) if x.size else x
    initial = details.get("initial")
    total = None if initial is None else fit(np.asarray(initial).astype(want), kept)
    for i in range(0 if not x.size else len(rows)):
        total = rows[i] if total is None else function(total, rows[i])
    if total is None:  # of nothing: the identity, without which NumPy has refused
        total = np.full(kept, ufunc.identity, want)[()]
    return np.expand_dims(total, axes) if keepdims else total


def _accumulate(function, ufunc, x, axis=0, dtype=None, out=None):
    if out is not None:
        raise _unsupported(f"{ufunc.__name__}.accumulate with out=")
    x = as_array(x)
    if dtype is not None or type(axis) is not int or ufunc not in _ACCUMULATE:
        x = astype(x, judged(f"{ufunc.__name__}.accumulate", ufunc.accumulate, x, axis, dtype).dtype)
        axis = 0 if axis is None else axis
    axis = as_axis(f"{ufunc.__name__}.accumulate", axis, x.ndim)
    scan = _ACCUMULATE.get(ufunc)
    if scan is not None:
        return scan(x, axis)
    lead = (slice(None),) * axis
    rows = [x[(*lead, 0)]] if x.shape[axis] else []
    for i in range(1, x.shape[axis]):
        rows.append(function(rows[-1], x[(*lead, i)]))
    return np.stack(rows, axis) if rows else x


def _outer(function, ufunc, x, y, **kwargs):
    x, y = as_array(x), as_array(y)
    x = reshape(x, shape=(*shape_of(x), *(1,) * len(shape_of(y))))
    return _called(function, ufunc, (x, y), **kwargs)


def _at(function, ufunc, x, indices, values=None):
    if type(x) is not Tracer:
        raise InPlaceError(
            f"{ufunc.__name__}.at: a traced value must not be written into a plain array, got {type_of(x)}.",
            hint="make the array by funcgrad.numpy within the function (fg.numpy.zeros(n)) or from a traced one "
            "(np.zeros_like(x)), or use x.at[i].add(v).",
        )
    if ufunc not in (np.add, np.subtract):
        raise _unsupported(f"{ufunc.__name__}.at")
    write(x, added(x, indices, values if ufunc is np.add else -as_array(values)))


def _reduceat(function, ufunc, x, indices, axis=0, dtype=None, out=None):
    if ufunc is not np.add or out is not None:
        raise _unsupported(f"{ufunc.__name__}.reduceat")
    x = as_array(x)
    axis = as_axis("add.reduceat", axis, x.ndim)
    lead = (slice(None),) * axis
    starts = [int(i) for i in indices]
    stops = [*starts[1:], x.shape[axis]]
    rows = [
        reductions.sum(x[(*lead, slice(a, b))], axis) if a < b else x[(*lead, a)]
        for a, b in zip(starts, stops, strict=True)
    ]
    return np.stack(rows, axis)


_METHODS: dict[str, Any] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "outer": _outer,
    "at": _at,
    "reduceat": _reduceat,
}
