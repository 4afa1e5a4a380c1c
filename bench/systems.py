"""The systems that `compiled` compares: each turns a program into a call of compiled code, NumPy in and out."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench import by_hand

__all__ = ["SYSTEMS"]


def funcgrad(program, backend: str = "native") -> Callable[[], Any]:
    import funcgrad as fg

    xp = SimpleNamespace(
        **{name: getattr(np, name) for name in _SHARED},
        mean_axis=np.mean, logsumexp=lambda x, axis: fg.scipy.special.logsumexp(x, axis=axis),
        cholesky=np.linalg.cholesky, take=lambda t, i: t[i], stack=fg.numpy.stack,
        solve=lambda a, b: fg.scipy.linalg.solve_triangular(a, b, lower=True),
        transpose=np.transpose, eye=np.eye, diagonal=np.diagonal,
    )  # fmt: skip
    compiled = fg.jit(_derivative(fg, program, xp), backend=backend)
    return lambda: compiled(*program.args)


def interpreted(program) -> Callable[[], Any]:
    return funcgrad(program, "numpy")


def jax(program) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    xp = SimpleNamespace(
        **{name: getattr(jnp, name) for name in _SHARED},
        mean_axis=jnp.mean, logsumexp=lambda x, axis: jax.scipy.special.logsumexp(x, axis=axis),
        cholesky=jnp.linalg.cholesky, take=lambda t, i: t[i], stack=jnp.stack,
        solve=lambda a, b: jax.scipy.linalg.solve_triangular(a, b, lower=True),
        transpose=jnp.transpose, eye=jnp.eye, diagonal=jnp.diagonal,
    )  # fmt: skip
    compiled = jax.jit(_derivative(jax, program, xp))
    return lambda: jax.tree.map(np.asarray, compiled(*program.args))


def torch(program) -> Callable[[], Any]:
    import torch

    def unary(f):
        return lambda x: f(x)

    xp = SimpleNamespace(
        **{name: unary(getattr(torch, name)) for name in ("exp", "log", "log1p", "tanh", "sin", "cos", "sqrt")},
        sum=lambda x, axis=None: torch.sum(x) if axis is None else torch.sum(x, axis),
        mean=torch.mean, mean_axis=lambda x, axis: torch.mean(x, axis), matmul=torch.matmul, einsum=torch.einsum,
        maximum=lambda x, y: torch.clamp(x, min=y), logsumexp=torch.logsumexp,
        cholesky=torch.linalg.cholesky, take=lambda t, i: t[i], stack=torch.stack,
        solve=lambda a, b: torch.linalg.solve_triangular(a, b[:, None], upper=False)[:, 0],
        transpose=lambda x: x.T, eye=lambda n: torch.eye(n, dtype=torch.float64), diagonal=torch.diagonal,
    )  # fmt: skip
    torch._dynamo.reset()  # it gives up compiling after eight functions of the same code
    derivative = torch.compile(_derivative(torch.func, program, xp))

    def run():
        out = derivative(*(torch.from_numpy(x) for x in program.args))
        return [y.numpy() for y in out] if isinstance(out, (tuple, list)) else out.numpy()

    return run


def pytensor(program) -> Callable[[], Any]:
    import pytensor
    import pytensor.tensor as pt

    xp = SimpleNamespace(
        **{name: getattr(pt, name) for name in _SHARED},
        mean_axis=lambda x, axis: pt.mean(x, axis=axis), logsumexp=lambda x, axis: pt.logsumexp(x, axis=axis),
        cholesky=pt.linalg.cholesky, take=lambda t, i: t[i], stack=pt.stack,
        solve=lambda a, b: pt.linalg.solve_triangular(a, b, lower=True), transpose=lambda x: x.T,
        eye=pt.eye, diagonal=pt.diagonal,
    )  # fmt: skip
    if program.derivative != "grad":
        raise NotImplementedError("PyTensor has no batched Jacobians")
    symbols = [pt.TensorType(x.dtype.name, x.shape)() for x in program.args]
    loss = program.function(xp, *symbols)
    gradients = pytensor.grad(loss, [symbols[i] for i in program.argnums])
    compiled = pytensor.function(symbols, gradients)
    return lambda: compiled(*program.args)


def numpy_by_hand(program) -> Callable[[], Any]:
    function = by_hand.NUMPY[program.name]
    return lambda: function(*program.args)


def numba_by_hand(program) -> Callable[[], Any]:
    import numba

    function = numba.njit(fastmath={"reassoc"}, error_model="numpy")(by_hand.NUMBA[program.name])
    return lambda: function(*program.args)


_SHARED = ("sum", "mean", "exp", "log", "log1p", "tanh", "sin", "cos", "sqrt", "maximum", "matmul", "einsum")


def _derivative(library, program, xp):
    def function(*args):
        return program.function(xp, *args)

    if program.derivative == "grad":
        gradient = library.grad(function, program.argnums)
        return (lambda *args: gradient(*args)[0]) if len(program.argnums) == 1 else gradient
    if program.derivative == "hessian":
        return library.hessian(function)
    return library.vmap(library.jacrev(function, program.argnums))


SYSTEMS = {
    "funcgrad": (None, funcgrad),
    "interpreted": (None, interpreted),
    "NumPy by hand": (None, numpy_by_hand),
    "Numba by hand": ("numba", numba_by_hand),
    "JAX": ("jax", jax),
    "torch.compile": ("torch", torch),
    "PyTensor": ("pytensor", pytensor),
}
