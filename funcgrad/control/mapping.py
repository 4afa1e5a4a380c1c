"""map and associative_scan."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import leaves_of
from funcgrad.control.scanning import scan
from funcgrad.core.interpret import owned
from funcgrad.core.staging import name_of
from funcgrad.core.types import shape_of
from funcgrad.errors import ShapeError, TreeError
from funcgrad.numpy.joining import concatenate

__all__ = ["associative_scan", "map"]


def map(f: Callable, xs: Any) -> Any:
    """Return `f` of each slice of `xs` along axis 0, stacked: one after the other, where `vmap` does all at once.

    Args:
        f: a function of a slice.
        xs: arrays of one length along axis 0, in any containers.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.control.map(lambda x: x**2, np.array([1.0, 2.0]))
    array([1., 4.])
    """
    return scan(lambda carry, x: (carry, f(x)), None, xs)[1]


def associative_scan(fn: Callable, elems: Any, *, reverse: bool = False, axis: int = 0) -> Any:
    """Return the running combinations of the elements along an axis, by an associative function.

        y[0] = x[0],  y[i] = fn(y[i - 1], x[i])

    computed in about 2 log2(n) calls of `fn` on many elements at a time, where `scan` needs n calls.

    Args:
        fn: takes two containers like `elems`, with any length along the axis, and combines them element by element;
            `fn(fn(a, b), c)` must equal `fn(a, fn(b, c))`.
        elems: arrays of one length along the axis, in any containers.
        reverse: begin at the end.

    Raises:
        ShapeError: when lengths differ; TreeError when `fn` returns another container.

    Reference: Blelloch, Prefix sums and their applications (1990).

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.associative_scan(np.multiply, np.array([1.0, 2.0, 3.0, 4.0]))
    array([ 1.,  2.,  6., 24.])
    """
    owner = f"associative_scan of {name_of(fn)}"
    leaves, types, treedef = leaves_of(elems, owner, "elems")
    lengths = {t.shape[axis] if -t.ndim <= axis < t.ndim else None for t in types}
    if len(lengths) != 1 or None in lengths:
        raise ShapeError(
            f"{owner}: expected elems of one length along axis {axis}, got {', '.join(f'{t}' for t in types)}."
        )

    def part(x, start, stop=None, step=1):
        return x[(slice(None),) * (axis % len(shape_of(x))) + (slice(start, stop, step),)]

    def combined(a, b):
        a, b = (b, a) if reverse else (a, b)  # from the end, what comes first stands behind
        out, out_tree = tree.flatten(fn(tree.unflatten(treedef, a), tree.unflatten(treedef, b)))
        if out_tree != treedef:
            raise TreeError(f"{owner}: expected a function that returns {treedef}, got {out_tree}.")
        return out

    def interleaved(even, odd, n):
        place = axis % len(shape_of(even))
        both = np.stack([part(even, 0, n // 2), odd], axis=place + 1)
        shape = shape_of(both)
        flat = both.reshape((*shape[:place], shape[place] * 2, *shape[place + 2 :]))
        return flat if n % 2 == 0 else concatenate([flat, part(even, n // 2)], axis=place)

    def running(xs, n):
        if n < 2:
            return xs
        pairs = combined([part(x, 0, n - n % 2, 2) for x in xs], [part(x, 1, None, 2) for x in xs])
        odd = running(pairs, n // 2)
        later = (n - 1) // 2
        first = [part(x, 0, 1) for x in xs]
        if later:
            rest = combined([part(y, 0, later) for y in odd], [part(x, 2, None, 2) for x in xs])
            even = [concatenate([a, b], axis=axis) for a, b in zip(first, rest, strict=True)]
        else:
            even = first
        return [interleaved(e, o, n) for e, o in zip(even, odd, strict=True)]

    if not reverse:
        return tree.unflatten(treedef, owned(running(leaves, lengths.pop()), leaves))
    ys = running([np.flip(x, axis) for x in leaves], lengths.pop())
    return tree.unflatten(treedef, owned([np.flip(y, axis) for y in ys], leaves))
