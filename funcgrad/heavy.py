"""Libraries that are slow to import, each behind one function that imports it where first needed."""

from types import ModuleType

__all__ = ["scipy_linalg"]


def scipy_linalg() -> ModuleType:
    """Return `scipy.linalg`."""
    import scipy.linalg

    return scipy.linalg
