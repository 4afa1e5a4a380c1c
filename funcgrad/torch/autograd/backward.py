"""backward and grad: cotangents from results to leaves, or to chosen inputs."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.torch.dtypes import dtype_of
from funcgrad.torch.engine import backward_from
from funcgrad.torch.operations.joining import stack
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["backward", "grad"]

_NO_HISTORY = "element {} of tensors does not require grad and does not have a grad_fn"


def _sequence(x: Any) -> tuple:
    return (x,) if isinstance(x, Tensor) else tuple(x)


def _roots(tensors: tuple, weights: Any) -> list:
    """Return the node of each tensor with the cotangent to begin with."""
    given = (None,) * len(tensors) if weights is None else _sequence(weights)
    if len(given) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots = []
    for n, (y, weight) in enumerate(zip(tensors, given, strict=True)):
        if weight is not None:
            if not isinstance(weight, Tensor):
                raise TypeError(f"gradients can be either Tensors or None, but got {type(weight).__name__}")
            if weight.shape != y.shape:
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[{n}] has a shape of {weight.shape} and output[{n}] has a shape of "
                    f"{y.shape}."
                )
            if weight.is_complex() != y.is_complex():
                raise RuntimeError(
                    "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                    f"dtype: grad_output[{n}] has a dtype of {weight.dtype} and output[{n}] has a dtype of {y.dtype}."
                )
        edge = y._edge()
        if weight is None and (edge is not None or y.numel() != 1):
            if y.requires_grad:
                if y.numel() != 1:
                    raise RuntimeError("grad can be implicitly created only for scalar outputs")
                if y.is_complex():
                    raise RuntimeError(
                        f"grad can be implicitly created only for real scalar outputs but got {dtype_of(y._array)}"
                    )
                weight = wrap(np.ones_like(y._array))
        if edge is None:
            raise RuntimeError(_NO_HISTORY.format(n))
        if weight._array.dtype != y._array.dtype:
            weight = weight.to(y.dtype)
        roots.append((edge, weight))
    return roots


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of the sum of `tensors`, each weighted, to the `.grad` of the leaves they depend on.

    Args:
        tensors: one or several results.
        grad_tensors: the weights, of the tensors' shapes; None for a tensor with one element.
        retain_graph: keep what the graph has saved for another backward; `create_graph` when not given.
        create_graph: record the derivative, so that it can be differentiated.
        inputs: add to the `.grad` of these tensors only.

    Raises:
        RuntimeError: in PyTorch's words, when a tensor has no history or the graph has been freed.

    >>> from funcgrad import torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.autograd.backward([x * x, x.sum()], [torch.tensor([1.0, 10.0]), None])
    >>> x.grad
    tensor([ 3., 41.])
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use "
                "`grad_tensors`."
            )
        grad_tensors = grad_variables
    edges = None
    if inputs is not None:
        targets = _sequence(inputs)
        if not targets:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for x in targets:
            if x._edge() is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            if x._node is not None:
                x.retain_grad()
        edges = [x._edge() for x in targets]
    keep = create_graph if retain_graph is None else retain_graph
    roots = _roots(_sequence(tensors), grad_tensors)
    backward_from(roots, keep=keep, create=create_graph, inputs=edges)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Return the gradients of the sum of `outputs`, each weighted, by `inputs`; no `.grad` is touched.

    Args:
        outputs, inputs: one or several tensors.
        grad_outputs: the weights, of the outputs' shapes; with `is_grads_batched`, several of them
            along a first axis, for as many gradients.
        retain_graph, create_graph: as in `backward`.
        allow_unused: give None for an input the outputs do not depend on, rather than raise.
        materialize_grads: give zeros there.

    Raises:
        RuntimeError: for an input that requires no gradient, or that is not used.

    >>> from funcgrad import torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.grad(x**3, x)
    (tensor(27.),)
    """
    ys, xs = _sequence(outputs), _sequence(inputs)
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True")
    keep = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        return _batched(ys, xs, _sequence(grad_outputs), keep, create_graph, allow_unused, materialize_grads)
    for x in xs:
        if x._edge() is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    roots = _roots(ys, grad_outputs)
    found = backward_from(
        roots, keep=keep, create=create_graph, inputs=[x._edge() for x in xs], accumulate=False
    )
    for n, (x, x_bar) in enumerate(zip(xs, found, strict=True)):
        if x_bar is None:
            if materialize_grads:
                found[n] = wrap(np.zeros_like(x._array))
            elif not allow_unused:
                raise RuntimeError(
                    f"The differentiated Tensor at index {n} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior."
                )
    return tuple(found)


def _batched(ys, xs, weights, keep, create, allow_unused, materialize):
    """Return the gradients for each of several weights, along a first axis."""
    count = weights[0].shape[0]
    rows = []
    for i in range(count):
        last = i == count - 1
        rows.append(
            grad(
                ys,
                xs,
                [w[i] for w in weights],
                retain_graph=keep or not last,
                create_graph=create,
                allow_unused=allow_unused,
                materialize_grads=materialize,
            )
        )
    return tuple(None if column[0] is None else stack(column) for column in zip(*rows, strict=True))


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add the gradient of this tensor, weighted by `gradient`, to the `.grad` of the leaves.

    Raises:
        RuntimeError: when the tensor has several elements and no `gradient` is given, when it has no
            history, or when the graph has been freed.
    """
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


Tensor.backward = _backward  # type: ignore[attr-defined]
