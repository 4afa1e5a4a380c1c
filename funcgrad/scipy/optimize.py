"""scipy.optimize for differentiable problems: SciPy solves, and solutions are differentiated by their equations."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcgrad import heavy
from funcgrad.control.implicit import custom_root
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.creation import asarray
from funcgrad.transforms.grad import grad
from funcgrad.transforms.jacobian import jacobian

__all__ = ["Solution", "least_squares", "minimize", "root"]


class Solution(NamedTuple):
    """What a solver found.

    Attributes:
        x: the solution, which can be differentiated by what the function closes over and by `args`.
        fun: the function there.
        success, message, nit, nfev: what SciPy says of its way there (0 where it does not count).
    """

    x: Any
    fun: Any
    success: bool
    message: str
    nit: int
    nfev: int


def _guess(owner: str, x0: Any) -> Any:
    """Return a first guess as a vector of floating-point numbers."""
    x = asarray(x0)
    if len(shape_of(x)) != 1:
        raise ShapeError(
            f"{owner}: expected x0 with one axis, got {type_of(x)}.",
            hint="pass np.atleast_1d(x0) or x0.ravel(); the function is given such a vector.",
        )
    return x if dtype_of(x).kind in "fc" else x.astype(np.float64)


def _report(found: list[Any]) -> tuple[bool, str, int, int]:
    if not found:
        return True, "solved when the program runs", 0, 0
    result = found[-1]
    return (
        bool(result.success),
        str(result.message),
        int(getattr(result, "nit", 0)),
        int(getattr(result, "nfev", 0)),
    )


def root(
    fun: Callable, x0: Any, args: tuple = (), method: str = "hybr", tol: float | None = None
) -> Solution:
    """Find a root of a vector function, as `scipy.optimize.root`, with exact Jacobians.

    Args:
        fun: `fun(x, *args)`, as many equations as unknowns.
        x0: the first guess, a vector.
        args: further arguments, by which the solution can be differentiated (as by what `fun` closes over).
        method, tol: SciPy's.

    Derivative: by the implicit function theorem, in both directions, to any order; see `fg.custom_root`.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> f = lambda a: fg.scipy.optimize.root(lambda x: x**3 + x - a, np.ones(1)).x[0]
    >>> round(float(fg.grad(f)(2.0)), 6)
    0.25
    """
    found: list[Any] = []

    def solve(f, guess):
        result = heavy.scipy_optimize().root(f, guess, jac=jacobian(f), method=method, tol=tol)
        found.append(result)
        return result.x

    equations = lambda x: asarray(fun(x, *args))
    x = custom_root(equations, _guess("root", x0), solve, compiled=True)
    return Solution(x, equations(x), *_report(found))


def minimize(
    fun: Callable,
    x0: Any,
    args: tuple = (),
    method: str = "BFGS",
    tol: float | None = None,
    options: dict[str, Any] | None = None,
) -> Solution:
    """Find a minimum of a scalar function, as `scipy.optimize.minimize`, with exact gradients.

    Args:
        fun: `fun(x, *args)`, one number.
        x0: the first guess, a vector.
        args: further arguments, by which the minimum can be differentiated (as by what `fun` closes over).
        method: a method of SciPy's that takes gradients, such as "BFGS", "L-BFGS-B", "CG", "Newton-CG".
        tol, options: SciPy's. Derivatives are as exact as the minimum: a small `tol` serves both.

    Derivative: by the implicit function theorem at the point where the gradient is zero; the Hessian there must not
    be singular.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> f = lambda a: fg.scipy.optimize.minimize(lambda x: np.sum((x - a) ** 2), np.zeros(2)).x.sum()
    >>> round(float(fg.grad(f)(3.0)), 6)
    2.0
    """
    found: list[Any] = []

    def solve(slope, guess, value):
        result = heavy.scipy_optimize().minimize(
            value, guess, jac=slope, method=method, tol=tol, options=options
        )
        found.append(result)
        return result.x

    objective = lambda x: fun(x, *args)
    x = custom_root(grad(objective), _guess("minimize", x0), solve, also=objective, compiled=True)
    return Solution(x, fun(x, *args), *_report(found))


def least_squares(
    fun: Callable,
    x0: Any,
    args: tuple = (),
    method: str = "trf",
    ftol: float = 1e-12,
    xtol: float = 1e-12,
    gtol: float = 1e-12,
) -> Solution:
    """Find the x with the least sum of squares of a vector function, as `scipy.optimize.least_squares`.

    Args:
        fun: `fun(x, *args)`, a vector of residuals.
        x0: the first guess, a vector.
        args: further arguments, by which the solution can be differentiated.
        method, ftol, xtol, gtol: SciPy's.

    Returns:
        a Solution whose `fun` are the residuals.

    Derivative: of the point where the gradient of half the sum of squares is zero.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> t = np.array([0.0, 1.0, 2.0])
    >>> fit = lambda y: fg.scipy.optimize.least_squares(lambda p: p[0] + p[1] * t - y, np.zeros(2)).x[1]
    >>> bool(np.allclose(fg.grad(fit)(np.array([1.0, 2.0, 2.5])), [-0.5, 0.0, 0.5]))
    True
    """
    found: list[Any] = []

    def differences(x):
        return asarray(fun(x, *args))

    def half(x):
        r = differences(x)
        return np.sum(r * r) / 2

    def solve(slope, guess, residuals):
        result = heavy.scipy_optimize().least_squares(
            residuals, guess, jac=jacobian(residuals), method=method, ftol=ftol, xtol=xtol, gtol=gtol
        )
        found.append(result)
        return result.x

    guess = _guess("least_squares", x0)
    x = custom_root(grad(half), guess, solve, also=differences, compiled=True)
    return Solution(x, differences(x), *_report(found))
