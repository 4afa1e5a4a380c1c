"""The one product: a general dot with contracted and batch axes, under matmul, einsum and their kin."""

from functools import lru_cache

import numpy as np

from funcgrad.core.primitive import Bad, Bilinear, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, promote, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.shape import convert, transpose

__all__ = ["dot"]


class Dot(Bilinear):
    """z[b..., i..., j...] = sum over k of x[b, i, k] y[b, j, k].

    `contract` and `batch` are pairs of tuples of axes, one for each side. The result has the batch
    axes, then the other axes of x, then the other axes of y.
    """

    name = "dot"

    def type_rule(self, x, y, *, contract, batch):
        (cx, cy), (bx, by) = contract, batch
        pairs = [*zip(cx, cy, strict=True), *zip(bx, by, strict=True)]
        if any(i >= x.ndim or j >= y.ndim or x.shape[i] != y.shape[j] for i, j in pairs):
            raise ShapeError(
                f"dot: expected equal sizes along the contracted axes {cx} and {cy}"
                f"{f' and the batch axes {bx} and {by}' if bx else ''}, got {x} and {y}."
            )
        free_x = [n for d, n in enumerate(x.shape) if d not in cx and d not in bx]
        free_y = [n for d, n in enumerate(y.shape) if d not in cy and d not in by]
        return ArrayType((*(x.shape[i] for i in bx), *free_x, *free_y), promote(x, y))

    def eval_rule(self, x, y, *, contract, batch):
        z = _plan(x.ndim, y.ndim, contract, batch)(x, y)
        return z

    def transpose_left(self, z_bar, x, y, *, contract, batch):
        x_bar = _pull_back(z_bar, shape_of(x), y, contract, batch)
        return _conform(x_bar, x)

    def transpose_right(self, z_bar, x, y, *, contract, batch):
        # dot(y, x) has the free axes of y before those of x.
        (cx, cy), (bx, by) = contract, batch
        n_batch, free_x = len(bx), len(shape_of(x)) - len(cx) - len(bx)
        free_y = len(shape_of(y)) - len(cy) - len(by)
        start = n_batch + free_x
        order = (*range(n_batch), *range(start, start + free_y), *range(n_batch, start))
        y_bar = _pull_back(_permuted(z_bar, order), shape_of(y), x, (cy, cx), (by, bx))
        return _conform(y_bar, y)

    def batch_rule(self, size, batched, x, y, *, contract, batch):
        (cx, cy), (bx, by) = contract, batch
        if all(batched):
            axes = [tuple(a + 1 for a in group) for group in (cx, cy, bx, by)]
            return dot(x, y, contract=(axes[0], axes[1]), batch=((0, *axes[2]), (0, *axes[3]))), True
        if batched[0]:
            cx, bx = tuple(a + 1 for a in cx), tuple(a + 1 for a in bx)
            z = dot(x, y, contract=(cx, cy), batch=(bx, by))
            position = len(bx)  # the example axis is the first free axis of x
        else:
            cy, by = tuple(a + 1 for a in cy), tuple(a + 1 for a in by)
            z = dot(x, y, contract=(cx, cy), batch=(bx, by))
            position = len(shape_of(x)) - len(cx)  # ... of y
        order = (position, *(d for d in range(len(shape_of(z))) if d != position))
        return _permuted(z, order), True

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
            Bad(
                (box((2, 3)), box((2, 4))),
                {"contract": ((1,), (0,)), "batch": ((), ())},
                r"expected equal sizes .* got float64\[2,3\] and float64\[2,4\]",
            ),
        ]


def _pull_back(z_bar, x_shape, y, contract, batch):
    """Return x_bar, for z = dot(x, y): z_bar contracted with y over the free axes of y."""
    (cx, cy), (bx, by) = contract, batch
    free_y = tuple(d for d in range(len(shape_of(y))) if d not in cy and d not in by)
    free_x = tuple(d for d in range(len(x_shape)) if d not in cx and d not in bx)
    n_batch = len(bx)
    z_free_y = tuple(range(n_batch + len(free_x), n_batch + len(free_x) + len(free_y)))
    x_bar = dot(z_bar, y, contract=(z_free_y, free_y), batch=(tuple(range(n_batch)), by))
    # Its axes: batch, free_x, then the contracted axes in the order they have in y.
    remaining_y = [d for d in range(len(shape_of(y))) if d in cy]
    order_now = (*bx, *free_x, *(cx[cy.index(d)] for d in remaining_y))
    return _permuted(x_bar, tuple(order_now.index(d) for d in range(len(order_now))))


def _permuted(x, order):
    return x if order == tuple(range(len(order))) else transpose(x, axes=order)


def _conform(x_bar, x):
    dtype = dtype_of(x)
    return x_bar if dtype_of(x_bar) == dtype else convert(x_bar, dtype=dtype)


@lru_cache(4096)
def _plan(x_ndim, y_ndim, contract, batch):
    """Return the NumPy function that evaluates a dot: np.dot or matmul where axes already fit."""
    (cx, cy), (bx, by) = contract, batch
    free_x = tuple(d for d in range(x_ndim) if d not in cx and d not in bx)
    free_y = tuple(d for d in range(y_ndim) if d not in cy and d not in by)
    if not bx and x_ndim == 2 == y_ndim and len(cx) == 1:
        if cx == (1,):
            return np.matmul if cy == (0,) else lambda x, y: np.matmul(x, y.T)
        if cy == (0,):
            return lambda x, y: np.matmul(x.T, y)
        return lambda x, y: np.matmul(x.T, y.T)
    if not bx and len(cx) == 1 and (x_ndim == 1 or y_ndim == 1) and x_ndim + y_ndim <= 3:
        if x_ndim == y_ndim == 1:
            return np.dot
        if y_ndim == 1:
            return np.matmul if cx == (1,) else lambda x, y: np.matmul(x.T, y)
        return np.matmul if cy == (0,) else lambda x, y: np.matmul(x, y.T)
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


dot = Dot()
