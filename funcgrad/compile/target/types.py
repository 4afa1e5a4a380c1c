"""Dtypes in LLVM: which are computed with, and how values are written."""

import struct
from typing import Any

import numpy as np

from funcgrad.core.parts import is_pair, part_dtype
from funcgrad.core.types import ArrayType
from funcgrad.core.types import identity as identity_of

__all__ = ["constant", "identity", "in_memory", "is_native", "llvm_type"]

_LLVM = {
    "?": "i1",
    "b": "i8",
    "B": "i8",
    "h": "i16",
    "H": "i16",
    "i": "i32",
    "I": "i32",
    "f": "float",
    "d": "double",
}
_LLVM |= dict.fromkeys("lLqQ", "i64")
# Only moved, never computed with.
_MOVED = {"F": "<2 x float>", "D": "<2 x double>", "e": "i16", "g": "i128", "G": "i256"}


def is_native(dtype: Any) -> bool:
    """Whether values of this dtype are computed natively."""
    return dtype.char in _LLVM if isinstance(dtype, np.dtype) else dtype is not complex


def in_memory(type: ArrayType) -> ArrayType:
    """Return the type of the numbers that an array is in memory: of complex ones, real ones with a last axis of two."""
    return ArrayType((*type.shape, 2), part_dtype(type.dtype)) if is_pair(type.dtype) else type


def llvm_type(dtype: np.dtype) -> str:
    """Return the type of a value in a register."""
    return _LLVM.get(dtype.char) or _MOVED[dtype.char]


def constant(value: Any, dtype: np.dtype) -> str:
    """Return a value as LLVM writes it; floats by their bits."""
    if dtype.char in "egG":
        return str(int.from_bytes(np.asarray(value, dtype).tobytes(), "little"))
    if dtype.kind == "f":
        return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"
    if dtype.kind == "c":
        part = "float" if dtype.char == "F" else "double"
        double = np.dtype(float)
        return f"<{part} {constant(value.real, double)}, {part} {constant(value.imag, double)}>"
    if dtype.kind == "b":
        return "true" if value else "false"
    return str(int(value))


def identity(op: str, dtype: np.dtype):
    """Return the value that leaves any other as it is under `op`."""
    return identity_of(getattr(np, op), dtype)
