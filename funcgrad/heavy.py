"""Libraries that are slow to import, each behind one function that imports it where first needed."""

from types import ModuleType

__all__ = ["hashlib", "scipy_linalg", "scipy_special", "zipfile"]


def hashlib() -> ModuleType:
    """Return `hashlib`, which loads OpenSSL."""
    import hashlib

    return hashlib


def zipfile() -> ModuleType:
    """Return `zipfile`, which loads every compression library."""
    import zipfile

    return zipfile


def scipy_linalg() -> ModuleType:
    """Return `scipy.linalg`."""
    import scipy.linalg

    return scipy.linalg


def scipy_special() -> ModuleType:
    """Return `scipy.special`."""
    import scipy.special

    return scipy.special
