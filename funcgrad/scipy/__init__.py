"""SciPy's namespaces for plain and traced arrays."""

from funcgrad.scipy import integrate, linalg, optimize, special

__all__ = ["integrate", "linalg", "optimize", "special"]
