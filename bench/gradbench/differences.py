"""How far an eval's output is from the plain NumPy reference: its values, or their differences.

Reference: Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998).
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from bench.gradbench.reference import DESCENTS, REFERENCES

__all__ = ["along", "apart", "central", "gradient", "judge", "relative"]

STEP = 1e-30  # of a complex step, from which nothing is subtracted
DIRECTIONS = 4  # of each kind, in a variable too large for all its unit vectors


def relative(got: Any, want: Any) -> float:
    """Return max|got - want| / max|want|: 0 where both are zero, infinity where shapes differ."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    if got.shape != want.shape:
        return np.inf
    gap, scale = np.abs(got - want).max(initial=0.0), np.abs(want).max(initial=0.0)
    return float(gap / scale) if gap else 0.0


def apart(got: Any, want: Any) -> float:
    """Return the largest `relative` of the parts of two outputs: of each list and number in their objects."""
    if isinstance(want, dict):
        if not isinstance(got, dict) or got.keys() != want.keys():
            return np.inf
        return max(apart(got[name], part) for name, part in want.items())
    return relative(got, want)


def along(f: Callable, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the derivative of f at x in a direction, by a complex step."""
    return f(x + 1j * STEP * direction).imag / STEP


def gradient(f: Callable, x: np.ndarray) -> np.ndarray:
    """Return the gradient at a real x by complex steps."""
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([along(f, x, unit) for unit in units]).reshape(x.shape)


def central(f: Callable, x: np.ndarray, step: float = 3e-3) -> np.ndarray:
    """Return the gradient at a complex x by differences of fourth order."""
    slope = lambda e: (8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * step)
    return np.array([slope(step * unit) for unit in np.eye(x.size)])


def _directions(x: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the directions to try: all unit vectors, or a few of them and a few random ones."""
    few = x.size <= 32
    for i in range(x.size) if few else rng.choice(x.size, DIRECTIONS, replace=False):
        unit = np.zeros(x.size)
        unit[i] = 1.0
        yield unit.reshape(x.shape)
    for _ in range(0 if few else DIRECTIONS):
        yield rng.standard_normal(x.shape)


def _value(module: str, given: Any, output: Any) -> float:
    f, variables = REFERENCES[module](given)
    want = f(**variables)
    if module == "ba":
        copies = {"repeated": given["p"]}
        want = {"reproj_error": {"elements": want[:2], **copies}, "w_err": {"element": want[2], **copies}}
    return apart(output, want)


def _jacobians(module: str, output: Any, variables: dict[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """Return an output as the derivative of the values by each variable; None where its sizes are wrong."""
    sizes = [x.size for x in variables.values()]
    if module == "gmm":
        parts = {name: np.asarray(part) for name, part in output.items()}
        shapes = {name: part.shape for name, part in parts.items()}
        return parts if shapes == {name: x.shape for name, x in variables.items()} else None
    rows = np.atleast_1d(output["vals"] if module == "ba" else output)
    if module == "ba" and rows.shape == (31,):  # two rows of 15, and what is not zero in a third
        rows = np.append(rows[:-1], [0.0] * 14 + [rows[-1]]).reshape(3, 15)
    if rows.shape[-1] != sum(sizes):
        return None
    return dict(zip(variables, np.split(rows, np.cumsum(sizes)[:-1], axis=-1), strict=True))


def _derivative(module: str, given: Any, output: Any) -> float:
    f, variables = REFERENCES[module](given)
    if module == "ode":  # the last value is what is differentiated
        whole = f
        f = lambda x: whole(x)[-1]
    jacobians = _jacobians(module, output, variables)
    if jacobians is None:
        return np.inf
    rng, worst = np.random.default_rng(0), 0.0
    for name, x in variables.items():
        one = lambda x, name=name: f(**{**variables, name: x})
        directions = list(_directions(x, rng))
        want = np.array([along(one, x, direction) for direction in directions])
        if jacobians[name].size != want[0].size * x.size:
            return np.inf
        flat = jacobians[name].reshape(*want.shape[1:], x.size)
        worst = max(worst, relative([flat @ direction.ravel() for direction in directions], want))
    return worst


def _sparsity(given: dict, output: dict) -> bool:
    """Return whether the rows and columns of ba's Jacobian are where they should be."""
    n, m, p = (given[size] for size in "nmp")
    if p < 15:  # then the first 30 rows are not all of errors
        raise ValueError(f"expected at least 15 observations, got {p}")
    columns = [*range(11), *range(11 * n, 11 * n + 3), 11 * n + 3 * m]
    return output["rows"] == [*range(0, 450, 15), 31 * p] and output["cols"] == [
        *columns, *columns, 11 * n + 3 * m + p - 1
    ]  # fmt: skip


def _newton(given: dict, output: Any) -> float:
    """Return the error of a few elements of the gradient over the Hessian's diagonal.

    The second derivative is a central difference of complex steps: the cost is quadratic in each element, but for
    points that are as near to another centroid.
    """
    cost, variables = REFERENCES["kmeans"](given)
    x, step, got, want = variables["centroids"], 1e-6, [], []
    rng = np.random.default_rng(0)
    for i in rng.choice(x.size, min(2 * DIRECTIONS, x.size), replace=False):
        unit = np.zeros(x.size)
        unit[i] = 1.0
        unit = unit.reshape(x.shape)
        slope, low, high = (along(cost, x + k * step * unit, unit) for k in (0, -1, 1))
        got.append(np.ravel(output)[i])
        want.append(slope / ((high - low) / (2 * step)))
    return relative(got, want) if np.shape(output) == x.shape else np.inf


def judge(module: str, given: Any) -> Callable[[str, Any], float]:
    """Return what gives the relative error of (function, output): the largest of all the output's parts."""
    ends = cache(lambda: DESCENTS[module](given, inner=central, outer=gradient))  # the same for all four

    def error(function, output):
        if module in DESCENTS:
            return apart(output, ends())
        if function in ("square", "primal", "objective", "cost"):
            return _value(module, given, output)
        if module == "kmeans":
            return _newton(given, output)
        if module == "ba" and not _sparsity(given, output):
            return np.inf
        return _derivative(module, given, output)

    return error
