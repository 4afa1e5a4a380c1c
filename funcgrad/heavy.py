"""Libraries that are slow to import, each behind one function that imports it where first needed."""

from functools import cache
from types import ModuleType

__all__ = [
    "blas_address",
    "blas_threads",
    "ctypes",
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


def blas_address(routine: str) -> int:
    """Return where a routine of BLAS or LAPACK is, from SciPy's tables; SciPy's Python part is not imported."""
    import ctypes

    library = _cython_library("blas")
    if routine not in library.__pyx_capi__:
        library = _cython_library("lapack")
    return _function_in(library, routine, ctypes)


def blas_threads() -> tuple[int, int]:
    """Return where SciPy's OpenBLAS gets and sets the number of its threads; zeros for another library."""
    import ctypes

    library = ctypes.CDLL(_cython_library("blas").__file__)
    for prefix in ("scipy_openblas", "openblas"):
        if hasattr(library, f"{prefix}_set_num_threads"):
            found = (getattr(library, f"{prefix}_{way}_num_threads") for way in ("get", "set"))
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
