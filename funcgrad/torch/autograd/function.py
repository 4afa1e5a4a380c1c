"""Functions with a backward of the user's own: torch.autograd.Function."""

import functools
from typing import Any

import numpy as np

from funcgrad.torch.autograd.traced import given_backward
from funcgrad.torch.modes import MODE
from funcgrad.torch.node import Node, node_class
from funcgrad.torch.records import SECOND_TIME
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What `forward` passes on to `backward`; attributes can be set on it freely.

    Attributes:
        needs_input_grad: for each argument of `forward`, whether its gradient is wanted.
        saved_tensors: the tensors given to `save_for_backward`.
    """

    needs_input_grad: tuple[bool, ...] = ()
    _saved: tuple | None = ()
    _dirty: tuple = ()
    _constant: tuple = ()
    _materialize = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep arguments and results of `forward` for `backward`, which is told when they were overwritten."""
        self._saved = tuple((x, None if x is None else x._counter[0]) for x in tensors)

    @property
    def saved_tensors(self) -> tuple:
        if self._saved is None:
            raise RuntimeError(SECOND_TIME)
        for x, version in self._saved:
            if x is not None and x._counter[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"[torch.{x.dtype.scalar}Tensor {list(x.shape)}] is at version {x._counter[0]}; expected version "
                    f"{version} instead. Hint: enable anomaly detection to find the operation that failed to compute its "
                    "gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
                )
        return tuple(x for x, _ in self._saved)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that `forward` has written to these arguments."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that no gradient flows through these results."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether `backward` is given zeros for a result that got no gradient, or None."""
        self._materialize = value


class Function:
    """A function with a backward of its own. Subclass it, write both, and call `apply`.

    >>> from funcgrad import torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3 * x**2
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad.item()
    12.0
    """

    def __init__(self, *args: Any, **kwargs: Any):
        raise RuntimeError(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            "them on the class itself. Instantiating an autograd function will raise an error in a future version of "
            "PyTorch."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; `ctx` comes first, unless `setup_context` is written."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> Any:
        """Save what `backward` needs, where `forward` takes no `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradient of each argument of `forward` (None where there is none)."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call the function, and record it."""
        edges = [x._edge() if MODE.grad and isinstance(x, Tensor) else None for x in args]
        tracked = any(edge is not None for edge in edges)
        traced = any(isinstance(x, Tensor) and type(x._array) is not np.ndarray for x in args)
        wanted = _wants(args) if traced else [edge is not None for edge in edges]
        before = MODE.grad
        MODE.grad = before and traced  # what is saved may be differentiated again
        try:
            ctx, out = _run(cls, args, wanted)
        finally:
            MODE.grad = before
        if traced:
            return given_backward(cls, ctx, args, out) if before else out
        if not tracked:
            return out
        several = isinstance(out, tuple)
        node = node_class(FunctionNode, f"{cls.__name__}Backward")(edges, cls, ctx, args)
        results = tuple(_result(cls, ctx, node, args, y, n) for n, y in enumerate(out if several else (out,)))
        return results if several else results[0]


def _run(cls, args, wanted):
    """Run `forward`; return what it leaves for `backward`, and what it gives."""
    ctx = FunctionCtx()
    ctx.needs_input_grad = tuple(wanted)
    if cls.setup_context is Function.setup_context:
        return ctx, cls.forward(ctx, *args)
    out = cls.forward(*args)
    cls.setup_context(ctx, args, out)
    return ctx, out


def _wants(args):
    """Return which of traced arguments may have a gradient: of each that holds numbers it is asked."""
    return [isinstance(x, Tensor) and x._array.dtype.kind in "fc" for x in args]


def _result(cls, ctx, node, args, y, index):
    """Return a result of `forward` as a result of the node."""
    node.outputs.append(None)
    if not isinstance(y, Tensor):
        return y
    dirty = any(y is x for x in ctx._dirty)
    if dirty and y._leaf_grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if any(y is x for x in ctx._constant) or y._array.dtype.kind not in "fc":
        return y
    if not dirty and (any(y is x for x in args) or y._base is not None):
        saved = y
        y = wrap(y._array)
        y._counter = saved._counter
    y._node, y._index, y._leaf_grad = node, index, False
    node.outputs[index] = (y._array.shape, y._array.dtype)
    return y


class FunctionNode(Node):
    """The node of a custom function; `ctx` is what its forward left."""

    def __init__(self, edges, function, ctx, args):
        super().__init__(edges)
        self.function = function
        self.ctx = ctx
        self.shapes = [x._array.shape if isinstance(x, Tensor) else None for x in args]
        self.outputs: list[Any] = []

    def pull(self, y_bars, wanted):
        given = [None if y is None else wrap(np.asarray(y)) for y in y_bars]
        return [None if x is None else x._array for x in self.pull_tensors(given, wanted)]

    def pull_tensors(self, y_bars, wanted):
        y_bars = [*y_bars, *[None] * (len(self.outputs) - len(y_bars))]
        if self.ctx._materialize:
            y_bars = [
                wrap(np.zeros(*out)) if y is None and out is not None else y
                for y, out in zip(y_bars, self.outputs, strict=True)
            ]
        x_bars = self.function.backward(self.ctx, *y_bars)
        x_bars = list(x_bars) if isinstance(x_bars, tuple) else [x_bars]
        while len(x_bars) > len(self.edges) and x_bars[-1] is None:
            x_bars.pop()
        if len(x_bars) != len(self.edges):
            raise RuntimeError(
                f"function {self.label} returned an incorrect number of gradients (expected {len(self.edges)}, got "
                f"{len(x_bars)})"
            )
        for n, (x_bar, shape, edge) in enumerate(zip(x_bars, self.shapes, self.edges, strict=True)):
            if x_bar is not None and edge is not None and x_bar._array.shape != shape:
                raise RuntimeError(
                    f"Function {self.label} returned an invalid gradient at index {n} - got {list(x_bar.shape)} but expected "
                    f"shape compatible with {list(shape)}"
                )
        return x_bars

    def release(self):
        if self.ctx._saved:
            self.ctx._saved = None


def once_differentiable(backward: Any) -> Any:
    """Decorate a `backward` that cannot itself be differentiated."""

    @functools.wraps(backward)
    def plain(ctx, *y_bars):
        before = MODE.grad
        MODE.grad = False
        try:
            return backward(ctx, *y_bars)
        finally:
            MODE.grad = before

    return plain
