"""Pairs of normal numbers made of uniform ones (Box and Muller, 1958), to the last bit as PyTorch makes them.

Of float32, PyTorch fills sixteen at a time with AVX2 (normal_fill_AVX2 in DistributionTemplates.h), by the logarithm
and the sine and cosine of Cephes (Moshier, 1992) as avx_mathfun.h has them (Pommier, 2007; Garberoglio, 2012), whose
products and sums the compiler joins: each is rounded once.
"""

import numpy as np

__all__ = ["BLOCK", "normals", "normals_of_float32"]

BLOCK = 16  # eight pairs: the radii are of the first eight numbers, the angles of the others
_CHUNK = 512 * BLOCK  # what stays in a processor's cache meanwhile

_F = np.float32
_SQRT_HALF = _F(0.707106781186547524)
_LOG = tuple(
    map(
        _F,
        (
            7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
            -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
        ),
    )
)  # fmt: skip
_LOG_2 = _F(-2.12194440e-4), _F(0.693359375)  # ln 2 in two parts, the small one first
_QUARTERS = _F(1.27323954473516)  # 4 / pi
_QUARTER_TURN = (
    _F(-0.78515625),
    _F(-2.4187564849853515625e-4),
    _F(-3.77489497744594108e-8),
)  # -pi / 4 in three
_COS = _F(2.443315711809948e-5), _F(-1.388731625493765e-3), _F(4.166664568298827e-2)
_SIN = _F(-1.9515295891e-4), _F(8.3321608736e-3), _F(-1.6666654611e-1)


def normals(u: np.ndarray) -> np.ndarray:
    """Return as many normal numbers as there are uniform ones in [0, 1), in double precision."""
    first, second = u.reshape(-1, 2, BLOCK // 2).swapaxes(0, 1)
    radius, angle = np.sqrt(-2 * np.log(1 - first)), 2 * np.pi * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()


def normals_of_float32(u: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Return as many normal numbers as there are uniform ones in [0, 1), as float32."""
    out = np.empty(u.size, np.float32)
    for start in range(0, u.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        first, second = u[part].astype(np.float32).reshape(-1, 2, BLOCK // 2).swapaxes(0, 1)
        radius = np.sqrt(_F(-2) * _log(_F(1) - first))
        pairs = [_joined(radius * x, _F(std), _F(mean)) for x in _cos_and_sin(_F(2 * np.pi) * second)]
        out[part] = np.stack(pairs, 1).ravel()
    return out


def _joined(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return a * b + c of float32, rounded once."""
    # The product is exact in double precision. Where the sum, rounded to double, lies just between two float32,
    # what was rounded off says which of them is nearer.
    product = a.astype(np.float64) * b
    total = product + c
    between = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if between.any():
        part = total - product
        rest = (product - (total - part)) + (c - part)
        nearer = np.nextafter(total, np.where(rest > 0, np.inf, -np.inf))
        total = np.where(between & (rest != 0), nearer, total)
    return total.astype(np.float32)


def _polynomial(x: np.ndarray, coefficients: tuple) -> np.ndarray:
    y = _joined(x, coefficients[0], coefficients[1])
    for c in coefficients[2:]:
        y = _joined(y, x, c)
    return y


def _log(x: np.ndarray) -> np.ndarray:
    """Return ln x, for 0 < x <= 1: of a mantissa between sqrt(1/2) and sqrt(2), and of an exponent."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < _SQRT_HALF
    e = (exponent - low).astype(np.float32)
    x = (mantissa - _F(1)) + np.where(low, mantissa, _F(0))
    z = x * x
    y = _joined(_polynomial(x, _LOG) * x, z, e * _LOG_2[0])
    return _joined(e, _LOG_2[1], x + (y - z * _F(0.5)))


def _cos_and_sin(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return cos x and sin x, for 0 <= x: by the distance from the nearest even number of eighth turns."""
    eighths = ((x * _QUARTERS).astype(np.int32) + 1) & ~1
    for part in _QUARTER_TURN:
        x = _joined(eighths.astype(np.float32), part, x)
    z = x * x
    cos = _joined(_polynomial(z, _COS) * z, z, z * _F(-0.5)) + _F(1)
    sin = _joined(_polynomial(z, _SIN) * z, x, x)
    turned = (eighths & 2) != 0
    cos, sin = np.where(turned, sin, cos), np.where(turned, cos, sin)
    return np.where((eighths - 2) & 4, cos, -cos), np.where(eighths & 4, -sin, sin)
