"""Nodes of the graph: what knows how cotangents flow back through one operation."""

import itertools
from collections import OrderedDict
from typing import Any

from funcgrad.torch.hooks import RemovableHandle

__all__ = ["Node", "node_class"]

_WRITTEN_BY_HAND = {"AccumulateGrad", "CopyBackwards", "CopySlices"}
_count = itertools.count(1).__next__


class Node:
    """One operation of the graph. It prints as PyTorch's: `<MulBackward0 object at 0x...>`.

    Attributes:
        edges: for each argument the node that made it and which of its results it is, or None.
        sequence: nodes are numbered as they are made, so that a node's arguments come before it.
        prehooks, hooks: run before and after the node; retained: tensors that keep their gradient,
            by the number of the result; tensor_hooks: hooks on the gradient of a result.
        source: the stack of the forward call, in anomaly mode.
    """

    label = "Node"
    hooks: OrderedDict | None = None
    prehooks: OrderedDict | None = None
    tensor_hooks: dict[int, OrderedDict] | None = None
    retained: dict[int, Any] | None = None
    source: list[str] | None = None
    _metadata: dict | None = None

    def __init__(self, edges: list):
        self.edges = edges
        self.sequence = _count()

    def name(self) -> str:
        """Return the name of the operation's backward function; PyTorch's own in C++ have a namespace."""
        return f"torch::autograd::{self.label}" if self.label in _WRITTEN_BY_HAND else self.label

    @property
    def metadata(self) -> dict:
        """A dictionary for the user's own notes."""
        if self._metadata is None:
            self._metadata = {}
        return self._metadata

    @property
    def next_functions(self) -> tuple:
        """The node and result number of each argument; `(None, 0)` where none is needed."""
        return tuple((None, 0) if edge is None else edge for edge in self.edges)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after the node has run; it may return new grad_inputs."""
        if self.hooks is None:
            self.hooks = OrderedDict()
        return RemovableHandle(self.hooks, hook)

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the node runs; it may return new grad_outputs."""
        if self.prehooks is None:
            self.prehooks = OrderedDict()
        return RemovableHandle(self.prehooks, hook)

    def hooks_of(self, index: int) -> OrderedDict:
        """Return the hooks on the gradient of result `index`, to add to."""
        if self.tensor_hooks is None:
            self.tensor_hooks = {}
        return self.tensor_hooks.setdefault(index, OrderedDict())

    def pull(self, y_bars: list, wanted: list[bool] | None) -> Any:
        """Return the cotangents of the arguments, as arrays; None is zero."""
        raise NotImplementedError

    def pull_tensors(self, y_bars: list, wanted: list[bool] | None) -> Any:
        """Return the cotangents of the arguments as tensors with a history of their own."""
        raise NotImplementedError

    def release(self) -> None:
        """Drop what was kept for the backward pass."""

    def __repr__(self) -> str:
        return f"<{self.label} object at {id(self):#x}>"


_classes: dict[tuple, type] = {}


def node_class(base: type, label: str) -> Any:
    """Return the subclass of a node with this name, so that `type(y.grad_fn).__name__` is PyTorch's."""
    if (base, label) not in _classes:
        _classes[base, label] = type(label, (base,), {"label": label, "__module__": "funcgrad.torch"})
    return _classes[base, label]
