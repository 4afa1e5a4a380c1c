"""The one product: a general dot with contracted and batch axes, under matmul, einsum and their kin."""

import math
from functools import lru_cache

import numpy as np

from funcgrad.core.linear import Bilinear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, promote, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.guarded import guarded_product, lower_guarded
from funcgrad.primitives.shape import conform_dtype, transpose

__all__ = ["dot"]


class Dot(Bilinear):
    """z[b..., i..., j...] = sum over k of x[b, i, k] y[b, j, k].

    `contract` and `batch` are pairs of tuples of axes, one for each side. The result has the batch
    axes, then the other axes of x, then the other axes of y. For `guarded`, see Bilinear.
    """

    name = "dot"

    def type_rule(self, x, y, *, contract, batch, guarded=False):
        (cx, cy), (bx, by) = contract, batch
        pairs = [*zip(cx, cy, strict=True), *zip(bx, by, strict=True)]
        twice = any(len({*axes}) != len(pairs) for axes in ((*cx, *bx), (*cy, *by)))
        if twice or any(i >= x.ndim or j >= y.ndim or x.shape[i] != y.shape[j] for i, j in pairs):
            raise ShapeError(
                f"dot: expected equal sizes along the contracted axes {cx} and {cy}"
                f"{f' and the batch axes {bx} and {by}' if bx else ''}, got {x} and {y}."
            )
        free_x = [n for d, n in enumerate(x.shape) if d not in cx and d not in bx]
        free_y = [n for d, n in enumerate(y.shape) if d not in cy and d not in by]
        return ArrayType((*(x.shape[i] for i in bx), *free_x, *free_y), promote(x, y))

    def eval_rule(self, x, y, *, contract, batch, guarded=False):
        plan = _plan(x.ndim, y.ndim, contract, batch)
        return guarded_product(plan, x, y) if guarded else plan(x, y)

    def points(self, out, *types, contract, batch, guarded=False):
        return [out * math.prod(types[0].shape[a] for a in contract[0])] * 2

    def lower_rule(self, lower, out, x, y, *, contract, batch, guarded=False):
        def product(out, x, y):
            return lower.product(out, x, y, contract, batch, zero_wins=guarded)

        return lower_guarded(lower, out, x, y, product) if guarded else product(out, x, y)

    def vjp_rule(self, needs, z_bar, z, x, y, *, contract, batch, guarded=False):
        left, right = _pullbacks(x.ndim, y.ndim, contract, batch)
        return (
            conform_dtype(_product(left, z_bar, y), x) if needs[0] else None,
            conform_dtype(_product(right, x, z_bar), y) if needs[1] else None,
        )

    def batch_rule(self, size, batched, x, y, *, contract, batch, **guard):
        (cx, cy), (bx, by) = contract, batch
        if all(batched):
            axes = [tuple(a + 1 for a in group) for group in (cx, cy, bx, by)]
            return dot(x, y, contract=(axes[0], axes[1]), batch=((0, *axes[2]), (0, *axes[3])), **guard), True
        if batched[0]:
            cx, bx = tuple(a + 1 for a in cx), tuple(a + 1 for a in bx)
            z = dot(x, y, contract=(cx, cy), batch=(bx, by), **guard)
            position = len(bx)  # the example axis is the first free axis of x
        else:
            cy, by = tuple(a + 1 for a in cy), tuple(a + 1 for a in by)
            z = dot(x, y, contract=(cx, cy), batch=(bx, by), **guard)
            position = len(shape_of(x)) - len(cx)  # ... of y
        order = (position, *(d for d in range(len(shape_of(z))) if d != position))
        return (transpose(z, axes=order) if position else z), True

    def samples(self):
        def case(x, y, contract, batch=((), ()), **details):
            return Sample((box(x, **details), box(y)), {"contract": contract, "batch": batch})

        return [
            case((2, 3), (3, 4), ((1,), (0,))),
            case((3,), (3,), ((0,), (0,))),
            case((2, 3), (3,), ((1,), (0,))),
            case((3,), (3, 2), ((0,), (0,))),
            case((3, 2), (4, 3), ((0,), (1,))),
            case((2,), (3,), ((), ())),
            case((4, 2, 3), (4, 3, 2), ((2,), (1,)), ((0,), (0,))),
            case((2, 4, 3), (3, 2, 4), ((1,), (2,)), ((0,), (1,))),
            case((2, 3, 4), (4, 3, 5), ((1, 2), (1, 0))),
            case((2, 0), (0, 3), ((1,), (0,))),
            case((2, 3), (3, 2), ((1,), (0,)), dtype=complex),
            Sample(
                (np.array([[0.0, 1.0], [2.0, np.inf]]), np.array([[np.inf, 1.0], [0.0, 0.0]])),
                {"contract": ((1,), (0,)), "batch": ((), ()), "guarded": True},
                smooth=False,
            ),
            Bad(
                (box((2, 3)), box((2, 4))),
                {"contract": ((1,), (0,)), "batch": ((), ())},
                r"expected equal sizes .* got float64\[2,3\] and float64\[2,4\]",
            ),
        ]


