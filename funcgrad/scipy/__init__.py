"""SciPy's namespaces for plain and traced arrays."""

from funcgrad.numpy.foreign import offer
from funcgrad.scipy import integrate, linalg, optimize, special

__all__ = ["integrate", "linalg", "optimize", "special"]

# So that SciPy's own functions, called on traced values, are told what is there in their place.
offer("integrate", integrate)
offer("linalg", linalg)
offer("optimize", optimize)
offer("special", special)
