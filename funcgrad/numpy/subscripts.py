"""einsum: sums of products named by letters, carried out as pairwise products on the `dot` primitive."""

from functools import lru_cache
from typing import Any

import numpy as np

from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import as_array, astype, implements, no_out
from funcgrad.numpy.diagonals import diagonal_view
from funcgrad.primitives.broadcasting import reduce_sum, reshape
from funcgrad.primitives.contraction import dot
from funcgrad.primitives.shape import transpose

__all__ = ["einsum", "einsum_path"]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@implements(np.einsum)
def einsum(*operands: Any, out: None = None, dtype: Any = None, optimize: Any = False, **details: Any) -> Any:
    """Return the sum of products that the subscripts name, as `numpy.einsum("ij,jk->ik", x, y)`.

    Operands are multiplied two at a time, in the order `numpy.einsum_path` gives.

    Raises:
        ShapeError: when the subscripts do not fit the operands, or sizes of one letter differ.
    """
    no_out("einsum", out)
    terms, result, arrays = _parsed(operands)
    common = np.result_type(*map(dtype_of, arrays)) if dtype is None else np.dtype(dtype)
    sizes = _sizes(terms, arrays)
    if (
        dtype is not None or common.kind in "iu"
    ):  # sums of integers are wider, and two kinds of those make floats
        arrays = [astype(x, common) for x in arrays]
    pairs = [_simplified(x, term, sizes) for x, term in zip(arrays, terms, strict=True)]
    for step in _path(tuple(term for _, term in pairs), result, tuple(sizes.items())):
        chosen = [pairs[i] for i in step]
        pairs = [pair for i, pair in enumerate(pairs) if i not in step]
        while len(chosen) > 1:
            left, right = chosen.pop(0), chosen.pop(0)
            kept = set(result).union(*(term for _, term in pairs + chosen))
            chosen.insert(0, _multiplied(left, right, kept))
        pairs.append(chosen[0])
    ((x, term),) = pairs
    x, term = _summed(x, term, set(result))
    order = tuple(term.index(label) for label in result)
    return astype(x if order == tuple(range(len(order))) else transpose(x, axes=order), common)


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: bool = False) -> Any:
    """Return the order of products that NumPy finds best; only shapes matter."""
    plain = [
        np.broadcast_to(np.zeros((), x.dtype), x.shape) if hasattr(x, "array_type") else x for x in operands
    ]
    return np.einsum_path(*plain, optimize=optimize)


def _parsed(operands):
    """Return the labels of each operand, those of the result, and the operands."""
    if isinstance(operands[0], str):
        text = operands[0].replace(" ", "")
        arrays = [as_array(x) for x in operands[1:]]
        left, arrow, right = text.partition("->")
        terms = [_labels(term, text) for term in left.split(",")]
        result = _labels(right, text) if arrow else None
    else:
        items = list(operands)
        result = list(items.pop()) if len(items) % 2 else None
        arrays = [as_array(x) for x in items[::2]]
        terms = [list(labels) for labels in items[1::2]]
        text = " ".join(map(str, operands[1::2]))
    if len(terms) != len(arrays) or not arrays:
        raise ShapeError(f"einsum: expected an operand for each of {len(terms)} terms, got {len(arrays)}.")
    return _without_ellipsis(terms, result, arrays, text)


def _labels(term, text):
    """Split a term such as "i...j" into labels."""
    before, dots, after = term.partition("...")
    if not all(c in _LETTERS for c in before + after):
        raise ShapeError(f"einsum: expected letters, commas, ... and one ->, got {text!r}.")
    return [*before, *([Ellipsis] if dots else []), *after]


def _without_ellipsis(terms, result, arrays, text):
    """Name the axes under each ellipsis by negative numbers, counted from the right."""
    most = 0
    full = []
    for term, x in zip(terms, arrays, strict=True):
        extra = x.ndim - (len(term) - term.count(Ellipsis))
        if term.count(Ellipsis) > 1 or extra < 0 or (extra and Ellipsis not in term):
            raise ShapeError(f"einsum: expected a letter for each axis of {type_of(x)}, got {text!r}.")
        most = max(most, extra if Ellipsis in term else 0)
        full.append(_expanded(term, extra))
    if result is None:
        every = [label for term in full for label in term]
        once = sorted({label for label in every if every.count(label) == 1 and not _is_hidden(label)})
        result = [*range(-most, 0), *once]
    else:
        result = _expanded(result, most)
    strange = [label for label in result if not any(label in term for term in full)]
    if strange or len(set(result)) != len(result):
        raise ShapeError(f"einsum: expected each letter of the result once, and in an operand, got {text!r}.")
    return full, tuple(result), arrays


