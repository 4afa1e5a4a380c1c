"""Products: matmul, dot, inner, outer, tensordot, vecdot, matvec, vecmat, kron, cross."""

import warnings
from typing import Any

import numpy as np

from funcgrad.core.inplace import own
from funcgrad.core.tracer import UFUNCS, Tracer
from funcgrad.core.types import type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, fit, implements, no_out, stacked
from funcgrad.numpy.shaping import moveaxis
from funcgrad.primitives.arithmetic import conjugate
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.contraction import dot as dot_primitive

__all__ = [
    "cross",
    "dot",
    "inner",
    "kron",
    "matmul",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]

_NONE = ((), ())
_MATRICES = {"contract": ((1,), (0,)), "batch": _NONE}
_VECTOR_LEFT = {"contract": ((0,), (0,)), "batch": _NONE}


def matmul(x: Any, y: Any, /) -> Any:
    """Return the matrix product, `numpy.matmul(x, y)`, with leading axes broadcast.

    Raises:
        ShapeError: when the inner sizes differ, or an argument is a scalar.
    """
    x = x if type(x) is Tracer or type(x) is np.ndarray else as_array(x)
    y = y if type(y) is Tracer or type(y) is np.ndarray else as_array(y)
    nx, ny = x.ndim, y.ndim
    if nx == 2 and ny <= 2 and ny:
        return dot_primitive(x, y, **_MATRICES)
    if nx == 0 or ny == 0:
        raise ShapeError(
            f"matmul: expected arrays with at least one axis, got {type_of(x)} and {type_of(y)}.",
            hint="use * to multiply by a scalar.",
        )
    if nx == 1 and ny <= 2:
        return dot_primitive(x, y, **_VECTOR_LEFT)
    if ny <= 2:
        return dot_primitive(x, y, contract=((nx - 1,), (0,)), batch=_NONE)
    if nx == 1:
        z = dot_primitive(x, y, contract=((0,), (ny - 2,)), batch=_NONE)
        return z
    _check_core("matmul", x, y, -1, -2)
    lead = _leading_axes(x, y)
    x = fit(x, (*lead, *x.shape[-2:]))
    y = fit(y, (*lead, *y.shape[-2:]))
    n = len(lead)
    axes = tuple(range(n))
    return dot_primitive(x, y, contract=((n + 1,), (n,)), batch=(axes, axes))


def _leading_axes(x, y):
    try:
        return np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul: expected leading axes that broadcast, got {type_of(x)} and {type_of(y)}."
        ) from None


