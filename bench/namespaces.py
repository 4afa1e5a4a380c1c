"""The operations that programs are written in, from each library.

`iterate(step, x, count)` applies a step so often, by the library's own loop where it has one.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["of_autograd", "of_jax", "of_numpy", "of_pytensor", "of_torch", "of_torch_loops", "of_torch_plain"]

_SHARED = ("sum", "mean", "exp", "log", "log1p", "tanh", "sin", "cos", "sqrt", "maximum", "matmul", "einsum")
_UNARY = ("exp", "log", "log1p", "tanh", "sin", "cos", "sqrt")


def of_numpy() -> SimpleNamespace:
    """Return NumPy's own functions, with funcgrad's where NumPy has none."""
    import funcgrad as fg

    return SimpleNamespace(
        **_shared(np), mean_axis=np.mean, logsumexp=lambda x, axis: fg.scipy.special.logsumexp(x, axis=axis),
        cholesky=np.linalg.cholesky, take=_take, stack=fg.numpy.stack,
        solve=lambda a, b: fg.scipy.linalg.solve_triangular(a, b, lower=True),
        transpose=np.transpose, eye=np.eye, diagonal=np.diagonal, iterate=partial(_scanned, fg.scan),
    )  # fmt: skip


def of_jax() -> SimpleNamespace:
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    return SimpleNamespace(
        **_shared(jnp), mean_axis=jnp.mean, logsumexp=lambda x, axis: jax.scipy.special.logsumexp(x, axis=axis),
        cholesky=jnp.linalg.cholesky, take=_take, stack=jnp.stack,
        solve=lambda a, b: jax.scipy.linalg.solve_triangular(a, b, lower=True),
        transpose=jnp.transpose, eye=jnp.eye, diagonal=jnp.diagonal, iterate=partial(_scanned, jax.lax.scan),
    )  # fmt: skip


def of_torch() -> SimpleNamespace:
    import torch

    return SimpleNamespace(
        **{name: getattr(torch, name) for name in _UNARY},
        sum=lambda x, axis=None: torch.sum(x) if axis is None else torch.sum(x, axis),
        mean=torch.mean, mean_axis=torch.mean, matmul=torch.matmul, einsum=torch.einsum,
        maximum=lambda x, y: torch.clamp(x, min=y), logsumexp=torch.logsumexp,
        cholesky=torch.linalg.cholesky, take=_take, stack=torch.stack,
        solve=lambda a, b: torch.linalg.solve_triangular(a, b[:, None], upper=False)[:, 0],
        transpose=lambda x: x.T, eye=lambda n: torch.eye(n, dtype=torch.float64), diagonal=torch.diagonal,
        iterate=_unrolled,
    )  # fmt: skip


def of_torch_loops() -> SimpleNamespace:
    """Return what the loops of `loops` use, under NumPy's names."""
    import torch

    def array(x):
        if isinstance(x, list):
            return torch.stack([array(item) for item in x])
        return x if isinstance(x, torch.Tensor) else torch.as_tensor(x)

    double = {name: partial(getattr(torch, name), dtype=torch.float64) for name in ("eye", "ones", "zeros")}
    return SimpleNamespace(
        array=array, pad=lambda x, width: torch.nn.functional.pad(x, (width,) * 4),
        **{name: getattr(torch, name) for name in _UNARY}, **double,
    )  # fmt: skip


def of_torch_plain() -> SimpleNamespace:
    """Return what the programs of `turns` use, under NumPy's names."""
    import torch

    return SimpleNamespace(
        **{name: getattr(torch, name) for name in (*_UNARY, "sum", "var", "stack")},
        max=torch.amax, zeros=partial(torch.zeros, dtype=torch.float64),
    )  # fmt: skip


def of_autograd() -> SimpleNamespace:
    import autograd.numpy as anp
    from autograd.scipy.linalg import solve_triangular
    from autograd.scipy.special import logsumexp

    return SimpleNamespace(
        **_shared(anp), mean_axis=anp.mean, logsumexp=lambda x, axis: logsumexp(x, axis=axis),
        cholesky=anp.linalg.cholesky, take=_take, stack=anp.stack,
        solve=lambda a, b: solve_triangular(a, b, lower=True),
        transpose=anp.transpose, eye=anp.eye, diagonal=anp.diagonal, iterate=_unrolled,
    )  # fmt: skip


def of_pytensor() -> SimpleNamespace:
    import pytensor.tensor as pt

    return SimpleNamespace(
        **_shared(pt), mean_axis=lambda x, axis: pt.mean(x, axis=axis),
        logsumexp=lambda x, axis: pt.logsumexp(x, axis=axis),
        cholesky=pt.linalg.cholesky, take=_take, stack=pt.stack,
        solve=lambda a, b: pt.linalg.solve_triangular(a, b, lower=True), transpose=lambda x: x.T,
        eye=pt.eye, diagonal=pt.diagonal, iterate=_none,
    )  # fmt: skip


def _shared(module: Any) -> dict[str, Callable]:
    return {name: getattr(module, name) for name in _SHARED}


def _take(table, indices):
    return table[indices]


def _scanned(scan, step, x, count):
    return scan(lambda carry, _: (step(carry), None), x, None, count)[0]


def _unrolled(step, x, count):
    for _ in range(count):
        x = step(x)
    return x


def _none(*_):
    raise NotImplementedError("no loop in this library's programs")
