"""Libraries that are slow to import, each behind one function that imports it where first needed."""

from functools import cache
from types import ModuleType
from typing import Any

__all__ = [
    "blas_address",
    "blas_integer",
    "blas_threads",
    "ctypes",
    "fourier_address",
    "fourier_dtype",
    "futures",
    "hashlib",
    "json",
    "llvm",
    "scipy_linalg",
    "scipy_optimize",
    "scipy_special",
    "zipfile",
]


def hashlib() -> ModuleType:
    """Return `hashlib`, which loads OpenSSL."""
    import hashlib

    return hashlib


def json() -> ModuleType:
    """Return `json`."""
    import json

    return json


def zipfile() -> ModuleType:
    """Return `zipfile`, which loads every compression library."""
    import zipfile

    return zipfile


def scipy_linalg() -> ModuleType:
    """Return `scipy.linalg`."""
    import scipy.linalg

    return scipy.linalg


def scipy_optimize() -> ModuleType:
    """Return `scipy.optimize`."""
    import scipy.optimize

    return scipy.optimize


def scipy_special() -> ModuleType:
    """Return `scipy.special`."""
    import scipy.special

    return scipy.special


def llvm() -> ModuleType:
    """Return `llvmlite.binding`, with this machine's code generator switched on."""
    import llvmlite.binding

    llvmlite.binding.initialize_native_target()
    llvmlite.binding.initialize_native_asmprinter()
    return llvmlite.binding


def ctypes() -> ModuleType:
    """Return `ctypes`."""
    import ctypes

    return ctypes


@cache
def _own_blas_of_numpy() -> Any:
    """Return the OpenBLAS, with integers of 64 bits, that NumPy's wheels bring; None where NumPy has another.

    Programs that call NumPy's LAPACK and our products in turn have one set of threads with it. With two, those of one
    library wait for work by turning in circles while the other's want the cores: a call of 0.1 ms takes one of 10 ms.
    """
    import ctypes
    from glob import glob
    from os.path import abspath, dirname

    import numpy

    package = dirname(abspath(numpy.__file__))
    for folder in (f"{package}/../numpy.libs", f"{package}/.libs", f"{package}/.dylibs"):
        for path in glob(f"{folder}/*openblas64*"):
            library = ctypes.CDLL(path)  # it is loaded
            if hasattr(library, "scipy_dgemm_64_"):
                return library
    return None


def blas_integer() -> str:
    """Return the name of the dtype of BLAS's and LAPACK's integers."""
    return "int32" if _own_blas_of_numpy() is None else "int64"


def blas_address(routine: str) -> int:
    """Return where a routine of BLAS or LAPACK is: NumPy's own, or one from SciPy's tables (SciPy's Python part is not
    imported)."""
    import ctypes

    own = _own_blas_of_numpy()
    if own is not None:
        return ctypes.cast(getattr(own, f"scipy_{routine}_64_"), ctypes.c_void_p).value or 0
    library = _cython_library("blas")
    if routine not in library.__pyx_capi__:
        library = _cython_library("lapack")
    return _function_in(library, routine, ctypes)


def fourier_dtype(name: str, dtype: Any, factor: type) -> Any:
    """Return the dtype of the real numbers that the ufunc `name` of numpy.fft computes with.

    Args:
        dtype: of what is transformed.
        factor: the type of what it is scaled by.

    Returns:
        None where NumPy has no such ufunc.
    """
    import numpy

    if not _fourier_loops():
        return None
    from numpy.fft import _pocketfft_umath as module

    scale = factor if factor is int else numpy.dtype(factor)
    return getattr(module, name).resolve_dtypes((dtype, scale, None))[1]


def fourier_address(routine: str) -> int:
    """Return where the loop `numpy.NAME.DTYPE` of a ufunc of numpy.fft is, by the dtype's character of its real numbers; or,
    with `.data` behind it, what it is called with. 0 where NumPy has no such ufunc."""
    return _fourier_loops().get(routine, 0)


