"""Derivatives of functions of tensors: jacobian, hessian, vjp, jvp, hvp, vhp."""

from collections.abc import Callable
from typing import Any

from funcgrad.torch.autograd.backward import grad
from funcgrad.torch.modes import enable_grad
from funcgrad.torch.operations.creation import zeros_like
from funcgrad.torch.operations.joining import stack
from funcgrad.torch.tensors import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(x: Any, name: str, function: str) -> tuple[tuple, bool]:
    several = isinstance(x, tuple)
    found = x if several else (x,)
    for n, item in enumerate(found):
        if not isinstance(item, Tensor):
            what = f"The {name} given to {function} must be either a Tensor or a tuple of Tensors"
            raise TypeError(
                f"{what} but the value at index {n} has type {type(item)}."
                if several
                else f"{what} but the given {name} has type {type(item)}."
            )
    return found, several


def _fresh(inputs: tuple, create_graph: bool) -> tuple:
    """Return the inputs as the function is to see them: with a history when the derivative needs one."""
    return tuple(
        x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in inputs
    )


def _run(func: Callable, inputs: Any, create_graph: bool, name: str) -> tuple:
    xs, several_in = _tuple(inputs, "inputs", name)
    xs = _fresh(xs, create_graph)
    with enable_grad():
        out = func(*xs)
    ys, several_out = _tuple(out, "outputs of the user-provided function", name)
    return xs, several_in, ys, several_out


def _weights(given: Any, like: tuple, name: str) -> tuple:
    if given is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {'user-provided function returns a single Tensor with a single element' if name == 'vjp' else 'input to the user-provided function is a single Tensor with a single element'}."
            )
        return (like[0].detach() * 0 + 1,)
    weights, _ = _tuple(given, "v", name)
    if len(weights) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(weights)}.")
    for n, (v, x) in enumerate(zip(weights, like, strict=True)):
        if v.shape != x.shape:
            place = f"Entry {n} in v" if len(like) > 1 else "v"
            raise RuntimeError(f"{place} has invalid size: should be {x.shape} but got {v.shape}.")
    return weights


def _filled(gradients: tuple, xs: tuple, strict: bool, what: str) -> tuple:
    if strict and any(g is None for g in gradients):
        raise RuntimeError(
            f"{what} is independent of input {gradients.index(None)}. This is not allowed in strict mode."
        )
    return tuple(zeros_like(x) if g is None else g for g, x in zip(gradients, xs, strict=True))


def vjp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return `func(inputs)` and the vector `v` times its Jacobian."""
    xs, several_in, ys, several_out = _run(func, inputs, True, "vjp")
    weights = _weights(v, ys, "vjp")
    found = _gradients(ys, xs, weights, create_graph)
    found = _filled(found, xs, strict, "The output of the user-provided function")
    if not create_graph:
        ys, found = tuple(y.detach() for y in ys), tuple(g.detach() for g in found)
    return ys if several_out else ys[0], found if several_in else found[0]


def _gradients(ys, xs, weights, create_graph):
    used = [(y, w) for y, w in zip(ys, weights, strict=True) if y.requires_grad]
    if not used:
        return (None,) * len(xs)
    return grad(
        [y for y, _ in used],
        xs,
        [w for _, w in used],
        create_graph=create_graph,
        retain_graph=True,
        allow_unused=True,
    )


def jvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return `func(inputs)` and its Jacobian times the vector `v`, by differentiating a vjp."""
    xs, _, ys, several_out = _run(func, inputs, create_graph, "jvp")
    weights = _weights(v, xs, "jvp")
    with enable_grad():
        dummies = tuple(zeros_like(y, requires_grad=True) for y in ys)
        pulled = _filled(
            _gradients(ys, xs, dummies, True), xs, strict, "The output of the user-provided function"
        )
        found = _gradients(pulled, dummies, weights, create_graph)
    found = _filled(found, ys, False, "")
    if not create_graph:
        ys, found = tuple(y.detach() for y in ys), tuple(g.detach() for g in found)
    return ys if several_out else ys[0], found if several_out else found[0]


def jacobian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of `func`: for each output and input, an array of both shapes together.

    >>> from funcgrad import torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    xs, several_in, ys, several_out = _run(func, inputs, create_graph, "jacobian")
    rows = []
    for i, y in enumerate(ys):
        flat = y.reshape(-1)
        columns: tuple[list, ...] = tuple([] for _ in xs)
        for j in range(flat.numel()):
            found = (
                grad(flat[j], xs, retain_graph=True, create_graph=create_graph, allow_unused=True)
                if y.requires_grad
                else (None,) * len(xs)
            )
            found = _filled(found, xs, strict, f"Output {i} of the user-provided function")
            for column, g in zip(columns, found, strict=True):
                column.append(g)
        rows.append(
            tuple(
                stack(c).view(*y.shape, *x.shape) if c else x.new_zeros(*y.shape, *x.shape)
                for c, x in zip(columns, xs, strict=True)
            )
        )
    if not create_graph:
        rows = [tuple(g.detach() for g in row) for row in rows]
    out = tuple(row if several_in else row[0] for row in rows)
    return out if several_out else out[0]


def hessian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of a scalar function: the Jacobian of its gradient."""
    _, several = _tuple(inputs, "inputs", "hessian")

    def scalar(*xs):
        out = func(*xs)
        if not isinstance(out, Tensor):
            raise RuntimeError(
                f"The output of the user-provided function given to hessian must be a Tensor but got {type(out)}"
            )
        if out.numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single element"
            )
        return out.reshape(())

    def gradient(*xs):
        found = jacobian(scalar, xs, create_graph=True)
        return found

    out = jacobian(gradient, inputs, create_graph=create_graph, strict=strict)
    return out if several else out[0]


def hvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return `func(inputs)` and its Hessian times the vector `v`."""
    xs, several, ys, _ = _run(func, inputs, create_graph, "hvp")
    weights = _weights(v, xs, "hvp")
    with enable_grad():
        gradient = _filled(
            _gradients(ys, xs, (None,) * len(ys), True), xs, strict, "The output of the function"
        )
        found = _filled(
            _gradients(gradient, xs, weights, create_graph), xs, strict, "The gradient of the function"
        )
    if not create_graph:
        ys, found = tuple(y.detach() for y in ys), tuple(g.detach() for g in found)
    return ys[0], found if several else found[0]


vhp = hvp  # the Hessian is symmetric