def _free_axes(ndim, contract, batch):
    return tuple(d for d in range(ndim) if d not in contract and d not in batch)


@lru_cache(4096)
def _pullbacks(x_ndim, y_ndim, contract, batch):
    """Return how x_bar = dot(z_bar, y) and y_bar = dot(x, z_bar): in these orders no axes need moving
    in a matrix product."""
    (cx, cy), (bx, by) = contract, batch
    free_x, free_y = _free_axes(x_ndim, cx, bx), _free_axes(y_ndim, cy, by)
    n_batch, n_x, n_y = len(bx), len(free_x), len(free_y)
    z_batch = tuple(range(n_batch))
    z_free_x = tuple(range(n_batch, n_batch + n_x))
    z_free_y = tuple(range(n_batch + n_x, n_batch + n_x + n_y))
    z_ndim = n_batch + n_x + n_y
    left = {"contract": (z_free_y, free_y), "batch": (z_batch, by)}
    right = {"contract": (free_x, z_free_x), "batch": (bx, z_batch)}
    # The contracted axes stand in the result as the other side has them.
    left_axes = (*bx, *free_x, *(cx[cy.index(d)] for d in sorted(cy)))
    right_axes = (*by, *(cy[cx.index(d)] for d in sorted(cx)), *free_y)
    return (
        (left, _order(left_axes), _plan(z_ndim, y_ndim, **left)),
        (right, _order(right_axes), _plan(x_ndim, z_ndim, **right)),
    )


def _order(axes):
    """Return the permutation that puts `axes` in order; None when they are."""
    order = tuple(axes.index(d) for d in range(len(axes)))
    return None if order == tuple(range(len(order))) else order


def _product(plan, x, y):
    params, order, evaluate = plan
    if type(x) is np.ndarray and type(y) is np.ndarray:
        z = guarded_product(evaluate, x, y)
    else:
        z = dot(x, y, guarded=True, **params)
    return z if order is None else transpose(z, axes=order)


@lru_cache(4096)
def _plan(x_ndim, y_ndim, contract, batch):
    """Return the NumPy function that evaluates a dot: np.dot or matmul where axes already fit."""
    (cx, cy), (bx, by) = contract, batch
    free_x = tuple(d for d in range(x_ndim) if d not in cx and d not in bx)
    free_y = tuple(d for d in range(y_ndim) if d not in cy and d not in by)
    if not bx and x_ndim == 2 == y_ndim and len(cx) == 1:
        if cx == (1,):
            return np.matmul if cy == (0,) else lambda x, y: _dot(x, y.T)
        if cy == (0,):
            return lambda x, y: _dot(x.T, y)
        return lambda x, y: _dot(x.T, y.T)
    if not bx and len(cx) == 1 and (x_ndim == 1 or y_ndim == 1) and x_ndim + y_ndim <= 3:
        if x_ndim == y_ndim == 1:
            return np.dot
        if y_ndim == 1:
            return np.matmul if cx == (1,) else lambda x, y: _dot(y, x)
        return np.matmul if cy == (0,) else lambda x, y: _dot(y, x)
    if not bx and not cx:
        return np.multiply.outer
    order_x, order_y = (*bx, *free_x, *cx), (*by, *cy, *free_y)
    n_batch, n_free_x, n_contract = len(bx), len(free_x), len(cx)

    def general(x, y):
        x, y = np.transpose(x, order_x), np.transpose(y, order_y)
        lead = x.shape[:n_batch]
        mid_x = x.shape[n_batch : n_batch + n_free_x]
        mid_y = y.shape[n_batch + n_contract :]
        k = int(np.prod(x.shape[n_batch + n_free_x :]))
        z = np.matmul(x.reshape(*lead, int(np.prod(mid_x)), k), y.reshape(*lead, k, int(np.prod(mid_y))))
        return z.reshape(lead + mid_x + mid_y)

    return general


def _dot(x, y):
    """Return np.dot(x, y), which takes less time than matmul; of single numbers it makes 0 of 0 * nan, matmul does not."""
    return np.matmul(x, y) if x.shape[-1] == 1 else np.dot(x, y)


dot = Dot()
