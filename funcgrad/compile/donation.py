"""Donated arrays: given up by the caller, so that using one again is an error."""

import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.types import type_of
from funcgrad.errors import DonatedError, TreeError
from funcgrad.locks import forkable_lock

__all__ = ["DONATED", "check_donated", "donate", "donated_numbers"]

# The donated arrays that are still alive, by id.
DONATED: dict[int, Any] = {}
_lock = forkable_lock()


def donated_numbers(owner: str, numbers: int | Sequence[int]) -> tuple[int, ...]:
    """Return `donate_argnums` as a tuple; raise TreeError unless it is of ints."""
    given = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    if any(type(n) is not int for n in given):
        raise TreeError(f"{owner}: expected donate_argnums of ints, got {numbers!r}.")
    return given


def donate(owner: str, args: tuple, numbers: tuple[int, ...]) -> None:
    """Mark the arrays in the arguments at these positions as donated."""
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise TreeError(
                f"{owner}: expected donate_argnums among the {len(args)} positional arguments, got {n}.",
                hint="pass the donated arguments by position.",
            )
        for x in tree.leaves(args[n]):
            if type(x) is np.ndarray:
                key = id(x)
                with _lock:
                    DONATED[key] = weakref.ref(x, partial(_forget, key))


def _forget(key: int, _: Any) -> None:
    DONATED.pop(key, None)


def check_donated(owner: str, args: tuple) -> None:
    """Raise DonatedError if an argument holds an array that was donated before."""
    for i, arg in enumerate(args):
        for x in tree.leaves(arg):
            known = DONATED.get(id(x))
            if known is not None and known() is x:
                raise DonatedError(
                    f"{owner}: expected arrays that have not been given away, got argument {i}: "
                    f"{type_of(x)}, which was donated to an earlier call.",
                    hint="use the result of that call, or leave the argument out of donate_argnums.",
                )
