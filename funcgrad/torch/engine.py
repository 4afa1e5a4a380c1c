"""The walk of the graph backward: from results to leaves, without recursion."""

import warnings
from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from funcgrad.core.held_arrays import SOLE
from funcgrad.primitives.elementwise import guarding
from funcgrad.torch.layout import as_leaf
from funcgrad.torch.modes import MODE
from funcgrad.torch.node import Node
from funcgrad.torch.tensors import AccumulateGrad, Tensor, wrap

__all__ = ["backward_from"]

Edge = tuple[Node, int]


def backward_from(
    roots: Sequence[tuple[Edge, Any]],
    *,
    keep: bool,
    create: bool,
    inputs: Sequence[Edge] | None = None,
    accumulate: bool = True,
) -> list[Any]:
    """Carry cotangents from `roots` to the leaves of the graph.

    Args:
        roots: where to begin, with the cotangents (tensors).
        keep: leave what the nodes have kept, for another walk.
        create: record the walk itself, so that what it gives can be differentiated.
        inputs: the only places whose gradients are wanted; None for every leaf.
        accumulate: add gradients to the leaves' `.grad`, rather than return those of `inputs`.

    Returns:
        the gradients of `inputs` as tensors; None for one the roots do not depend on.
    """
    order = _reachable([edge[0] for edge, _ in roots])
    useful = None if inputs is None else _leading_to(order, {id(node) for node, _ in inputs})
    places = {(id(node), index): n for n, (node, index) in enumerate(inputs or ())}
    found: list[Any] = [None] * len(inputs or ())
    bars: dict[int, list[Any]] = {}
    for (node, index), y_bar in roots:
        _add(bars, node, index, y_bar if create else y_bar._array)
    before = MODE.grad
    MODE.grad = create
    plain = guarding.set(False)  # as in PyTorch, zero times infinity is nan
    try:
        with np.errstate(all="ignore"):
            for node in order:
                y_bars = bars.pop(id(node), None)
                if y_bars is None:
                    continue
                _run(node, y_bars, bars, keep, create, useful, places, found, accumulate)
    finally:
        guarding.reset(plain)
        MODE.grad = before
    if create or accumulate:
        return found
    return [x if x is None else wrap(np.asarray(x)) for x in found]


def _run(node, y_bars, bars, keep, create, useful, places, found, accumulate):
    """Run one node: hooks, what is to be noted of its cotangents, and the cotangents of its arguments."""
    if node.tensor_hooks is not None or node.prehooks is not None:
        y_bars = _hooked(node, y_bars, create)
    if isinstance(node, AccumulateGrad):
        y_bar = y_bars.pop()
        if node.variable._hooks:
            y_bar = _through(node.variable._hooks, y_bar, create)
        place = places.get((id(node), 0))
        if place is not None and not accumulate:
            found[place] = y_bar
        elif accumulate and (useful is None or id(node) in useful):
            _accumulate(node.variable, y_bar, create)
        return
    if node.retained is not None:
        for index, ref in node.retained.items():
            tensor = ref()
            if tensor is not None and y_bars[index] is not None:
                _store(tensor, y_bars[index], create)
    if places:
        for index, y_bar in enumerate(y_bars):
            place = places.get((id(node), index))
            if place is not None:
                found[place] = y_bar
                if accumulate:
                    continue
    wanted = None
    if useful is not None:
        wanted = [edge is not None and id(edge[0]) in useful for edge in node.edges]
        if not any(wanted):
            return
    x_bars = (node.pull_tensors if create else node.pull)(y_bars, wanted)
    if node.hooks is not None:
        x_bars = _hooked_results(node, x_bars, y_bars, create)
    if MODE.anomaly:
        _check_nan(node, x_bars, create)
    if not keep:
        node.release()
    for edge, x_bar in zip(node.edges, x_bars, strict=True):
        if edge is not None and x_bar is not None and (useful is None or id(edge[0]) in useful):
            _add(bars, edge[0], edge[1], x_bar)


