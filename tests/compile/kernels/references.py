"""What each kernel must return: mpmath's function, the points to try, the bound in ulps."""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

from funcgrad.compile.kernels import library

__all__ = ["REFERENCES", "Reference", "errors", "exact", "sample", "ulps"]

PRECISION = 200


@dataclass(frozen=True)
class Reference:
    """A kernel's exact function, where to sample it, its bound, the largest term of a sum that may cancel."""

    function: Callable
    ranges: tuple[tuple[float, float], ...]
    bound: float = 2.0
    domain: tuple[float, float] = (-np.inf, np.inf)
    terms: Callable | None = None
    arity: int = 1


def _log_sum(base: Callable, logarithm: Callable) -> Callable:
    return lambda a, b: max(a, b) + logarithm(1 + base(-abs(a - b)))


def _gammaln(x):
    return mp.log(abs(mp.gamma(x))) if x < 0 else mp.re(mp.loggamma(x))


def _gammaln_terms(x):
    return mp.mpf(0) if x > 0 else max(abs(mp.loggamma(-x)), abs(mp.log(mp.pi / (x * mp.sinpi(x)))))


def _digamma_terms(x):
    return mp.mpf(0) if x > 0 else max(abs(mp.digamma(-x)), abs(1 / x), abs(mp.pi * mp.cot(mp.pi * x)))


def _larger(a, b):
    return max(abs(a), abs(b))


UNIT = ((-1, 1),)
WIDE = ((-30, 30), (-1.5, 1.5))
HUGE = (*WIDE, (-800, 800), (-105, 90))
POSITIVE = ((0, 4), (0.5, 1.5), (0.999, 1.001))
TRIGONOMETRIC = ((-10, 10), (-1e5, 1e5))

REFERENCES = {
    "exp": Reference(mp.exp, HUGE),
    "exp2": Reference(lambda x: mp.mpf(2) ** x, (*HUGE, (-1080, 1030), (-150, 130))),
    "expm1": Reference(mp.expm1, HUGE),
    "logistic": Reference(lambda x: 1 / (1 + mp.exp(-x)), HUGE),
    "log": Reference(mp.log, POSITIVE, domain=(0, np.inf)),
    "log2": Reference(lambda x: mp.log(x, 2), POSITIVE, domain=(0, np.inf)),
    "log10": Reference(mp.log10, POSITIVE, domain=(0, np.inf)),
    "log1p": Reference(mp.log1p, ((-1, 3), (-0.01, 0.01)), domain=(-1, np.inf)),
    "logaddexp": Reference(_log_sum(mp.exp, mp.log), WIDE, terms=_larger, arity=2),
    "logaddexp2": Reference(
        _log_sum(lambda x: mp.mpf(2) ** x, lambda x: mp.log(x, 2)), WIDE, terms=_larger, arity=2
    ),
    "sin": Reference(mp.sin, TRIGONOMETRIC),
    "cos": Reference(mp.cos, TRIGONOMETRIC),
    "tan": Reference(mp.tan, TRIGONOMETRIC),
    "sinc": Reference(mp.sincpi, ((-10, 10), (-1000, 1000))),
    "arcsin": Reference(mp.asin, UNIT, domain=(-1, 1)),
    "arccos": Reference(mp.acos, UNIT, domain=(-1, 1)),
    "arctan": Reference(mp.atan, ((-1, 1), (-5, 5))),
    "arctan2": Reference(mp.atan2, ((-1, 1), (-5, 5)), arity=2),
    "sinh": Reference(mp.sinh, HUGE),
    "cosh": Reference(mp.cosh, HUGE),
    "tanh": Reference(mp.tanh, ((-1, 1), (-20, 20))),
    "tanh_slope": Reference(lambda x: mp.sech(x) ** 2, ((-1, 1), (-20, 20)), bound=5.0),
    "arcsinh": Reference(mp.asinh, ((-1, 1), (-20, 20))),
    "arccosh": Reference(mp.acosh, ((1, 1.01), (1, 20)), domain=(1, np.inf)),
    "arctanh": Reference(mp.atanh, UNIT, domain=(-0.99999999, 0.99999999)),
    "cbrt": Reference(lambda x: mp.sign(x) * mp.cbrt(abs(x)), WIDE),
    "power": Reference(lambda x, y: x**y, ((0, 3), (0, 20)), domain=(0, np.inf), arity=2),
    "hypot": Reference(mp.hypot, WIDE, arity=2),
    "erf": Reference(mp.erf, ((-1, 1), (-4, 4), (-7, 7)), 4.0),
    "erfc": Reference(mp.erfc, ((-1, 1), (-4, 28), (-4, 11)), 4.0, domain=(-110, 110)),
    "erfinv": Reference(mp.erfinv, UNIT, 4.0, domain=(-0.99999999, 0.99999999)),
    "gammaln": Reference(
        _gammaln, ((0, 3), (0.99, 1.01), (1.99, 2.01), (0, 12), (-8, 0)), 4.0, (-1e3, np.inf), _gammaln_terms
    ),
    "digamma": Reference(
        mp.digamma, ((0, 3), (1.45, 1.47), (0, 12), (-8, 0)), 4.0, (-1e3, np.inf), _digamma_terms
    ),
}


def sample(name: str, dtype: str, count: int, seed: int = 0) -> list[np.ndarray]:
    """Return `count` random arguments: half over the whole range, half in the ranges of interest."""
    reference, info, rng = REFERENCES[name], np.finfo(dtype), np.random.default_rng(seed)
    low, high = reference.domain
    limit = library.LIMITS.get((name, dtype), np.inf)
    arguments = []
    for _ in range(reference.arity):
        exponents = rng.uniform(np.log2(float(info.smallest_subnormal)), info.maxexp, count // 2 + 1)
        parts = [np.exp2(exponents) * rng.choice([-1.0, 1.0], exponents.size)]
        each = count // (2 * len(reference.ranges)) + 1
        parts += [rng.uniform(*bounds, each) for bounds in reference.ranges]
        arguments.append(np.concatenate(parts))
    if name == "power":
        x, y = np.abs(arguments[0]), arguments[1]
        # Exponents for which the result fills the whole range, from x near 1 to x huge.
        spread = rng.uniform(1.05 * info.minexp - info.nmant, 1.01 * info.maxexp, y.size)
        x = np.where(
            rng.random(x.size) < 0.3, 1 + rng.normal(size=x.size) * 10 ** rng.uniform(-6, -1, x.size), x
        )
        arguments = [x, np.where(np.abs(y) < 20, y, spread / np.log2(np.maximum(x, 1e-300)))]
    elif reference.arity == 2 and reference.terms is None:
        near = rng.random(count) < 0.3
        with np.errstate(over="ignore"):
            close = arguments[0][:count] * rng.uniform(-4, 4, count)
        arguments[1][:count] = np.where(near, close, arguments[1][:count])
    with np.errstate(over="ignore"):
        arguments = [a.astype(dtype) for a in arguments]
    keep = np.logical_and.reduce([np.isfinite(a) & (abs(a) <= limit) for a in arguments])
    keep &= (arguments[0] > low) & (arguments[0] < high)
    if name in {"gammaln", "digamma"}:
        keep &= (arguments[0] > 0) | (arguments[0] != np.rint(arguments[0]))
    return [a[keep] for a in arguments]


def exact(function: Callable, arguments: list[np.ndarray]) -> list:
    """Return the exact values."""
    with mp.workprec(PRECISION):
        return [function(*map(mp.mpf, point)) for point in zip(*[a.tolist() for a in arguments], strict=True)]


def errors(name: str, result: np.ndarray, arguments: list[np.ndarray]) -> np.ndarray:
    """Return each result's error in ulps of the exact value, or of the largest term where terms cancel."""
    reference = REFERENCES[name]
    wanted = exact(reference.function, arguments)
    terms = exact(reference.terms, arguments) if reference.terms else wanted
    with mp.workprec(PRECISION):
        return np.array(
            [ulps(*one, result.dtype) for one in zip(result.tolist(), wanted, terms, strict=True)]
        )


def ulps(result: float, wanted: mp.mpf, term: mp.mpf, dtype: np.dtype) -> float:
    """Return |result - wanted| in units of the last place of the larger of `wanted` and `term`.

    A result and an exact value beyond the largest float are both taken for the power of two after it.
    """
    info = np.finfo(dtype)
    ceiling = mp.mpf(2) ** info.maxexp
    if np.isnan(result):
        return np.inf
    result, wanted = (max(min(mp.mpf(v), ceiling), -ceiling) for v in (result, wanted))
    size = max(abs(wanted), abs(term))
    exponent = info.minexp if size == 0 else min(max(mp.frexp(size)[1] - 1, info.minexp), info.maxexp - 1)
    return float(abs(result - wanted) * mp.mpf(2) ** (info.nmant - exponent))
