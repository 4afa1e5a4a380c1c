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
    """Return what central differences of one output are for each step of one input: d/dRe, and d/dIm."""
    flat = x._array.reshape(-1)
    rows = []
    for i in range(flat.size):
        before = flat[i]
        row = []
        for step in (eps, 1j * eps) if flat.dtype.kind == "c" else (eps,):
            flat[i] = before + step
            high = _results(func, inputs)[n_out]._array.copy()
            flat[i] = before - step
            low = _results(func, inputs)[n_out]._array.copy()
            flat[i] = before
            row.append((high - low).reshape(-1) / (2 * eps))
        rows.append(row)
    return rows


def _analytical(y, x, weight):
    """Return the gradients by `x` of each element of `y`, weighted, as columns."""
    columns = []
    for j in range(y.numel()):
        y_bar = np.zeros(y.numel(), y._array.dtype)
        y_bar[j] = weight
        (found,) = grad(y, x, wrap(y_bar.reshape(y.shape)), retain_graph=True, allow_unused=True)
        columns.append(np.zeros(x.numel(), x._array.dtype) if found is None else found._array.reshape(-1))
    return np.array(columns).reshape(y.numel(), x.numel()).T


def gradcheck(
    func: Callable,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func` with central differences, for each output and input element.

    Args:
        func: a function of tensors.
        inputs: tensors (in double precision; others warn) of which some require gradients.
        eps: the step. atol, rtol: what difference is allowed.
        raise_exception: raise where they disagree, rather than return False.
        nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode, masked: PyTorch's. A gradient here is the
            same each time, of its tensor's dtype and dense, and each of its elements is checked.

    Raises:
        NotImplementedError: when forward mode, or gradients in batches, are to be checked too.
        GradcheckError: with both Jacobians, where they disagree.
        ValueError: when no input requires gradients.
    """
    _check_asked(
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
    )
    if not check_backward_ad:
        raise ValueError("Expected at least one of check_forward_ad or check_backward_ad to be True")
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


def _check_asked(**more: bool) -> None:
    for name, asked in more.items():
        if asked:
            raise NotImplementedError(f"{name}=True is not there; funcgrad.testing.check_grads checks both.")


def _compare(func, inputs, n_out, n_in, x, eps, atol, rtol):
    y = _results(func, inputs)[n_out]
    differences = _numerical(func, inputs, x, n_out, eps)
    # Of a complex output both parts are checked. PyTorch's gradient of a real L is dL/dRe + i dL/dIm: of the
    # imaginary part, by the output itself, that is i.
    parts = (
        {"": (np.real, 1)}
        if y._array.dtype.kind == "f"
        else {"imaginary": (np.imag, 1j), "real": (np.real, 1)}
    )
    for name, (part, weight) in parts.items():
        analytical = _analytical(y, x, weight)
        numerical = np.zeros(analytical.shape, analytical.dtype)
        for i, row in enumerate(differences):
            numerical[i] = part(row[0]) if len(row) == 1 else part(row[0]) + 1j * part(row[1])
        if not np.allclose(analytical, numerical, rtol, atol):
            prefix = f"While considering the {name} part of complex outputs only, " if name else ""
            raise GradcheckError(
                f"{prefix}Jacobian mismatch for output {n_out} with respect to input {n_in},\n"
                f"numerical:{wrap(numerical)}\nanalytical:{wrap(analytical)}\n"
            )


def _drawn(rng, like):
    parts = rng.standard_normal((2, *like.shape)).astype(like.dtype)
    return parts[0] + 1j * parts[1] if like.dtype.kind == "c" else parts[0]


def gradgradcheck(
    func: Callable,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare the second derivatives of `func` with central differences of the first.

    Args:
        gen_non_contig_grad_outputs: PyTorch's: how the weights lie in memory, which changes nothing here.
    """
    _check_asked(check_batched_grad=check_batched_grad, check_fwd_over_rev=check_fwd_over_rev)
    if not check_rev_over_rev:
        raise ValueError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    chosen = [n for n, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    outputs = [y for y in _results(func, inputs) if y.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        weights = [wrap(_drawn(rng, y._array)).requires_grad_() for y in outputs]
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
