"""scipy.special for plain and traced arrays: normalizations, error and gamma functions, entropies.

SciPy's own functions of these names can be called on traced arrays as well.
"""

from typing import Any

import numpy as np

from funcgrad.core.tracer import UFUNCS
from funcgrad.numpy.arguments import as_array, as_axes, astype
from funcgrad.numpy.queries import result_type
from funcgrad.primitives import normalization, special
from funcgrad.primitives.broadcasting import reduce_sum, reshape
from funcgrad.primitives.exponential import exp, log, log1p, logaddexp
from funcgrad.primitives.logic import equal, isfinite, isnan, less, less_equal, select
from funcgrad.primitives.reduction import reduce_max
from funcgrad.transforms.custom import stop_gradient_p

__all__ = [
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "expit",
    "gammaln",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "softmax",
    "xlog1py",
    "xlogy",
]


def _shifted(name, x, axis):
    """Return x minus its maximum (a constant: it cancels), the maximum, and the axes."""
    x = as_array(x)
    x = x if x.dtype.kind == "f" else astype(x, float)
    axes = as_axes(name, axis, x.ndim)
    top = reduce_max(stop_gradient_p(x), axes=axes, keepdims=True)
    top = select(isfinite(top), top, np.zeros((), x.dtype))
    return x - top, top, axes


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(b exp(a))) over `axis`, without overflow, as `scipy.special.logsumexp`.

    Derivative: softmax(a) (weighted by b); 0 where all elements are -inf.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(fg.scipy.special.logsumexp)(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    a = as_array(a)
    a = a if a.dtype.kind == "f" else astype(a, float)
    axes = as_axes("logsumexp", axis, a.ndim)
    if b is None:
        return normalization.logsumexp(a, axes=axes, keepdims=bool(keepdims))
    shifted, top, axes = _shifted("logsumexp", a, axis)
    total = log(reduce_sum(as_array(b) * exp(shifted), axes=axes, keepdims=True)) + top
    return (
        total
        if keepdims
        else reshape(total, shape=tuple(n for i, n in enumerate(total.shape) if i not in axes))
    )


def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x) / sum(exp(x)) over `axis`, without overflow, as `scipy.special.softmax`."""
    shifted, _, axes = _shifted("softmax", x, axis)
    terms = exp(shifted)
    return terms / reduce_sum(terms, axes=axes, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return log(softmax(x)) over `axis`, without overflow, as `scipy.special.log_softmax`."""
    shifted, _, axes = _shifted("log_softmax", x, axis)
    return shifted - log(reduce_sum(exp(shifted), axes=axes, keepdims=True))


def _inexact(x: Any) -> Any:
    x = as_array(x)
    return x if x.dtype.kind in "fc" else astype(x, float)


def _inexact_pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Return two operands in their common inexact dtype; a Python number takes that of an array beside it."""
    dtype = result_type(x, y)
    dtype = dtype if dtype.kind in "fc" else np.dtype(float)
    return astype(as_array(x), dtype), astype(as_array(y), dtype)


def erf(x: Any) -> Any:
    """Return the error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return special.erf(_inexact(x))


def erfc(x: Any) -> Any:
    """Return 1 - erf(x), precise where x is large."""
    return special.erfc(_inexact(x))


def erfinv(x: Any) -> Any:
    """Return the inverse of erf; its derivative at -1 and 1 is infinite."""
    return special.erfinv(_inexact(x))


def expit(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return special.logistic(_inexact(x))


def logit(x: Any) -> Any:
    """Return log(x / (1 - x)), the inverse of expit."""
    x = _inexact(x)
    return log(x) - log1p(-x)


def log_expit(x: Any) -> Any:
    """Return log(expit(x)), precise where that is near 0 and without overflow."""
    return -logaddexp(0.0, -_inexact(x))


def ndtr(x: Any) -> Any:
    """Return the distribution function of the standard normal distribution."""
    return erfc(-_inexact(x) * _HALF_ROOT) / 2


def log_ndtr(x: Any) -> Any:
    """Return the logarithm of ndtr(x), by its asymptotic series where x is far below 0.

    Reference: Abramowitz and Stegun (1964), 26.2.12.
    """
    x = _inexact(x)
    far = less(x, _FAR)
    tail = select(far, x, _FAR)
    t = 1 / (tail * tail)
    series = 1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t * (1 - 9 * t))))
    below = -tail * tail / 2 - log(-tail) - _LOG_ROOT_2PI + log(series)
    x = select(far, _FAR, x)
    upper = less(0.0, x)  # there ndtr is near 1, and has no digits left of what is missing
    above = log1p(-ndtr(-select(upper, x, 0.0)))
    return select(far, below, select(upper, above, log(ndtr(select(upper, 0.0, x)))))