@implements(np.dot)
def dot(a: Any, b: Any, out: None = None) -> Any:
    """Return `numpy.dot(a, b)`: the sum product over the last axis of a and the last but one of b."""
    no_out("dot", out)
    x, y = as_array(a), as_array(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    axis = max(y.ndim - 2, 0)
    return dot_primitive(x, y, contract=((x.ndim - 1,), (axis,)), batch=_NONE)


@implements(np.vdot)
def vdot(x: Any, y: Any, /) -> Any:
    """Return the dot product of the flattened arrays, conjugating x."""
    x, y = as_array(x), as_array(y)
    x, y = reshape(x, shape=(type_of(x).size,)), reshape(y, shape=(type_of(y).size,))
    return dot_primitive(_conjugated(x), y, **_VECTOR_LEFT)


@implements(np.inner)
def inner(x: Any, y: Any, /) -> Any:
    """Return the sum product over the last axes of both."""
    x, y = as_array(x), as_array(y)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return dot_primitive(x, y, contract=((x.ndim - 1,), (y.ndim - 1,)), batch=_NONE)


@implements(np.outer)
def outer(a: Any, b: Any, out: None = None) -> Any:
    """Return all products of an element of a and one of b, both flattened."""
    no_out("outer", out)
    a, b = as_array(a), as_array(b)
    return reshape(a, shape=(type_of(a).size, 1)) * reshape(b, shape=(1, type_of(b).size))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return the sum product over the given axes: the last and first `axes`, or a pair of lists."""
    a, b = as_array(a), as_array(b)
    try:
        axes_a, axes_b = axes
    except TypeError:
        axes_a, axes_b = range(a.ndim - axes, a.ndim), range(axes)
    axes_a = [axes_a] if np.ndim(axes_a) == 0 else axes_a
    axes_b = [axes_b] if np.ndim(axes_b) == 0 else axes_b
    if len(axes_a) != len(axes_b):
        raise ShapeError(f"tensordot: expected as many axes of a as of b, got {axes_a} and {axes_b}.")
    contract = (
        tuple(as_axis("tensordot", i, a.ndim) for i in axes_a),
        tuple(as_axis("tensordot", i, b.ndim) for i in axes_b),
    )
    return dot_primitive(a, b, contract=contract, batch=_NONE)


def vecdot(x: Any, y: Any, /, *, axis: int = -1) -> Any:
    """Return the dot product of vectors along `axis`, conjugating x; other axes broadcast."""
    x, y = _with_core("vecdot", as_array(x), 1), _with_core("vecdot", as_array(y), 1)
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    return matmul(_conjugated(x)[..., None, :], y[..., :, None])[..., 0, 0]


def matvec(x: Any, y: Any, /) -> Any:
    """Return the product of matrices and vectors; leading axes broadcast."""
    x, y = _with_core("matvec", as_array(x), 2), _with_core("matvec", as_array(y), 1)
    _check_core("matvec", x, y, -1, -1)
    return matmul(x, y[..., None])[..., 0]


def vecmat(x: Any, y: Any, /) -> Any:
    """Return the product of vectors, conjugated, and matrices; leading axes broadcast."""
    x, y = _with_core("vecmat", as_array(x), 1), _with_core("vecmat", as_array(y), 2)
    _check_core("vecmat", x, y, -1, -2)
    return matmul(_conjugated(x)[..., None, :], y)[..., 0, :]


def _check_core(name, x, y, i, j):
    if x.shape[i] != y.shape[j]:
        raise ShapeError(f"{name}: expected inner sizes that agree, got {type_of(x)} and {type_of(y)}.")


def _with_core(name, x, ndim):
    if x.ndim < ndim:
        what = "a vector" if ndim == 1 else "a matrix"
        raise ShapeError(f"{name}: expected {what} or a stack of them, got {type_of(x)}.")
    return x


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Return the Kronecker product: blocks a[i, j, ...] * b."""
    a, b = as_array(a), as_array(b)
    n = max(a.ndim, b.ndim)
    rows = (1,) * (n - a.ndim) + a.shape
    columns = (1,) * (n - b.ndim) + b.shape
    x = reshape(a, shape=tuple([size for s in rows for size in (s, 1)]))
    y = reshape(b, shape=tuple([size for s in columns for size in (1, s)]))
    return own(reshape(x * y, shape=tuple([r * c for r, c in zip(rows, columns, strict=True)])))


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Return the vector product of vectors of 3 (or 2) components along the given axes."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_array(a), as_array(b)
    a = moveaxis(a, as_axis("cross", axisa, a.ndim), -1)
    b = moveaxis(b, as_axis("cross", axisb, b.ndim), -1)
    if (a.shape[-1], b.shape[-1]) != (3, 3):
        _check_plane_vectors(a, b)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ShapeError(f"cross: expected vectors of 2 or 3 components, got {type_of(a)} and {type_of(b)}.")
    x, y = [[v[..., i] for i in range(v.shape[-1])] for v in (a, b)]
    z = x[0] * y[1] - x[1] * y[0]
    if len(x) == len(y) == 2:
        return z
    if len(x) == 2:  # no third component is no zero: an infinity times it would be a nan
        parts = [x[1] * y[2], -x[0] * y[2], z]
    elif len(y) == 2:
        parts = [-x[2] * y[1], x[2] * y[0], z]
    else:
        parts = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], z]
    return moveaxis(stacked([fit(p, z.shape) for p in parts], z.ndim), -1, axisc)


def _check_plane_vectors(a, b):
    """Refuse vectors of two components where NumPy, from 2.5 on, does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.cross(np.zeros(a.shape[-1]), np.zeros(b.shape[-1]))
    except ValueError:
        raise ShapeError(
            f"cross: expected vectors of 2 or 3 components that NumPy at hand takes, got {type_of(a)} and {type_of(b)}."
        ) from None


def _conjugated(x):
    return conjugate(x) if x.dtype.kind == "c" else x


for _ufunc, _function in ((np.matmul, matmul), (np.vecdot, vecdot), (np.matvec, matvec), (np.vecmat, vecmat)):
    UFUNCS[_ufunc] = _function
