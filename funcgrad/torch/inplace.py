"""Writing to tensors: PyTorch's rules for it, and the history of what was written to through a view."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.extend import Tracer, concrete, is_concrete
from funcgrad.torch.dtypes import RANK
from funcgrad.torch.messages import broadcast_error
from funcgrad.torch.modes import MODE
from funcgrad.torch.node import Node
from funcgrad.torch.operation import Operation, apply, replay
from funcgrad.torch.tensors import Tensor, needs_history, wrap

__all__ = ["CopySlices", "copy_into", "in_place", "is_recorded", "write"]

_VIEW_OF_NO_GRAD = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use "
    "case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
    "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside "
    "(if you want the inplace to be tracked)."
)
_ONE_OF_SEVERAL = (
    "Output {index} of {name} is a view and is being modified inplace. This view is the output of a function that "
    "returns multiple views. Such functions do not allow the output views to be modified inplace. You should "
    "replace the inplace operation by an out-of-place one."
)

_INFERENCE = (
    "Inplace update to inference tensor outside InferenceMode is not allowed."
    "You can make a clone to get a normal tensor before doing inplace update."
    "See https://github.com/pytorch/rfcs/pull/17 for more details."
)

_TRACED = (
    "In a function that torch.func or torch.compile transforms, an in-place operation would write what depends on the "
    "function's arguments to a tensor that does not, such as a running mean that is no argument. Pass that tensor as an "
    "argument (buffers by functional_call, or torch.functional(module, buffers=True)), or build the result out of place."
)
_APART = (
    "In a function that torch.func or torch.compile transforms, detach(), .data and views in no_grad are copies: writing "
    "to one would not be seen by the tensor it was taken of. Write to that tensor, or clone() first."
)


def in_place(x: Tensor, function: Callable, *args: Any, **kwargs: Any) -> Tensor:
    """Give `x` the value of `function(x, ...)`, in its own memory, and the history that goes with it.

    A function that has a `ufunc` (see `computed_by`) needs no memory for the result where nothing is recorded.

    Raises:
        RuntimeError: where PyTorch forbids it: for a leaf that requires gradients, or a view of one; for
            a result of another kind of dtype or shape.
    """
    recorded = is_recorded(x, *args, *kwargs.values())
    if not recorded and not kwargs and _computed_in(x, getattr(function, "ufunc", None), args):
        return x
    if recorded:
        _check_may_be_written(x)
        old = wrap(x._array.copy() if type(x._array) is np.ndarray else x._array)  # the record keeps it
        edge = x._edge()
        if edge is not None:
            old._node, old._index = edge
        result = function(old, *args, **kwargs)
    else:
        result = function(x, *args, **kwargs)
    _check_fits(x, result)
    write(x, result._array, result._node)
    if recorded:
        _rewrite_history(x, result)
    return x


def is_recorded(x: Tensor, *others: Any) -> bool:
    """Whether writing to `x` is to be recorded: a view made without a history counts by its base."""
    return needs_history(x, *others, x._base if x._view_kind == "no_grad" else None)


def write(x: Tensor, value: Any, writer: Node | None = None) -> None:
    """Overwrite the elements of `x`; no history, but the write is counted."""
    _check_memory(x)
    array = x._array
    if type(array) is not np.ndarray:  # traced: functional underneath
        array[...] = value
    elif type(value) is Tracer:
        np.copyto(array, _constant_value(value), casting="unsafe")
    else:
        np.copyto(array, value, casting="unsafe")
    _count_write(x, writer)


def _constant_value(value):
    """Return the numbers of a traced value that is a constant to derivatives, and known: a batch's mean, in no_grad."""
    if MODE.grad or not is_concrete(value):
        raise RuntimeError(_TRACED)
    return concrete(value)


def _computed_in(x, ufunc, args):
    """Let NumPy write its result straight to `x`, where that is of the dtype and shape of `x`; return whether it did."""
    array = x._array
    if (
        ufunc is None
        or type(array) is not np.ndarray
        or array.dtype.kind != "f"
        or ufunc.nin != 1 + len(args)
    ):
        return False
    operands = []
    for y in args:
        if isinstance(y, Tensor):
            y = y._array
            if type(y) is not np.ndarray or y.dtype != array.dtype or (y.ndim and y.shape != array.shape):
                return False
        elif type(y) not in (int, float):
            return False
        operands.append(y)
    _check_memory(x)
    with np.errstate(all="ignore"):
        ufunc(array, *operands, out=array)
    _count_write(x, None)
    return True


