"""How a native function went: the bits of the number it returns, 0 where all went well."""

from enum import IntFlag

__all__ = ["Status"]


class Status(IntFlag):
    """What a native function has met."""

    OUT_OF_BOUNDS = 1  # an index
    BEYOND = 2  # an argument beyond its kernel's limit: all must be done again, carefully
    RAISED = 4  # a Python exception, which is set
    INDEFINITE = 8  # a matrix that is not positive definite
    SINGULAR = 16  # a singular matrix
    TOO_LARGE = 32  # a Python int too large for the dtype it meets
