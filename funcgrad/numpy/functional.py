"""Functions of functions: vectorize, apply_along_axis, apply_over_axes."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from funcgrad.core.types import ArrayType, broadcast_shapes, shape_of, type_of
from funcgrad.errors import ConcretizationError, DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, astype, fit, implements
from funcgrad.numpy.joining import stack
from funcgrad.numpy.shaping import expand_dims, moveaxis
from funcgrad.primitives.broadcasting import reshape
from funcgrad.transforms.vmap import vmap

__all__ = ["apply_along_axis", "apply_over_axes", "vectorize"]


def _over_rows(f, arrays, count):
    """Return f of each row of the arrays, all at once; one after another where f needs the values."""
    try:
        return vmap(f)(*arrays)
    except ConcretizationError:
        results = [f(*[x[i] for x in arrays]) for i in range(count)]
    if not isinstance(results[0], tuple):
        return stack(results)
    return tuple([stack(column) for column in zip(*results, strict=True)])


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Return `func1d(row, *args, **kwargs)` for each row of `arr` along `axis`, its result in that place.

    The rows are computed at once by vmap; one after another where `func1d` needs their values.
    """
    arr = as_array(arr)
    axis = as_axis("apply_along_axis", axis, arr.ndim)
    moved = moveaxis(arr, axis, -1)
    lead = moved.shape[:-1]
    count = int(np.prod(lead, dtype=int))
    if count == 0:
        raise ShapeError(f"apply_along_axis: expected at least one row, got {type_of(arr)}.")
    rows = reshape(moved, shape=(count, moved.shape[-1]))
    y = _over_rows(lambda row: as_array(func1d(row, *args, **kwargs)), (rows,), count)
    y = reshape(y, shape=(*lead, *shape_of(y)[1:]))
    extra = range(len(lead), y.ndim)
    return moveaxis(y, tuple(extra), tuple(range(axis, axis + len(extra)))) if extra else y


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable, a: Any, axes: Any) -> Any:
    """Return `func(a, axis)` applied for one axis after another; an axis it removes is kept with size 1."""
    y = as_array(a)
    ndim = y.ndim
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        axis = as_axis("apply_over_axes", axis, ndim)
        result = as_array(func(y, axis))
        y = result if result.ndim == ndim else expand_dims(result, axis)
        if y.ndim != ndim:
            raise ShapeError(
                f"apply_over_axes: expected a function that keeps {ndim} axes or removes one, got {type_of(result)}."
            )
    return y


def vectorize(
    pyfunc: Callable | None = None,
    otypes: Any = None,
    doc: str | None = None,
    excluded: Iterable[int | str] | None = None,
    cache: bool = False,
    signature: str | None = None,
) -> Callable:
    """Return `pyfunc`, written for numbers, as a function of arrays that broadcast.

    With a signature such as "(n),(n)->()" it is written for arrays with those last axes. All
    elements are computed at once by vmap; one after another where `pyfunc` needs their values.

    Args:
        pyfunc: returns a number or array, or a tuple of them. Left out to use `vectorize` as a decorator.
        otypes: the dtypes of the results.
        doc: the docstring of the result.
        excluded: positions and names of arguments passed as they are.
        cache: without effect.
        signature: the core axes of the arguments and results.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.numpy.vectorize(lambda x, y: x + y if x > y else x * y)(np.array([1.0, 4.0]), 3.0)
    array([3., 7.])
    """
    if pyfunc is None:
        details = {"otypes": otypes, "doc": doc, "excluded": excluded, "cache": cache, "signature": signature}
        return lambda f: vectorize(f, **details)
    plain = frozenset(excluded or ())
    inputs, outputs = (None, None) if signature is None else _parsed(signature)

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        names: list[int | str] = [i for i in range(len(args)) if i not in plain]
        names += [name for name in kwargs if name not in plain]
        arrays = [as_array(args[i] if isinstance(i, int) else kwargs[i]) for i in names]
        if inputs is not None and len(inputs) != len(arrays):
            raise ShapeError(
                f"vectorize: expected {len(inputs)} arguments for {signature}, got {len(arrays)}."
            )
        core = [0] * len(arrays) if inputs is None else [len(term) for term in inputs]
        if inputs is not None:
            _check_core(signature, inputs, arrays)
        loops = [ArrayType(x.shape[: x.ndim - n], x.dtype) for x, n in zip(arrays, core, strict=True)]
        loop = broadcast_shapes("vectorize", *loops)

        def call(*values):
            given = dict(zip(names, values, strict=True))
            out = pyfunc(
                *[given.get(i, x) for i, x in enumerate(args)],
                **{name: given.get(name, x) for name, x in kwargs.items()},
            )
            return tuple(map(as_array, out)) if isinstance(out, tuple) else as_array(out)

        y = _looped(call, arrays, core, loop)
        return _typed(y, otypes, outputs)

    functools.update_wrapper(vectorized, pyfunc)
    if doc is not None:
        vectorized.__doc__ = doc
    return vectorized


def _looped(call, arrays, core, loop):
    if not loop:
        return call(*arrays)
    count = int(np.prod(loop, dtype=int))
    if count == 0:
        raise ShapeError("vectorize: expected at least one element, got none.")
    rows = []
    for x, n in zip(arrays, core, strict=True):
        inner = x.shape[x.ndim - n :]
        rows.append(reshape(fit(x, (*loop, *inner)), shape=(count, *inner)))
    y = _over_rows(call, rows, count)
    if isinstance(y, tuple):
        return tuple([reshape(z, shape=(*loop, *shape_of(z)[1:])) for z in y])
    return reshape(y, shape=(*loop, *shape_of(y)[1:]))


def _typed(y, otypes, outputs):
    if outputs is not None and len(outputs) != (len(y) if isinstance(y, tuple) else 1):
        raise ShapeError(f"vectorize: expected {len(outputs)} results, as the signature says, got others.")
    if otypes is None:
        return y
    dtypes = [np.dtype(t) for t in otypes]
    if isinstance(y, tuple):
        return tuple([astype(z, t) for z, t in zip(y, dtypes, strict=True)])
    return astype(y, dtypes[0])


def _parsed(signature):
    """Split "(n),(n,k)->(k)" into the names of the core axes of each argument and result."""
    left, arrow, right = signature.replace(" ", "").partition("->")
    if not arrow:
        raise DTypeError(f"vectorize: expected a signature such as (n),(n)->(), got {signature!r}.")
    return _terms(left, signature), _terms(right, signature)


def _terms(text, signature):
    if not (text.startswith("(") and text.endswith(")")):
        raise DTypeError(f"vectorize: expected a signature such as (n),(n)->(), got {signature!r}.")
    return [tuple(filter(None, term.split(","))) for term in text[1:-1].split("),(")]


def _check_core(signature, inputs, arrays):
    sizes: dict[str, int] = {}
    for term, x in zip(inputs, arrays, strict=True):
        if x.ndim < len(term):
            raise ShapeError(
                f"vectorize: expected at least {len(term)} axes for {signature}, got {type_of(x)}."
            )
        for name, n in zip(term, x.shape[x.ndim - len(term) :], strict=True):
            if sizes.setdefault(name, n) != n:
                raise ShapeError(
                    f"vectorize: expected one size for {name} in {signature}, got {sizes[name]} and {n}."
                )