def ndtri(p: Any) -> Any:
    """Return the inverse of ndtr, precise where p is near 0."""
    return special.ndtri(_inexact(p))


def gammaln(x: Any) -> Any:
    """Return log(abs(gamma(x)))."""
    return special.gammaln(_inexact(x))


def digamma(x: Any) -> Any:
    """Return the derivative of gammaln."""
    return special.digamma(_inexact(x))


psi = digamma


def polygamma(n: int, x: Any) -> Any:
    """Return the derivative of digamma, `n` times (a number known now)."""
    n = int(n)
    return digamma(x) if n == 0 else special.polygamma(_inexact(x), order=n)


def betaln(a: Any, b: Any) -> Any:
    """Return log(abs(beta(a, b))), precise where one or both of a and b are large.

    Reference: DiDonato and Morris (1992), "Algorithm 708", ACM TOMS 18(3), section 9.
    """
    a, b = _inexact_pair(a, b)
    swap = less(a, b)
    p, q = select(swap, a, b), select(swap, b, a)
    near = gammaln(p) + gammaln(q) - gammaln(p + q)
    far = less(0.0, p) & less_equal(10.0, q)  # where gammaln(q) - gammaln(p + q) cancels
    p, q = select(far, p, 1.0), select(far, q, 10.0)
    share = p / (p + q)
    rest = _stirling_correction(q) - _stirling_correction(p + q)
    both = less_equal(10.0, p)
    large, small = select(both, p, 10.0), select(both, 1.0, p)
    one_large = gammaln(small) + rest + small - small * log(p + q) + (q - 0.5) * log1p(-share)
    both_large = (
        _LOG_ROOT_2PI
        - log(q) / 2
        + _stirling_correction(large)
        + rest
        + (large - 0.5) * log(share)
        + q * log1p(-share)
    )
    return select(far, select(both, both_large, one_large), near)


def _stirling_correction(x):
    """gammaln(x) - ((x - 1/2) log(x) - x + log(2 pi) / 2) for x of at least 10."""
    t = 1 / (x * x)
    series = 0.0
    for coefficient in (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        series = series * t + coefficient
    return series / x


def xlogy(x: Any, y: Any) -> Any:
    """Return x log(y), 0 where x is 0 unless y is nan; there both derivatives are 0."""
    x, y = _inexact_pair(x, y)
    return x * log(select(equal(x, 0) & ~isnan(y), 1.0, y))


def xlog1py(x: Any, y: Any) -> Any:
    """Return x log(1 + y), 0 where x is 0."""
    x, y = _inexact_pair(x, y)
    return x * log1p(select(equal(x, 0) & ~isnan(y), 0.0, y))


def entr(x: Any) -> Any:
    """Return -x log(x), 0 at 0 and -inf below."""
    x = _inexact(x)
    return select(less(x, 0), -np.inf, -xlogy(x, select(less(x, 0), 1.0, x)))


_HALF_ROOT = float(np.sqrt(0.5))
_LOG_ROOT_2PI = float(np.log(2 * np.pi) / 2)
_FAR = -20.0

UFUNCS.update(
    {
        "entr": entr, "erf": erf, "erfc": erfc, "erfinv": erfinv, "expit": expit, "gammaln": gammaln, "psi": digamma,
        "log_expit": log_expit, "log_ndtr": log_ndtr, "logit": logit, "ndtr": ndtr, "ndtri": ndtri,
        "xlog1py": xlog1py, "xlogy": xlogy,
    }
)  # fmt: skip
