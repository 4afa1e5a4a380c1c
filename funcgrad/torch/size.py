"""torch.Size: a shape that prints and adds as PyTorch's does."""

import math

__all__ = ["Size", "axes_of", "axis_of", "shape_of_arguments"]


class Size(tuple):
    """The shape of a tensor: a tuple with `numel`.

    >>> Size([2, 3])
    torch.Size([2, 3])
    """

    __slots__ = ()

    def numel(self) -> int:
        """Return the number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, key):
        part = tuple.__getitem__(self, key)
        return Size(part) if isinstance(key, slice) else part

    def __add__(self, other):
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self))

    def __mul__(self, n):
        return Size(tuple.__mul__(self, n))

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"


def shape_of_arguments(sizes: tuple) -> tuple[int, ...]:
    """Return the shape given as `f(2, 3)`, `f((2, 3))` or `f([2, 3])`."""
    if len(sizes) == 1 and not isinstance(sizes[0], int) and hasattr(sizes[0], "__iter__"):
        sizes = tuple(sizes[0])
    return tuple(int(n) for n in sizes)


def axis_of(dim: int, ndim: int) -> int:
    """Return `dim` counted from the front.

    Raises:
        IndexError: in PyTorch's words, when it is out of range.
    """
    bound = max(ndim, 1)
    if not -bound <= dim < bound:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {dim})"
        )
    return dim % bound


def axes_of(dim, ndim: int) -> tuple[int, ...]:
    """Return the axes meant by `dim`, an integer or a sequence of them; none stands for all."""
    if dim is None:
        return tuple(range(ndim))
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    if not axes:
        return tuple(range(ndim))
    found = tuple(axis_of(d, ndim) for d in axes)
    for d in found:
        if found.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found
