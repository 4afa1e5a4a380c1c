"""The suite `functions`: NumPy's functions one by one, compiled against NumPy, and their gradients against interpreted ones."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special

from bench.model import Call, Case

__all__ = ["FUNCTIONS", "cases"]

_rng = np.random.default_rng(0)
_any = _rng.normal(size=10_000)
_positive = np.abs(_any) + 0.1
_inner = np.clip(_any / 4, -0.9, 0.9)
_near_one = _positive**0.001
_matrix = _rng.normal(size=(100, 100))
_definite = _matrix @ _matrix.T / 100 + np.eye(100)
_lower = np.tril(_matrix) + 5 * np.eye(100)
_places = _rng.integers(0, 10_000, 10_000)
_grid = np.linspace(-3, 3, 1000)

_ON = {
    "sin cos tan sinh cosh tanh arcsinh arctan exp exp2 expm1 square reciprocal absolute sinc cbrt floor": _any,
    "arcsin arccos arctanh": _inner,
    "sqrt log log2 log10 log1p": _positive,
    "sum max min mean std var ptp median nansum nanmax nanmedian cumsum sort diff gradient": _any,
    "prod cumprod": _near_one,
    "trace tril diag transpose cov corrcoef": _matrix,
    "linalg.inv linalg.det linalg.cholesky linalg.eigvalsh": _definite,
    "linalg.norm linalg.pinv": _matrix,
}

_MORE: dict[str, tuple[Callable[[np.ndarray], Any], np.ndarray]] = {
    "argsort": (lambda x: x * np.argsort(x), _any),
    "argmax": (lambda x: x * np.argmax(x), _any),
    "partition": (lambda x: np.partition(x, 50)[50], _any),
    "percentile": (lambda x: np.percentile(x, [10, 50, 90]), _any),
    "quantile, axis 0": (lambda x: np.quantile(x, 0.3, axis=0), _matrix),
    "sort, axis 0": (lambda x: np.sort(x, 0), _matrix),
    "var, axis 0": (lambda x: np.var(x, 0), _matrix),
    "max, axis 0": (lambda x: np.max(x, 0), _matrix),
    "max of where": (lambda x: np.max(np.where(x > 1, -np.inf, x)), _any),
    "masked softmax": (lambda x: _softmax(np.where(x > 1, -np.inf, x)), _any),
    "cumsum, axis 0": (lambda x: np.cumsum(x, 0), _matrix),
    "histogram": (lambda x: x * np.histogram(x, 50)[0].sum(), _any),
    "searchsorted": (lambda x: x * np.searchsorted(_grid, x), _any),
    "interp": (lambda x: np.interp(x, _grid, _grid**2), _any),
    "x[indices]": (lambda x: x[_places], _any),
    "x[x > 0]": (lambda x: np.sum(x[x > 0] ** 2), _any),
    "roll": (lambda x: np.roll(x, 7), _any),
    "where": (lambda x: np.where(x > 0, x * x, x), _any),
    "clip": (lambda x: np.clip(x, -1, 1), _any),
    "maximum": (lambda x: np.maximum(x, 0.1), _any),
    "mod": (lambda x: np.mod(x, 0.7), _any),
    "hypot": (lambda x: np.hypot(x, 1.0), _any),
    "arctan2": (lambda x: np.arctan2(x, _positive), _any),
    "logaddexp": (lambda x: np.logaddexp(x, 1.0), _any),
    "x**2.5": (lambda x: x**2.5, _positive),
    "x**x": (lambda x: x**x, _positive),
    "polyval": (lambda x: np.polyval([1.0, 2.0, 3.0, 4.0], x), _any),
    "concatenate": (lambda x: np.concatenate([x, x * x]), _any),
    "tile": (lambda x: np.tile(x, 3), _any),
    "repeat": (lambda x: np.repeat(x, 3), _any),
    "pad": (lambda x: np.pad(x, 5), _any),
    "outer": (lambda x: np.outer(x[:100], x[100:200]), _any),
    "cross": (lambda x: np.cross(x.reshape(-1, 4)[:, :3], x.reshape(-1, 4)[:, 1:]), _any),
    "convolve": (lambda x: np.convolve(x, x[:50]), _any),
    "matmul": (lambda x: x @ x, _matrix),
    "einsum": (lambda x: np.einsum("ij,jk,kl->il", x, x, x), _matrix),
    "kron": (lambda x: np.kron(x[:10, :10], x[:10, :10]), _matrix),
    "linalg.solve": (lambda x: np.linalg.solve(x, _any[:100]), _definite),
    "linalg.solve, triangular": (lambda x: np.linalg.solve(np.tril(x), _any[:100]), _lower),
    "linalg.lstsq": (lambda x: np.linalg.lstsq(x, _any[:100], rcond=None)[0], _matrix),
    "linalg.slogdet": (lambda x: np.linalg.slogdet(x)[1], _definite),
    "linalg.eigh, vectors": (lambda x: np.linalg.eigh(x)[1] ** 2, _definite),
    "linalg.svd": (lambda x: np.linalg.svd(x, full_matrices=False)[1], _matrix),
    "linalg.qr": (lambda x: np.linalg.qr(x)[1], _matrix),
    "fft": (lambda x: np.abs(np.fft.fft(x)), _any),
    "rfft": (lambda x: np.abs(np.fft.rfft(x)), _any),
    "fft2": (lambda x: np.abs(np.fft.fft2(x)), _matrix),
    "float32": (lambda x: np.sin(x.astype(np.float32)), _any),
    "float16": (lambda x: np.sin(x.astype(np.float16)).astype(np.float64), _any),
    "erf": (lambda x: scipy.special.erf(x), _any),
    "gammaln": (lambda x: scipy.special.gammaln(x), _positive),
    "digamma": (lambda x: scipy.special.digamma(x), _positive),
}


def _softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def _named(name: str) -> Callable:
    of: Any = np
    for part in name.split("."):
        of = getattr(of, part)
    return lambda x: of(x)


FUNCTIONS = {name: (_named(name), x) for names, x in _ON.items() for name in names.split()} | _MORE


def cases(quick: bool) -> list[Case]:
    """Functions of 10,000 numbers or of 100 x 100 matrices, and gradients of their weighted sums."""
    found = []
    for name, (function, x) in FUNCTIONS.items():
        size = "x".join(f"{n:,}" for n in x.shape)
        values = {"NumPy": partial(_numpy, function, x), "funcgrad": partial(_compiled, function, x)}
        slopes = {
            "interpreted": partial(_gradient, False, function, x),
            "funcgrad": partial(_gradient, True, function, x),
        }
        tolerance = 1e-3 if name.startswith("float") else 1e-6
        found += [
            Case("functions", name, size, "function", values, tolerance=tolerance),
            Case("functions", name, size, "gradient", slopes, tolerance=tolerance),
        ]
    return found


def _numpy(function: Callable, x: np.ndarray) -> Call:
    return Call(lambda: function(x))


def _compiled(function: Callable, x: np.ndarray) -> Call:
    import funcgrad as fg

    compiled = fg.jit(function)
    return Call(lambda: compiled(x))


def _gradient(compiled: bool, function: Callable, x: np.ndarray) -> Call:
    import funcgrad as fg

    weights = np.random.default_rng(1).normal(size=np.shape(function(x)))
    gradient = fg.grad(lambda x: np.sum(function(x) * weights))
    gradient = fg.jit(gradient) if compiled else gradient
    return Call(lambda: gradient(x))
