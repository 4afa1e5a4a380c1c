"""Where equations repeat: runs of codes that are the same some equations later."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["LEAST_SAVED", "LEAST_SAVED_FIRST", "LEAST_TURNS", "Stretch", "stretches"]

# A loop has at least so many turns,
LEAST_TURNS = 4
# and leaves at least so many equations unwritten: what is shorter compiles fast, and may run faster as it stands.
LEAST_SAVED = 64
# At first, more: a short loop within a long one runs faster written out, if the long one is found.
LEAST_SAVED_FIRST = 512
# How many periods are tried, those that promise most.
MOST_PERIODS = 256


class Stretch(NamedTuple):
    """Equations from `start` to `end` whose codes have a period."""

    start: int
    end: int
    period: int

    @property
    def turns(self) -> int:
        return (self.end - self.start) // self.period


def stretches(codes: np.ndarray, least: int, accepted: Callable[[Stretch], Stretch | None]) -> list[Stretch]:
    """Return stretches that do not overlap, in order; those of short periods come first: inner loops before outer ones.

    Args:
        least: how many equations a loop is to save.
        accepted: what of a stretch is a loop; None where nothing is, and longer periods may find one.

    Cost: linear in the number of codes, for each period that occurs.
    """
    found = []
    free = np.ones(len(codes), bool)
    for period in _periods(codes, least):
        same = codes[period:] == codes[:-period]
        same &= free[period:] & free[:-period]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
        long = np.flatnonzero(edges[1::2] - edges[::2] >= max((LEAST_TURNS - 1) * period, least))
        for begin, end in zip(edges[2 * long].tolist(), edges[2 * long + 1].tolist(), strict=True):
            if free[begin : end + period].all():
                loop = accepted(Stretch(begin, end + period, period))
                if loop is not None:
                    free[loop.start : loop.end] = False
                    found.append(loop)
    return sorted(found)


def _periods(codes: np.ndarray, least: int) -> list[int]:
    """Return the distances between equal codes next to one another that may be periods, ascending.

    Where every code occurs several times a turn, the distances between equal windows of them tell.
    """
    promise: dict[int, int] = {}
    window = 1
    while len(codes) >= least:
        # (Few codes are sorted faster as short numbers.)
        order = np.argsort(codes.astype(np.min_scalar_type(codes.max())), kind="stable")
        count = np.bincount(np.diff(order)[codes[order[1:]] == codes[order[:-1]]], minlength=1)
        found = np.flatnonzero((count >= LEAST_TURNS - 1) & (count * np.arange(len(count)) >= least))
        for period in found.tolist():
            promise[period] = max(promise.get(period, 0), int(count[period]) * period)
        # (None here, none of longer windows; and windows as long as what repeats tell nothing more.)
        if not len(found) or window >= found[-1]:
            break
        pairs = codes[:-window] * (int(codes.max()) + 1) + codes[window:]
        codes = np.unique(pairs, return_inverse=True)[1]
        window *= 2
    best = sorted(promise, key=lambda period: -promise[period])[:MOST_PERIODS]
    return sorted(best)