def _is_hidden(label):
    return isinstance(label, int) and label < 0


def _expanded(term, count):
    if Ellipsis not in term:
        return tuple(term)
    i = term.index(Ellipsis)
    return (*term[:i], *range(-count, 0), *term[i + 1 :])


def _sizes(terms, arrays):
    """Return the size of each label; sizes of 1 stretch from one operand to another, as in NumPy."""
    sizes: dict[Any, int] = {}
    for term, x in zip(terms, arrays, strict=True):
        if len(set(zip(term, x.shape, strict=True))) != len(set(term)):
            raise ShapeError(f"einsum: expected one size for each letter of an operand, got {type_of(x)}.")
        for label, n in zip(term, x.shape, strict=True):
            known = sizes.setdefault(label, n)
            if known == 1:
                sizes[label] = n
            elif n not in (1, known):
                raise ShapeError(
                    f"einsum: expected one size for {label!r}, got {' and '.join(str(type_of(y)) for y in arrays)}."
                )
    return sizes


def _simplified(x, term, sizes):
    """Return an operand with each label once: diagonals taken, and axes that stretch dropped."""
    narrow = [d for d, label in enumerate(term) if x.shape[d] == 1 and sizes[label] != 1]
    if narrow:
        x = reshape(x, shape=tuple([n for d, n in enumerate(x.shape) if d not in narrow]))
        term = tuple([label for d, label in enumerate(term) if d not in narrow])
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            i = term.index(label)
            j = term.index(label, i + 1)
            x = diagonal_view(x, 0, i, j)
            term = (*(t for d, t in enumerate(term) if d not in (i, j)), label)
    return x, term


@lru_cache(1024)
def _path(terms, result, sizes):
    """Return which operands to multiply, step by step."""
    if len(terms) == 1:
        return []
    if len(terms) == 2:
        return [(0, 1)]
    sizes = dict(sizes)
    letters = dict(zip(sizes, _LETTERS, strict=False))
    if len(letters) < len(sizes):
        return [(0, 1)] * (len(terms) - 1)
    text = ",".join("".join(letters[label] for label in term) for term in terms)
    text += "->" + "".join(letters[label] for label in result)
    dummies = [np.broadcast_to(0.0, [sizes[label] for label in term]) for term in terms]
    return np.einsum_path(text, *dummies, optimize="greedy")[0][1:]


def _summed(x, term, kept):
    """Sum over the labels that nothing else needs."""
    axes = tuple([d for d, label in enumerate(term) if label not in kept])
    if not axes:
        return x, term
    return reduce_sum(x, axes=axes, keepdims=False), tuple([label for label in term if label in kept])


def _multiplied(left, right, kept):
    """Return the product of two operands, summed over the labels they share and nothing else needs."""
    (x, s), (y, t) = _summed(*left, kept | set(right[1])), _summed(*right, kept | set(left[1]))
    shared = [label for label in s if label in t]
    batch = [label for label in shared if label in kept]
    contract = [label for label in shared if label not in kept]
    free = [*(label for label in s if label not in shared), *(label for label in t if label not in shared)]
    if not contract:
        labels = (*batch, *free)
        return _aligned(x, s, labels) * _aligned(y, t, labels), labels

    def axes(term, labels):
        return tuple([term.index(label) for label in labels])

    product = dot(
        x,
        y,
        contract=(axes(s, contract), axes(t, contract)),
        batch=(axes(s, batch), axes(t, batch)),
    )
    return product, (*batch, *free)


def _aligned(x, term, labels):
    """Return `x` with its axes in the order of `labels`, with size 1 where it has none."""
    order = tuple([term.index(label) for label in labels if label in term])
    x = x if order == tuple(range(len(order))) else transpose(x, axes=order)
    sizes = iter(shape_of(x))
    return reshape(x, shape=tuple([next(sizes) if label in term else 1 for label in labels]))
