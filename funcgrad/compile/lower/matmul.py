"""Products of arrays: loops where those win, BLAS where it does."""

from typing import Any

import numpy as np

from funcgrad.compile.loopir.index import Counter, Index, flatten_index
from funcgrad.compile.loopir.statement import MatrixProduct
from funcgrad.compile.lower.builder import Builder
from funcgrad.compile.lower.thin import kept_thin, settles
from funcgrad.compile.lower.value import Value
from funcgrad.core.types import ArrayType

__all__ = ["lower_product"]

# A product of fewer multiplications is written as loops: calling BLAS costs about as much.
BLAS_MULTIPLICATIONS = 600


def lower_product(
    lower: Builder, out: ArrayType, x: Value, y: Value, contract: Any, batch: Any, *, zero_wins: bool = False
) -> Value:
    """Return z[b..., i..., j...] = sum over k of x[b, i, k] y[b, j, k].

    Args:
        zero_wins: zero times infinity may be zero.
    """
    axes = _Axes(x, y, contract, batch)
    if zero_wins and (settles(lower, x, axes.contract_x) or settles(lower, y, axes.contract_y)):
        return _by_loops(lower, out, x, y, axes, zero_wins=True)
    by_blas = out.dtype.char in "fd" and axes.rows > 1 and axes.columns > 1 and axes.inner > 1
    if by_blas and axes.rows * axes.columns * axes.inner > BLAS_MULTIPLICATIONS:
        return _by_blas(lower, out, x, y, axes)
    return _by_loops(lower, out, x, y, axes)


class _Axes:
    """The axes of both sides by their part in the product, and how many elements each part has."""

    def __init__(self, x, y, contract, batch):
        self.contract_x, self.contract_y = contract
        self.batch_x, self.batch_y = batch
        self.free_x = [d for d in range(x.ndim) if d not in self.contract_x and d not in self.batch_x]
        self.free_y = [d for d in range(y.ndim) if d not in self.contract_y and d not in self.batch_y]
        self.rows = int(np.prod([x.shape[d] for d in self.free_x]))
        self.columns = int(np.prod([y.shape[d] for d in self.free_y]))
        self.inner = int(np.prod([x.shape[d] for d in self.contract_x]))


def _by_loops(lower, out, x, y, axes, *, zero_wins=False):
    shape = (*out.shape, *(x.shape[d] for d in axes.contract_x))
    n_batch, n_rows = len(axes.batch_x), len(axes.free_x)

    def at(index):
        lead, inner = index[: out.ndim], index[out.ndim :]
        i, j = [0] * x.ndim, [0] * y.ndim
        for k, (d, e) in enumerate(zip(axes.batch_x, axes.batch_y, strict=True)):
            i[d] = j[e] = lead[k]
        for k, d in enumerate(axes.free_x):
            i[d] = lead[n_batch + k]
        for k, d in enumerate(axes.free_y):
            j[d] = lead[n_batch + n_rows + k]
        for k, (d, e) in enumerate(zip(axes.contract_x, axes.contract_y, strict=True)):
            i[d] = j[e] = inner[k]
        left, right = lower.cast(x.at(tuple(i)), out.dtype), lower.cast(y.at(tuple(j)), out.dtype)
        term = lower.op("multiply", out.dtype, left, right)
        return kept_thin(lower.expressions, term, zero_wins=zero_wins)

    terms = lower.map(ArrayType(shape, out.dtype), at)
    if out.dtype.kind == "b":
        return lower.reduce("logical_or", out, terms, range(out.ndim, len(shape)), keepdims=False)
    return lower.reduce("add", out, terms, range(out.ndim, len(shape)), keepdims=False)


def _by_blas(lower, out, x, y, axes):
    rows, columns, inner = Counter(axes.rows), Counter(axes.columns), Counter(axes.inner)
    sizes = out.shape[: len(axes.batch_x)]
    loops = lower.loops(sizes)
    index = tuple(map(Index.of, loops))
    left = _matrix(lower, x, out.dtype, index, axes.batch_x, axes.free_x, axes.contract_x, rows, inner)
    right = _matrix(lower, y, out.dtype, index, axes.batch_y, axes.contract_y, axes.free_y, inner, columns)
    buffer = lower.result(out)
    offset = flatten_index(index, sizes) * (axes.rows * axes.columns)
    target = (buffer, offset, axes.columns, 1)
    lower.call(loops, MatrixProduct(left, right, target, rows, columns, inner))
    return lower.stored(buffer, out)


def _matrix(lower, x, dtype, index, batch, rows, columns, row, column):
    """Return `x` as BLAS takes a matrix at a point of the batch: as it lies in memory where it can."""
    # (What is in memory is read there, though its elements may be told otherwise, as those of basis vectors are.)
    x = lower.converted(x if x.buffer is None else lower.stored(x.buffer, x.type), dtype)
    found = _strided(x, index, batch, rows, columns, row, column)
    if (
        found is None
        and _strided(lower.as_if_stored(x), index, batch, rows, columns, row, column) is not None
    ):
        # In the order of its own axes, so that another product finds it there too.
        found = _strided(lower.keep(x), index, batch, rows, columns, row, column)
    if found is None:
        order = (*batch, *rows, *columns)
        shape = tuple(x.shape[d] for d in order)
        source = x

        def at(i):
            place = [0] * x.ndim
            for position, d in zip(i, order, strict=True):
                place[d] = position
            return source.at(tuple(place))

        x = lower.store(lower.map(ArrayType(shape, dtype), at))
        n, m = len(batch), len(rows)
        found = _strided(x, index, range(n), range(n, n + m), range(n + m, len(shape)), row, column)
    assert found is not None
    return found


def _strided(x, index, batch, rows, columns, row, column) -> Any:
    """Return (buffer, offset, row step, column step) if the element at (row, column) is such a load."""
    place: list[Any] = [0] * x.ndim
    for d, i in zip(batch, index, strict=True):
        place[d] = i
    for group, loop in ((rows, row), (columns, column)):
        rest = Index.of(loop)
        for position, d in enumerate(reversed(group)):
            last = position == len(group) - 1
            place[d] = rest if last else rest % x.shape[d]
            rest = rest // x.shape[d]
    element = x.at(tuple(place))
    if element.op != "load":
        return None
    buffer, offset = element.detail
    if not offset.is_affine():
        return None
    steps = offset.coefficient(row), offset.coefficient(column)
    other, unit = max(steps), min(steps)
    extent = row.extent if steps[0] == unit else column.extent
    if unit != 1 or other < extent:
        return None
    return (buffer, offset.without(row).without(column), *steps)