def _check_memory(x):
    if x._inference and not MODE.inference:
        raise RuntimeError(_INFERENCE)
    if x._apart:
        raise RuntimeError(_APART)
    array = x._array
    if type(array) is np.ndarray and (
        not array.flags.writeable or (array.size > 1 and 0 in array.strides and _overlaps(array))
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


def _count_write(x, writer):
    x._counter[0] += 1
    x._counter[1] = writer.label if writer is not None else ""


def _overlaps(array):
    return any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))


def _check_may_be_written(x):
    if x._base is None:
        if x._leaf_grad:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        return
    if x._base._leaf_grad:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation."
        )
    if x._view_kind == "no_grad":
        raise RuntimeError(_VIEW_OF_NO_GRAD)
    if x._view_kind == "several":
        op, _, index = x._path[-1]
        raise RuntimeError(_ONE_OF_SEVERAL.format(index=index, name=op.label.removesuffix("Backward0")))


def _check_fits(x, result):
    own, given = x._array, result._array
    if RANK[given.dtype.kind] > RANK[own.dtype.kind]:
        raise RuntimeError(
            f"result type {result.dtype.scalar} can't be cast to the desired output type {x.dtype.scalar}"
        )
    if given.shape != own.shape:
        raise RuntimeError(
            f"output with shape {list(own.shape)} doesn't match the broadcast shape {list(given.shape)}"
        )


def _rewrite_history(x, result):
    """Let gradients of `x` flow through the node of `result`, whose value it now has."""
    node, index = result._node, result._index
    if x._base is None:
        x._node, x._index, x._leaf_grad = node, index, False
        x._rewrites += 1
        return
    base = x._base
    base._node = CopySlices(base._edge(), x._path, node)
    base._index = 0
    base._rewrites += 1


class CopySlices(Node):
    """The history of a tensor part of which was overwritten: gradients of that part take the node's way."""

    label = "CopySlices"

    def __init__(self, base_edge: tuple | None, path: tuple, node: Node | None):
        inner = node.edges if node is not None else [None]
        super().__init__([base_edge, *inner[1:]])
        self.path = path
        self.node = node

    def pull(self, y_bars, wanted):
        y_bar = y_bars[0].copy()
        part = replay(self.path, y_bar)
        inner = [None] if self.node is None else self.node.pull([part.copy()], wanted)
        part[...] = 0 if inner[0] is None else inner[0]
        return [y_bar, *inner[1:]]

    def pull_tensors(self, y_bars, wanted):
        y_bar = y_bars[0].clone()
        part = y_bar
        for op, params, index in self.path:
            part = apply(op, (part,), params)
            part = part[index] if isinstance(part, tuple) else part
        inner = [None] if self.node is None else self.node.pull_tensors([part.clone()], wanted)
        with_zero = part * 0 if inner[0] is None else inner[0]
        copy_into(part, with_zero)
        return [y_bar, *inner[1:]]

    def release(self):
        if self.node is not None:
            self.node.release()


def _follow(x: Tensor, base: Tensor) -> None:
    """Give a view the history its base has now."""
    x._seen = base._rewrites
    edge = base._edge()
    if edge is None:
        x._node = None
        return
    root = wrap(base._array)
    root._counter = base._counter
    root._node, root._index = edge
    grad = MODE.grad
    MODE.grad = True
    try:
        fresh = apply(Operation("AsStridedBackward0", lambda a: replay(x._path, a), view=True), (root,))
    finally:
        MODE.grad = grad
    x._node, x._index = fresh._node, fresh._index


Tensor._follow = _follow  # type: ignore[assignment, method-assign]


def _copied(x, source):
    from_source = source if source.dtype == x.dtype else source.astype(x.dtype)
    return np.broadcast_to(from_source, x.shape)


_COPY = Operation("CopyBackwards", _copied)


def copy_into(x: Tensor, source: Any) -> Tensor:
    """Overwrite `x` with `source`, broadcast and converted.

    Raises:
        RuntimeError: when the shapes do not fit.
    """
    if not isinstance(source, Tensor):
        source = wrap(np.asarray(source, x._array.dtype))
    a, b = tuple(x._array.shape), tuple(source._array.shape)
    if len(b) > len(a):
        raise RuntimeError(
            f"expand(torch.{source.dtype.scalar}Tensor{{{list(b)}}}, size={list(a)}): the number of sizes provided "
            f"({len(a)}) must be greater or equal to the number of dimensions in the tensor ({len(b)})"
        )
    for axis, (n, m) in enumerate(zip(a[len(a) - len(b) :], b, strict=True), len(a) - len(b)):
        if m not in (1, n):
            raise broadcast_error(a, b) or RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({m}) at non-singleton "
                f"dimension {axis}.  Target sizes: {list(a)}.  Tensor sizes: {list(b)}"
            )
    if not is_recorded(x, source):
        write(x, source._array)
        return x
    return in_place(x, lambda old, new: apply(_COPY, (old, new)), source)
