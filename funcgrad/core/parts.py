"""Complex arrays as two real ones: how compiled programs have them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from funcgrad.core.types import ArrayType, dtype_of, shape_of

__all__ = [
    "Parts",
    "by_parts",
    "flat_parts",
    "grouped",
    "is_pair",
    "part_dtype",
    "part_types",
    "parts_of",
    "width",
]


class Parts(NamedTuple):
    """A complex array as two real ones of one shape.

    Attributes:
        is_real: it stands for real numbers: the imaginary part is zero.
    """

    re: Any
    im: Any
    is_real: bool = False


def parts_of(x: Any) -> Parts:
    """Return the parts of an argument that NumPy would convert to complex numbers."""
    if isinstance(x, Parts):
        return x
    if type(x) in (int, float):
        return Parts(x, type(x)(0), True)
    dtype, shape = dtype_of(x), shape_of(x)
    if dtype.kind == "b":  # has no arithmetic of its own
        x, dtype = np.add(x, np.int8(0)), np.dtype(np.int8)
    return Parts(x, np.broadcast_to(dtype.type(0), shape) if shape else dtype.type(0), True)


def by_parts(function: Any, args: Sequence[Any], linear: Iterable[int]) -> Parts:
    """Return the result of a function that does to both parts of some of its arguments what it does to an array."""
    split = {i: parts_of(args[i]) for i in linear}
    re = function(*[split[i].re if i in split else x for i, x in enumerate(args)])
    if all(x.is_real for x in split.values()):
        return parts_of(re)
    return Parts(re, function(*[split[i].im if i in split else x for i, x in enumerate(args)]))


def is_pair(dtype: np.dtype) -> bool:
    """Whether numbers of a dtype are computed with as two: complex ones of 32 or 64 bits a part."""
    return dtype.char in "FD"


def part_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the parts of complex numbers."""
    return np.dtype(dtype.char.lower())


def part_types(types: Iterable[ArrayType]) -> Iterator[ArrayType]:
    """Yield the types of what `flat_parts` makes of values of these types."""
    for t in types:
        if is_pair(t.dtype):
            part = ArrayType(t.shape, part_dtype(t.dtype), weak=t.weak)
            yield part
            yield part
        else:
            yield t


def width(xs: Iterable[Any]) -> int:
    """Return how many arrays there are, complex ones as two."""
    return sum(2 if isinstance(x, Parts) else 1 for x in xs)


def flat_parts(xs: Iterable[Any]) -> list[Any]:
    """Return arrays, with the two parts of a complex one in its place."""
    return [y for x in xs for y in (x[:2] if isinstance(x, Parts) else (x,))]


def grouped(xs: Iterable[Any], types: Iterable[ArrayType]) -> list[Any]:
    """Return arrays of these types from what `flat_parts` makes of them."""
    rest = iter(xs)
    return [Parts(next(rest), next(rest)) if is_pair(t.dtype) else next(rest) for t in types]
