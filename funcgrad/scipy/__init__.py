"""SciPy's namespaces for plain and traced arrays."""

from funcgrad.scipy import special

__all__ = ["special"]