@cache
def _fourier_loops() -> dict[str, int]:
    import ctypes

    import numpy

    try:
        from numpy.fft import _pocketfft_umath as module
    except ImportError:
        return {}

    # Of PyUFuncObject, behind what all objects have: part of NumPy's C interface.
    class Head(ctypes.Structure):
        _fields_ = (
            ("inputs", ctypes.c_int),
            ("outputs", ctypes.c_int),
            ("arguments", ctypes.c_int),
            ("identity", ctypes.c_int),
            ("functions", ctypes.POINTER(ctypes.c_void_p)),
            ("data", ctypes.POINTER(ctypes.c_void_p)),
            ("types", ctypes.c_int),
        )

    found = {}
    for name in ("fft", "ifft", "rfft_n_even", "rfft_n_odd", "irfft"):
        ufunc = getattr(module, name, None)
        if not isinstance(ufunc, numpy.ufunc) or ufunc.nin != 2 or ufunc.nout != 1:
            return {}
        head = Head.from_address(id(ufunc) + object.__basicsize__)
        if (head.inputs, head.outputs, head.arguments, head.types) != (2, 1, 3, len(ufunc.types)):
            return {}
        for k, types in enumerate(ufunc.types):
            real = types[1]  # of the factor
            found[f"numpy.{name}.{real}"] = head.functions[k] or 0
            found[f"numpy.{name}.{real}.data"] = (head.data[k] or 0) if head.data else 0
    return found if _transforms(found, ctypes, numpy) else {}


def _transforms(loops: dict[str, int], ctypes: Any, numpy: Any) -> bool:
    """Whether what was found at the address of a loop does as it should, by a trial."""
    if not loops.get("numpy.fft.d"):
        return False
    x, one, y = numpy.array([1, 2j, -3.0]), numpy.ones(1), numpy.zeros(3, complex)
    numbers = ctypes.POINTER(ctypes.c_ssize_t)
    kind = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_void_p), numbers, numbers, ctypes.c_void_p)
    given = (ctypes.c_void_p * 3)(x.ctypes.data, one.ctypes.data, y.ctypes.data)
    sizes, steps = (ctypes.c_ssize_t * 3)(1, 3, 3), (ctypes.c_ssize_t * 5)(48, 0, 48, 16, 16)
    kind(loops["numpy.fft.d"])(given, sizes, steps, loops["numpy.fft.d.data"])
    return numpy.array_equal(y, numpy.fft.fft(x))


def blas_threads() -> tuple[int, int]:
    """Return where that OpenBLAS gets and sets the number of its threads; zeros for another library."""
    import ctypes

    library = _own_blas_of_numpy() or ctypes.CDLL(_cython_library("blas").__file__)
    for name in (
        "scipy_openblas_{}_num_threads64_",
        "scipy_openblas_{}_num_threads",
        "openblas_{}_num_threads",
    ):
        if hasattr(library, name.format("set")):
            found = (getattr(library, name.format(way)) for way in ("get", "set"))
            get, put = (ctypes.cast(f, ctypes.c_void_p).value or 0 for f in found)
            return get, put
    return 0, 0


@cache
def _cython_library(name: str) -> ModuleType:
    import importlib.util
    import sys

    full = f"scipy.linalg.cython_{name}"
    if full in sys.modules:
        return sys.modules[full]
    # Importing the package would cost 0.3 s; the one extension module needs nothing of it.
    (folder,) = importlib.util.find_spec("scipy").submodule_search_locations  # type: ignore[union-attr, misc]
    finder = importlib.machinery.FileFinder(
        f"{folder}/linalg", (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
    )
    spec = finder.find_spec(f"cython_{name}")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _function_in(library, routine, ctypes):
    capsule = library.__pyx_capi__[routine]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, name(capsule))


def futures() -> ModuleType:
    """Return `concurrent.futures`."""
    import concurrent.futures

    return concurrent.futures
