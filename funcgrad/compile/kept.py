"""What is derived of a program is kept: for equal programs, or with the program itself where it holds much."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import numpy as np

from funcgrad.core.program import Program

__all__ = ["kept"]

# A program whose constants take more bytes is not kept alive for programs that may be equal to it.
MUCH = 1 << 20
COUNT = 256


def kept(derive: Callable) -> Callable:
    """Return a function of a program (and hashable arguments) that derives each result once.

    Results for the last 256 programs are found again for equal ones. Those of a program with large constants live
    as long as it does, so that arrays are not kept after the function that closed over them is gone.
    """
    shared = lru_cache(COUNT)(derive)

    @wraps(derive)
    def found(program: Program, *rest: Any) -> Any:
        if sum(np.asarray(value).nbytes for _, value in program.constants) <= MUCH:
            return shared(program, *rest)
        derived = program.__dict__.setdefault("_derived", {})
        key = (derive, *rest)
        if key not in derived:
            derived[key] = derive(program, *rest)
        return derived[key]

    return found
