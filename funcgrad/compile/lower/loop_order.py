"""The order of a statement's loops: what lies side by side in memory is visited side by side."""

from funcgrad.compile.loopir.index import Counter
from funcgrad.compile.loopir.statement import Effect, Statement

__all__ = ["ordered_loops"]

# A sum over leading axes keeps its partial results in memory while it passes over the rows: up to this many
# elements (what half of the L1 cache holds) for all of them at once, else a row's worth at a time.
MOST_PARTIAL_RESULTS = 2048


def ordered_loops(
    kept: tuple[Counter, ...], carried: tuple[Counter, ...], effects: tuple[Effect, ...]
) -> tuple[Counter, ...]:
    """Return the loops of a statement, outermost first.

    The kept loops stay in the order of the result's axes, the carried ones (sums, scans) in theirs, innermost:
    unless consecutive memory is read or written along a kept loop rather than along the last carried one. Then the
    carried loops go around it.
    """
    kept = tuple(loop for loop in kept if loop.extent > 1)
    carried = tuple(loop for loop in carried if loop.extent > 1)
    if not carried or not kept:
        return kept + carried
    along_carried = _consecutive(carried[-1], kept, effects)
    along_kept = _consecutive(kept[-1], carried, effects)
    if along_carried >= along_kept:
        return kept + carried
    points = 1
    for loop in kept:
        points *= loop.extent
    if points <= MOST_PARTIAL_RESULTS:
        return carried + kept
    return (*kept[:-1], *carried, kept[-1])


def _consecutive(loop: Counter, others: tuple[Counter, ...], effects: tuple[Effect, ...]) -> int:
    """Return how many accesses advance by one element as `loop` does, to arrays gone through by `others` as well."""
    statement = Statement((), effects)
    return sum(
        access.offset is not None
        and access.offset.coefficient(loop) == 1
        and any(access.offset.coefficient(other) for other in others)
        for access in statement.accesses
    )
