"""SciPy's namespaces for plain and traced arrays."""

from funcgrad.scipy import linalg, special

__all__ = ["linalg", "special"]
