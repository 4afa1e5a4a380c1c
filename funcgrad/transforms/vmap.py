"""Batching: vmap, and the collectives over its named axes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.interpret import owned
from funcgrad.core.randomness import Watch
from funcgrad.core.staging import argument_names, call_path, check_outputs, leaf_type
from funcgrad.core.tables import with_tables
from funcgrad.core.types import shape_of
from funcgrad.errors import ShapeError
from funcgrad.transforms.arguments import owner_of, presented
from funcgrad.transforms.batch import Batch
from funcgrad.transforms.collective import bound_axis

__all__ = ["vmap"]


def vmap(
    function: Callable,
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_name: Any = None,
    axis_size: int | None = None,
) -> Callable:
    """Return a function that applies `function` to every example at once.

        vmap(f)(xs)[i] = f(xs[i])

    Args:
        function: takes and returns arrays in any containers; written for one example.
        in_axes: the axis of the examples: an int for every argument, or a tuple with one entry an
            argument, each an int, None (the same for all examples) or a container of these.
            Keyword arguments have their examples along axis 0.
        out_axes: where to put the examples' axis in the result: an int, None (the result must not
            depend on the example), or a container of these.
        axis_name: a name that `fg.psum`, `fg.pmean`, `fg.pmax` and `fg.axis_index` may use inside.
        axis_size: the number of examples; needed when no argument has an axis of them.

    Returns:
        a function of the batched arguments. Its results are no part of them, so that they can be written to.

    Raises:
        ShapeError: when in_axes do not match the arguments, or sizes differ (both are named).

    Inside, a batched array has no single value: Python decisions on it raise ConcretizationError.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.vmap(np.dot, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    owner = owner_of("vmap", function)

    def batched(*args: Any, **kwargs: Any) -> Any:
        return with_tables(partial(run, args, kwargs), function)

    def run(args, kwargs, function):
        leaves, in_tree = tree.flatten((args, kwargs))
        axes = _in_axes(owner, in_axes, args, kwargs, in_tree)

        def path(i):
            return call_path(in_tree.paths()[i], argument_names(function, args, kwargs))

        values, size = _examples(owner, leaves, axes, axis_size, path)
        with Batch(owner, size, axis_name) as batch, bound_axis(axis_name, size, batch.index()):
            tracers = [
                batch.input(x, axis is not None) if axis is not None or _is_floating(x) else x
                for x, axis in zip(values, axes, strict=True)
            ]
            call_args, call_kwargs = tree.unflatten(in_tree, tracers)
            with Watch(owner, function, "for all examples"):
                result = function(*call_args, **call_kwargs)
            out, out_tree = tree.flatten(result)
            check_outputs(out, out_tree, owner)
            released = [batch.release(x) for x in out]
        where = tree.broadcast_prefix(out_axes, out_tree, f"{owner}: out_axes")
        placed = [
            _placed(owner, x, has_axis, axis, size)
            for (x, has_axis), axis in zip(released, where, strict=True)
        ]
        return tree.unflatten(out_tree, owned(placed, leaves))

    return presented(batched, "vmap", function)


def _is_floating(x):
    # An array of indices that is the same for every example is of more use plain.
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def _in_axes(owner, in_axes, args, kwargs, in_tree):
    args_tree, kwargs_tree = in_tree.children
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise ShapeError(
                f"{owner}: expected in_axes with one entry for each of {len(args)} positional arguments, "
                f"got {len(in_axes)}: {in_axes}."
            )
        in_axes = tuple(in_axes)
    axes = tree.broadcast_prefix(in_axes, args_tree, f"{owner}: in_axes")
    axes += [0] * kwargs_tree.size
    for axis in axes:
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, (int, np.integer))):
            raise ShapeError(f"{owner}: expected in_axes of ints and None, got {axis!r}.")
    return axes


def _examples(owner, leaves, axes, axis_size, path):
    """Return the leaves with the examples along axis 0, and their number."""
    size, first = axis_size, "axis_size"
    values = []
    for i, (x, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is None:
            values.append(x)
            continue
        kind = leaf_type(x, owner, partial(path, i))
        if not -kind.ndim <= axis < kind.ndim:
            raise ShapeError(
                f"{owner}: expected an argument with axis {axis} to batch over, got {path(i)}: {kind}.",
                hint="give in_axes None for an argument that is the same for every example.",
            )
        n = kind.shape[axis]
        if size is None:
            size, first = n, path(i)
        elif n != size:
            raise ShapeError(
                f"{owner}: expected one number of examples, "
                f"got {size} along {first} and {n} along axis {axis} of {path(i)}: {kind}.",
                hint="give in_axes None for an argument that is the same for every example.",
            )
        if axis % kind.ndim == 0:
            values.append(x)
        else:
            values.append(np.moveaxis(x, axis, 0))
    if size is None:
        raise ShapeError(
            f"{owner}: expected at least one argument to batch over, got in_axes of None only.",
            hint="pass axis_size.",
        )
    return values, size


def _placed(owner, x, has_axis, axis, size):
    if axis is None:
        if has_axis:
            raise ShapeError(
                f"{owner}: expected a result that is the same for every example where out_axes is None, "
                f"got a batched one of shape {shape_of(x)[1:]}."
            )
        return x
    if not has_axis:
        x = np.broadcast_to(x, (size, *shape_of(x)))
        x = x.copy()
    ndim = len(shape_of(x))
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{owner}: expected out_axes within {ndim} axes, got {axis}.")
    return x if axis % ndim == 0 else np.moveaxis(x, 0, axis)
