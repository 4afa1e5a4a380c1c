"""Where equations repeat: runs of codes that are the same some equations later."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

__all__ = ["LEAST_SAVED", "LEAST_TURNS", "Stretch", "stretches"]

# A loop has at least so many turns,
LEAST_TURNS = 4
# and leaves at least so many equations unwritten: what is shorter compiles fast, and may run faster as it stands.
LEAST_SAVED = 64
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


def stretches(codes: np.ndarray) -> Iterator[Stretch]:
    """Yield stretches that do not overlap, those of the shortest periods first: inner loops before the outer ones.

    Cost: linear in the number of codes, for each period that occurs.
    """
    free = np.ones(len(codes), bool)
    for period in _periods(codes):
        same = codes[period:] == codes[:-period]
        same &= free[period:] & free[:-period]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if (
                end - begin >= max((LEAST_TURNS - 1) * period, LEAST_SAVED)
                and free[begin : end + period].all()
            ):
                free[begin : end + period] = False
                yield Stretch(begin, end + period, period)


def _periods(codes: np.ndarray) -> list[int]:
    """Return the distances between equal codes next to one another that may be periods, ascending."""
    if len(codes) < LEAST_SAVED:
        return []
    order = np.argsort(codes, kind="stable")
    gaps = np.diff(order)[codes[order[1:]] == codes[order[:-1]]]
    if not len(gaps):
        return []
    count = np.bincount(gaps)
    found = np.flatnonzero((count >= LEAST_TURNS - 1) & (count * np.arange(len(count)) >= LEAST_SAVED))
    best = found[np.argsort(-count[found] * found, kind="stable")[:MOST_PERIODS]]
    return sorted(best.tolist())
