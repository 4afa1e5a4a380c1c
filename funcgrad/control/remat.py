"""checkpoint: a function whose derivative runs it again rather than keeping what it computed."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from funcgrad.control.branching import staged_branches
from funcgrad.errors import DTypeError

__all__ = ["checkpoint"]


def checkpoint(function: Callable, *, policy: str = "nothing") -> Callable:
    """Return a function of the same value whose reverse derivative keeps its arguments alone, and runs it again.

    Args:
        function: a pure function of arrays in any containers; it is staged, so its decisions cannot depend on values.
        policy: what of its intermediate values is kept: "nothing", or "everything" (the function as it is).

    Raises:
        DTypeError: for another policy.

    Cost: memory of the arguments and results in place of every intermediate value; time of one more run.

    Reference: Griewank and Walther, Evaluating Derivatives (2008), chapter 12.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(fg.checkpoint(lambda x: np.sum(np.sin(np.sin(x)))))(np.zeros(2))
    array([1., 1.])
    """
    if policy not in ("nothing", "everything"):
        raise DTypeError(f'checkpoint: expected policy "nothing" or "everything", got {policy!r}.')
    if policy == "everything":
        return function

    @wraps(function)
    def again(*args: Any, **kwargs: Any) -> Any:
        # A choice among one: its derivative runs what was chosen again.
        run = [lambda args, kwargs: function(*args, **kwargs)]
        return staged_branches("checkpoint", np.int64(0), run, (args, kwargs))

    return again
