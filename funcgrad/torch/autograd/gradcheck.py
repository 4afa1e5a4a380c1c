"""Compare gradients with finite differences: gradcheck and gradgradcheck."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.torch.autograd.backward import grad
from funcgrad.torch.modes import enable_grad
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient and its finite difference disagree."""


def _results(func: Callable, inputs: tuple) -> tuple[Tensor, ...]:
    out = func(*inputs)
    return tuple(y for y in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(y, Tensor))


def _numerical(func, inputs, x, n_out, eps):
    """Return the Jacobian of one output by one input, by central differences."""
    flat = x._array.reshape(-1)
    columns = []
    for i in range(flat.size):
        before = flat[i]
        steps = (eps, 1j * eps) if flat.dtype.kind == "c" else (eps,)
        parts = []
        for step in steps:
            flat[i] = before + step
            high = _results(func, inputs)[n_out]._array.copy()
            flat[i] = before - step
            low = _results(func, inputs)[n_out]._array.copy()
            flat[i] = before
            parts.append((high - low).reshape(-1) / (2 * eps))
        columns.append(parts)
    return columns


def gradcheck(
    func: Callable,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_: Any,
) -> bool:
    """Compare the gradients of `func` with central differences, for each output and input element.

    Args:
        func: a function of tensors.
        inputs: tensors (in double precision; others warn) of which some require gradients.
        eps: the step. atol, rtol: what difference is allowed.
        raise_exception: raise where they disagree, rather than return False.

    Raises:
        GradcheckError: with both Jacobians, where they disagree.
        ValueError: when no input requires gradients.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True."
        )
    for n, x in enumerate(inputs):
        if isinstance(x, Tensor) and x.requires_grad and x._array.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{n} requires gradient and is not a double precision floating point or complex. This check will "
                "likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=2,
            )
    try:
        for n_out, y in enumerate(_results(func, inputs)):
            if y._array.dtype.kind not in "fc" or not y.requires_grad:
                continue
            for n_in, x in enumerate(checked):
                _compare(func, inputs, n_out, n_in, x, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _compare(func, inputs, n_out, n_in, x, eps, atol, rtol):
    y = _results(func, inputs)[n_out]
    shape = (x.numel(), y.numel())
    analytical = np.zeros(shape, np.result_type(x._array.dtype, y._array.dtype))
    for j in range(y.numel()):
        weight = np.zeros(y.numel(), y._array.dtype)
        weight[j] = 1
        (found,) = grad(y, x, wrap(weight.reshape(y.shape)), retain_graph=True, allow_unused=True)
        if found is not None:
            analytical[:, j] = np.conj(found._array.reshape(-1))
    numerical = np.zeros(shape, analytical.dtype)
    for i, parts in enumerate(_numerical(func, inputs, x, n_out, eps)):
        # PyTorch's gradient of a complex number holds both derivatives: d/dRe + i d/dIm, of the real part.
        numerical[i] = parts[0] if len(parts) == 1 else _wirtinger(parts, y)
    if not np.allclose(analytical, numerical, rtol, atol):
        raise GradcheckError(
            f"Jacobian mismatch for output {n_out} with respect to input {n_in},\nnumerical:{wrap(numerical)}\n"
            f"analytical:{wrap(analytical)}\n"
        )


def _wirtinger(parts, y):
    by_real, by_imaginary = parts
    if y._array.dtype.kind == "c":
        return (by_real - 1j * by_imaginary) / 2 if np.allclose(by_imaginary, 1j * by_real) else by_real
    return by_real - 1j * by_imaginary


def gradgradcheck(
    func: Callable,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_: Any,
) -> bool:
    """Compare the second derivatives of `func` with central differences of the first."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    chosen = [n for n, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    outputs = [y for y in _results(func, inputs) if y.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        weights = [
            wrap(rng.standard_normal(y._array.shape).astype(y._array.dtype)).requires_grad_() for y in outputs
        ]
    else:
        weights = list(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else [grad_outputs]

    def first(*args):
        xs, ws = args[: len(inputs)], args[len(inputs) :]
        with enable_grad():
            ys = [y for y in _results(func, xs) if y.requires_grad]
            found = grad(ys, [xs[n] for n in chosen], list(ws), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g.requires_grad)

    return gradcheck(
        first, (*inputs, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )
