"""Compute the polynomial coefficients of the kernels with mpmath; run, it prints `coefficients.py`.

Every table is a weighted minimax polynomial found with the Remez exchange: degree + 2 points of a dense
Chebyshev grid are exchanged until the weighted error alternates with equal size on all of them (E. W.
Cheney, Introduction to Approximation Theory, 1966, ch. 3). The weight turns the error of the polynomial
into the relative error of the function that the kernel returns. Work is done with 60 digits; only the final
coefficients are rounded, to the nearest float of the kernel's own format.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

__all__ = ["Table", "remez", "tables"]

DIGITS = 60


@dataclass(frozen=True)
class Table:
    """A polynomial to fit; `count` holds the numbers of coefficients for the formats F64, F32, SHORT."""

    name: str
    formula: str
    function: Callable
    weight: Callable
    low: float
    high: float
    count: tuple[int, int, int]


def remez(function: Callable, weight: Callable, low, high, count: int) -> tuple[list, mp.mpf]:
    """Return the `count` coefficients of least maximal weighted error on [low, high], and that error."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    size = 24 * count + 100
    grid = [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * size)) for i in range(size)]
    values = [function(x) for x in grid]
    weights = [weight(x) for x in grid]
    points = [round((size - 1) * k / count) for k in range(count + 1)]
    for _ in range(30):
        system, right = mp.matrix(count + 1, count + 1), mp.matrix(count + 1, 1)
        for row, p in enumerate(points):
            for power in range(count):
                system[row, power] = grid[p] ** power
            system[row, count] = (-1) ** row / weights[p]
            right[row] = values[p]
        solution = mp.lu_solve(system, right)
        coefficients = [solution[k] for k in range(count)]
        errors = [
            w * (v - mp.polyval(coefficients[::-1], x)) for x, v, w in zip(grid, values, weights, strict=True)
        ]
        worst = max(abs(e) for e in errors)
        if worst < abs(solution[count]) * mp.mpf("1.02"):
            break
        points = _alternation(errors, count + 1)
    return coefficients, worst


def _alternation(errors: list, wanted: int) -> list[int]:
    """Return the places of `wanted` extrema of alternating sign, the largest ones."""
    places = [0]
    for i, error in enumerate(errors):
        if (error > 0) == (errors[places[-1]] > 0):
            if abs(error) > abs(errors[places[-1]]):
                places[-1] = i
        else:
            places.append(i)
    while len(places) > wanted:
        if len(places) == wanted + 1:
            places.pop(0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1)
        else:
            k = min(range(len(places) - 1), key=lambda k: abs(errors[places[k]]) + abs(errors[places[k + 1]]))
            del places[k : k + 2]
    if len(places) < wanted:
        raise ArithmeticError(f"the error changes its sign {len(places)} times, {wanted} are needed")
    return places


def _series(terms: Callable, count: int = 40) -> Callable:
    """Return the sum of `terms(k) * x**k`: functions whose closed form cancels near 0."""
    table = [mp.mpf(terms(k)) for k in range(count)]
    return lambda x: mp.polyval(table[::-1], x)


def _one(x):
    return mp.mpf(1)


def _erfcx(v):
    s = v + mp.mpf(7) / 16
    x = 4 * s / (1 - s)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def _log_erfc(x):
    return (mp.log(mp.erfc(x)) / x + 2 / mp.sqrt(mp.pi)) / x


def _erf_weight(x):
    return mp.erfc(x) * x * x / mp.erf(x)


def _erfinv(w):
    y = mp.sqrt(-mp.expm1(-w))
    x = mp.erfinv(y) if w < 6 else _erfcinv(-mp.expm1(mp.log(-mp.expm1(-w)) / 2))
    return x / y


def _erfcinv(c):
    guess = mp.sqrt(-mp.log(c))
    return mp.findroot(lambda x: mp.log(mp.erfc(x)) - mp.log(c), guess)


def _stirling(w):
    return _stirling_rest(1 / mp.sqrt(w))


def _stirling_rest(x):
    return (mp.loggamma(x) - (x - mp.mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x


def _digamma_rest(w):
    x = 1 / mp.sqrt(w)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) * x * x


REALS = (np.float64, np.float32, np.float64)


def tables() -> list[Table]:
    """Return every table; call it and fit within `mp.workdps(DIGITS)`."""
    digamma_zero = mp.findroot(mp.digamma, 1.4616321449683623)
    half_ln2, ln2, root = 0.34666, mp.log(2), mp.sqrt(2)
    return [
        Table(
            "EXP",
            "(exp(r) - 1 - r) / r^2",
            _series(lambda k: 1 / mp.factorial(k + 2)),
            lambda r: abs(r),
            -half_ln2,
            half_ln2,
            (10, 5, 0),
        ),
        Table(
            "EXP2",
            "(2^r - 1) / r",
            _series(lambda k: ln2 ** (k + 1) / mp.factorial(k + 1)),
            _one,
            -0.5001,
            0.5001,
            (11, 6, 7),
        ),
        Table(
            "LOG",
            "(log(1+f) - f + f^2/2) / f^3",
            lambda f: (mp.log1p(f) - f + f * f / 2) / f**3,
            lambda f: f * f * (f / mp.log1p(f)),
            1 / root - 1.00001,
            root - 0.99999,
            (19, 8, 13),
        ),
        Table(
            "LOG2",
            "(log2(1+f) - f*log2(e)) / f^2",
            lambda f: (mp.log1p(f) - f) / f**2 / ln2,
            lambda f: f * (f / mp.log1p(f)),
            1 / root - 1.00001,
            root - 0.99999,
            (20, 9, 13),
        ),
        Table(
            "LOG10",
            "(log10(1+f) - f*log10(e)) / f^2",
            lambda f: (mp.log1p(f) - f) / f**2 / mp.log(10),
            lambda f: f * (f / mp.log1p(f)),
            1 / root - 1.00001,
            root - 0.99999,
            (20, 9, 0),
        ),
        Table(
            "SIN",
            "(sin(r) - r) / r^3, of r^2",
            _series(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 3)),
            lambda z: z,
            0,
            0.625,
            (6, 3, 0),
        ),
        Table(
            "COS",
            "(cos(r) - 1 + r^2/2) / r^4, of r^2",
            _series(lambda k: (-1) ** k / mp.factorial(2 * k + 4)),
            lambda z: z * z,
            0,
            0.625,
            (6, 3, 0),
        ),
        Table(
            "SINPI",
            "(sin(pi*f) - pi*f) / f^3, of f^2",
            _series(lambda k: (-1) ** (k + 1) * mp.pi ** (2 * k + 3) / mp.factorial(2 * k + 3)),
            lambda z: z,
            0,
            0.25,
            (8, 5, 6),
        ),
        Table(
            "SINC",
            "(sin(pi*f)/(pi*f) - 1) / f^2, of f^2",
            _series(lambda k: (-1) ** (k + 1) * mp.pi ** (2 * k + 2) / mp.factorial(2 * k + 3)),
            lambda z: z,
            0,
            0.25,
            (8, 5, 6),
        ),
        Table(
            "SINH",
            "(sinh(x) - x) / x^3, of x^2",
            _series(lambda k: 1 / mp.factorial(2 * k + 3)),
            lambda z: z,
            0,
            1,
            (7, 3, 0),
        ),
        Table(
            "ARCSIN",
            "(arcsin(x) - x) / x^3, of x^2",
            _series(lambda k: mp.binomial(2 * k + 2, k + 1) / mp.mpf(4) ** (k + 1) / (2 * k + 3), 110),
            lambda z: z,
            0,
            0.25,
            (12, 5, 0),
        ),
        Table(
            "ARCTAN",
            "(arctan(t) - t) / t^3, of t^2",
            _series(lambda k: mp.mpf((-1) ** (k + 1)) / (2 * k + 3), 90),
            lambda z: z,
            0,
            0.1717,
            (10, 5, 0),
        ),
        Table(
            "CBRT",
            "m^(-1/3)",
            lambda m: m ** (-mp.mpf(1) / 3),
            lambda m: m ** (mp.mpf(1) / 3),
            0.7071,
            1.41422,
            (5, 4, 0),
        ),
        Table(
            "POWER",
            "(2*artanh(s)/(s*ln 2) - c0 - c1*s^2) / s^4, of s^2",
            _series(lambda k: 2 / ((2 * k + 5) * ln2)),
            lambda z: z * z,
            0,
            0.02945,
            (8, 0, 0),
        ),
        Table("ERF", "(log(erfc(x))/x + 2/sqrt(pi)) / x", _log_erfc, _erf_weight, 1e-15, 6, (22, 8, 0)),
        Table(
            "ERFC",
            "((1 + 2*x) * exp(x^2) * erfc(x) - 1) / s, of s - 7/16 with s = x/(x+4)",
            lambda v: (_erfcx(v) - 1) / (v + mp.mpf(7) / 16),
            lambda v: (v + mp.mpf(7) / 16) / _erfcx(v),
            -0.4375,
            0.435,
            (23, 12, 0),
        ),
        Table(
            "GAMMALN",
            "(gammaln(2 + t)/t - (1 - euler)) / t",
            lambda t: (mp.loggamma(2 + t) / t - (1 - mp.euler)) / t,
            lambda t: t * t / mp.loggamma(2 + t),
            -0.5,
            0.5,
            (18, 0, 10),
        ),
        Table(
            "STIRLING",
            "x * (gammaln(x) - (x-1/2)*log(x) + x - log(2*pi)/2), of 1/x^2",
            _stirling,
            _one,
            1e-12,
            1 / 36,
            (8, 0, 4),
        ),
        Table(
            "DIGAMMA",
            "digamma(x) / (x - x0), of x - 3/2",
            lambda u: mp.digamma(1.5 + u) / (1.5 + u - digamma_zero),
            lambda u: (1.5 + u - digamma_zero) / mp.digamma(1.5 + u),
            -0.5,
            0.5,
            (21, 0, 12),
        ),
        Table(
            "DIGAMMA_LARGE",
            "x^2 * (log(x) - 1/(2*x) - digamma(x)), of 1/x^2",
            _digamma_rest,
            _one,
            1e-12,
            1 / 36,
            (8, 0, 4),
        ),
        Table(
            "ERFINV_CENTRE",
            "(erfinv(y)/y - sqrt(pi)/2) / w, of w - 3/2 with w = -log(1-y^2)",
            lambda u: (_erfinv(u + mp.mpf(3) / 2) - mp.sqrt(mp.pi) / 2) / (u + mp.mpf(3) / 2),
            lambda u: (u + mp.mpf(3) / 2) / _erfinv(u + mp.mpf(3) / 2),
            -1.5 + 1e-9,
            4.76,
            (22, 0, 12),
        ),
        Table(
            "ERFINV_TAIL",
            "erfinv(y)/y, of sqrt(w) - 21/5",
            lambda u: _erfinv((u + mp.mpf("4.2")) ** 2),
            lambda u: 1 / _erfinv((u + mp.mpf("4.2")) ** 2),
            -1.7,
            1.9,
            (28, 0, 14),
        ),
    ]


def _rounded(value: mp.mpf, real: type) -> str:
    """Write the float nearest to `value` with the fewest digits that read back exactly."""
    with mp.workprec(np.finfo(real).nmant + 1):
        return str(real(+value))


def print_tables() -> None:
    """Print the source of `coefficients.py`."""
    print('"""Minimax coefficients of the kernels, lowest power first, as `fit` prints them."""\n')
    print("# fmt: off")
    for table in tables():
        for suffix, real, count in zip(("64", "32", "SHORT"), REALS, table.count, strict=True):
            if not count:
                continue
            coefficients, error = remez(table.function, table.weight, table.low, table.high, count)
            power = float(mp.log(error, 2))
            print(f"\n# {table.formula} on [{table.low:.6g}, {table.high:.6g}]: error 2^{power:.1f}")
            numbers = [_rounded(c, real) for c in coefficients]
            lines = [", ".join(numbers[k : k + 4]) for k in range(0, count, 4)]
            print(f"{table.name}_{suffix} = (\n    " + ",\n    ".join(lines) + ",\n)")


if __name__ == "__main__":
    with mp.workdps(DIGITS):
        print_tables()
