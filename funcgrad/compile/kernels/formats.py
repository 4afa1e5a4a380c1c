"""The float formats: a kernel is written once as a function of its format, which holds every constant.

Numba computes `x * 0.5` in float64 whatever x is, so a kernel takes its constants from the format
(`half = fmt(0.5)`), and integers are cut to the float's size by `float_of_bits`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

import numpy as np
from numba import njit, types

from funcgrad.compile.kernels import coefficients

__all__ = ["F32", "F64", "KERNELS", "SHORT", "Format", "Kernel", "function", "kernel"]


@dataclass(frozen=True)
class Format:
    """A binary float format: `fraction` stored bits and an exponent biased by `bias`."""

    dtype: str
    real: type
    numba: types.Type
    fraction: int
    bias: int
    tables: str

    def __call__(self, value: float) -> np.floating:
        """Return `value` as a constant of this format."""
        return self.real(value)

    def __hash__(self) -> int:
        return hash(self.tables)

    def table(self, name: str) -> tuple:
        """Return a table of `coefficients.py` as constants of this format."""
        return tuple(self.real(c) for c in getattr(coefficients, f"{name}_{self.tables}"))

    def pick(self, double: float, single: float) -> np.floating:
        """Return the constant for this format out of the two."""
        return self.real(double if self.dtype == "float64" else single)

    def split(self, digits: str, parts: int) -> tuple:
        """Return `parts` floats with the sum `digits`, a decimal; each is the nearest to the rest."""
        rest, pieces = Fraction(digits), []
        for _ in range(parts):
            pieces.append(self.real(float(rest)))
            rest -= Fraction(float(pieces[-1]))
        return tuple(pieces)

    def bits_of(self, value: float) -> int:
        """Return the bits of `value` in this format."""
        return int(self.real(value).view(np.int64 if self.dtype == "float64" else np.int32))

    @cached_property
    def magic(self) -> np.floating:
        """The float 1.5 * 2**fraction: adding it rounds to an integer, which is then in the low bits."""
        return self.real(1.5 * 2.0**self.fraction)

    @cached_property
    def magic_bits(self) -> int:
        """The bits of `magic`."""
        return self.bits_of(1.5 * 2.0**self.fraction)

    @cached_property
    def inf(self) -> np.floating:
        """Infinity."""
        return self.real(np.inf)

    @cached_property
    def nan(self) -> np.floating:
        """Not a number."""
        return self.real(np.nan)


F64 = Format("float64", np.float64, types.float64, 52, 1023, "64")
F32 = Format("float32", np.float32, types.float32, 23, 127, "32")
# float64 with polynomials of some 36 bits: for float32 kernels that are too delicate for 24 bits.
SHORT = Format("float64", np.float64, types.float64, 52, 1023, "SHORT")


@dataclass(frozen=True)
class Kernel:
    """A scalar function of `arity` floats: `build(fmt)` returns its Python source for Numba."""

    name: str
    arity: int
    build: Callable[[Format], Callable]


KERNELS: dict[str, Kernel] = {}


def kernel(arity: int = 1, in_double: bool = False):
    """Register the function below, which builds the kernel of its name for a format.

    With `in_double`, the float32 kernel is computed in the format SHORT, between two conversions.
    """

    def register(build):
        def for_format(fmt: Format) -> Callable:
            return _rounded(build) if in_double and fmt is F32 else build(fmt)

        KERNELS[build.__name__] = Kernel(build.__name__, arity, for_format)
        return build

    return register


@cache
def function(build: Callable, fmt: Format) -> Callable:
    """Return the kernel that `build` makes for a format, to be called by another kernel."""
    return njit(build(fmt))


def _rounded(build: Callable) -> Callable:
    inner, double, single = function(build, SHORT), np.float64, np.float32

    def rounded(x):
        return single(inner(double(x)))

    return rounded