def _reachable(starts: list[Node]) -> list[Node]:
    """Return the nodes that lead to `starts`, each after all that use it."""
    seen = {id(node): node for node in starts}
    stack = list(seen.values())
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and id(edge[0]) not in seen:
                seen[id(edge[0])] = edge[0]
                stack.append(edge[0])
    return sorted(seen.values(), key=_sequence, reverse=True)


def _sequence(node):
    return node.sequence


def _leading_to(order: list[Node], targets: set[int]) -> set[int]:
    """Return the nodes on a way to the targets."""
    useful = set()
    for node in reversed(order):
        if id(node) in targets or any(edge is not None and id(edge[0]) in useful for edge in node.edges):
            useful.add(id(node))
    return useful


def _add(bars, node, index, x_bar):
    """Add a cotangent to what has reached a node's result."""
    slots = bars.get(id(node))
    if slots is None:
        slots = bars[id(node)] = []
    while len(slots) <= index:
        slots.append(None)
    slots[index] = x_bar if slots[index] is None else slots[index] + x_bar


def _accumulate(x: Tensor, x_bar: Any, create: bool) -> None:
    """Add a gradient to a leaf's `.grad`."""
    grad = x._grad
    if create:
        x._grad = x_bar if grad is None else grad + x_bar
    else:
        x_bar = np.asarray(x_bar)
        if grad is None:
            # Taken as it is where nobody else refers to it.
            owned = x_bar.base is None and getrefcount(x_bar) <= SOLE + 1 and x_bar.dtype == x._array.dtype
            x._grad = wrap(as_leaf(x_bar if owned else np.array(x_bar, x._array.dtype), x._array))
        elif grad._node is not None or grad._leaf_grad:
            x._grad = wrap(np.asarray(grad._array + x_bar))
        else:
            np.add(grad._array, x_bar, out=grad._array)
            grad._counter[0] += 1
    if x._post_hooks:
        for hook in tuple(x._post_hooks.values()):
            hook(x)


def _store(tensor, y_bar, create):
    """Give a tensor that retains its gradient a copy of it, added to what it has."""
    grad = y_bar if create else wrap(np.array(y_bar))
    tensor._grad = grad if tensor._grad is None else tensor._grad + grad


def _through(hooks, y_bar, create):
    """Return a cotangent as the hooks on it leave it."""
    for hook in tuple(hooks.values()):
        given = y_bar if create else wrap(np.asarray(y_bar))
        out = hook(given)
        if out is not None:
            y_bar = out if create else out._array
    return y_bar


def _hooked(node, y_bars, create):
    """Return the cotangents of a node's results as the hooks before it leave them."""
    y_bars = list(y_bars)
    for index, hooks in (node.tensor_hooks or {}).items():
        if index < len(y_bars) and y_bars[index] is not None:
            y_bars[index] = _through(hooks, y_bars[index], create)
    for hook in tuple((node.prehooks or {}).values()):
        out = hook(_as_tensors(y_bars, create))
        if out is not None:
            y_bars = list(out) if create else [None if y is None else y._array for y in out]
    return y_bars


def _hooked_results(node, x_bars, y_bars, create):
    """Return the cotangents of a node's arguments as the hooks after it leave them."""
    for hook in tuple(node.hooks.values()):
        out = hook(_as_tensors(x_bars, create), _as_tensors(y_bars, create))
        if out is not None:
            out = out if isinstance(out, tuple) else (out,)
            x_bars = list(out) if create else [None if x is None else x._array for x in out]
    return x_bars


def _as_tensors(bars, create):
    return tuple(bars) if create else tuple(None if b is None else wrap(np.asarray(b)) for b in bars)


def _check_nan(node, x_bars, create):
    for index, x_bar in enumerate(x_bars):
        array = x_bar._array if create and x_bar is not None else x_bar
        if array is not None and np.isnan(array).any():
            if node.source:
                warnings.warn(
                    f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n"
                    + "".join(node.source),
                    UserWarning,
                    stacklevel=4,
                )
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {index}th output.")
