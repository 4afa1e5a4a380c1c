"""Where CPython and NumPy keep what a native function reads of an array, and their functions it calls.

The offsets are those of CPython's and NumPy's stable structs on 64-bit machines; `verified()` holds them against
what Python itself says of an array, once, before any native function relies on them.
"""

from functools import cache
from sys import getrefcount

import numpy as np

from funcgrad.heavy import ctypes

__all__ = ["API", "OFFSETS", "api_address", "verified"]

OFFSETS = {
    "refcount": 0,
    "type": 8,
    "scalar": 16,  # the value of a float, and of NumPy's scalars
    "data": 16,
    "ndim": 24,
    "shape": 32,
    "base": 48,
    "descr": 56,
    "flags": 64,
    "weakrefs": 72,
}

# Positions in NumPy's table of C functions, which never move.
API = {"PyArray_NewFromDescr": 94, "PyArray_Scalar": 60}


@cache
def _table() -> int:
    c = ctypes()
    get = c.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = c.c_void_p, [c.py_object, c.c_char_p]
    return get(np._core._multiarray_umath._ARRAY_API, None)


def api_address(name: str) -> int:
    """Return where a function of NumPy's C interface is."""
    c = ctypes()
    return c.c_void_p.from_address(_table() + 8 * API[name]).value


@cache
def verified() -> bool:
    """Whether arrays and scalars have the layout that native functions expect here."""
    c = ctypes()
    if c.sizeof(c.c_void_p) != 8:
        return False
    x = np.arange(6.0).reshape(2, 3)[:, :2]

    def word(thing, field, kind=c.c_int64):
        return kind.from_address(id(thing) + OFFSETS[field]).value

    shape = (c.c_int64 * 2).from_address(word(x, "shape"))
    number, scalar = 1.25, np.float64(2.5)
    return (
        c.c_int64.from_address(id(x)).value == getrefcount(x) - 1
        and word(x, "type") == id(np.ndarray)
        and word(x, "data") == x.__array_interface__["data"][0]
        and word(x, "ndim", c.c_int32) == 2
        and tuple(shape) == x.shape
        and word(x, "base") == id(x.base)
        and word(x, "descr") == id(x.dtype)
        and word(x, "flags", c.c_int32) & 0x507 == x.flags.num & 0x507
        and word(x, "weakrefs") == 0
        and word(number, "scalar", c.c_double) == number
        and word(scalar, "scalar", c.c_double) == scalar
    )
