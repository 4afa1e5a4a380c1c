"""Arrays to begin with: every dtype, shapes that straddle vectors, odd values, and every layout in memory."""

import numpy as np

__all__ = ["DTYPES", "SHAPES", "array_text", "make_input"]

DTYPES = [
    *["float64"] * 8, *["float32"] * 3, "float16", "complex128", "complex64",
    "int8", "int16", "int32", "int64", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
]  # fmt: skip
SHAPES = [(), (0,), (1,), (2,), (3,), (5,), (8,), (9,), (17,), (31,), (2, 3), (3, 3), (4, 1), (1, 5), (3, 0), (7, 9),
          (2, 17), (9, 4), (2, 3, 4), (3, 1, 2), (1, 1, 1), (2, 2, 9)]  # fmt: skip
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 1e-300, 1.0, -1.0]
LAYOUTS = ["C", "C", "C", "Fortran", "strided", "reversed", "read-only", "broadcast"]


def make_input(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Return an array and its layout."""
    dtype = np.dtype(DTYPES[rng.integers(len(DTYPES))])
    shape = SHAPES[rng.integers(len(SHAPES))]
    layout = LAYOUTS[rng.integers(len(LAYOUTS))] if shape and 0 not in shape else "C"
    return laid_out(_values(rng, shape, dtype), layout), layout


def _values(rng, shape, dtype):
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        x = rng.integers(0 if dtype.kind == "u" else -5, 8, shape).astype(dtype)
        if rng.random() < 0.3 and x.size:
            x = np.array(x)
            x.flat[0] = [limits.min, limits.max][rng.integers(2)]
        return x
    x = np.round(rng.normal(size=shape) * 2, 2)
    if dtype.kind == "c":
        x = x + 1j * np.round(rng.normal(size=shape), 2)
    x = np.array(x)
    if rng.random() < 0.25 and x.size:
        x.flat[rng.integers(x.size)] = ODD[rng.integers(len(ODD))]
    with np.errstate(all="ignore"):
        return x.astype(dtype)


def laid_out(x: np.ndarray, layout: str) -> np.ndarray:
    """Return the values of `x` in another layout (those of its first row alone where it is a broadcast)."""
    if layout == "Fortran":
        return np.asfortranarray(x)
    if layout == "strided":
        wide = np.repeat(x, 2, axis=-1)
        return wide[..., ::2]
    if layout == "reversed":
        return np.array(x[::-1])[::-1]
    if layout == "broadcast":
        return np.broadcast_to(x[:1], x.shape)
    x = np.array(x)
    x.flags.writeable = layout != "read-only"
    return x


def array_text(x: np.ndarray, layout: str) -> str:
    """Return an expression that makes the input."""
    numbers = np.array2string(x, separator=", ", threshold=100_000, floatmode="unique").replace("\n", "")
    for name in ("nan", "inf"):
        numbers = numbers.replace(name, f"np.{name}")
    shape = "" if x.size else f".reshape({x.shape})"
    return f'laid_out(np.array({numbers}, "{x.dtype}"){shape}, "{layout}")'
