"""Scratch memory: where each buffer lies in one block, so that what is never needed together shares space."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import inf

from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves

__all__ = ["LINE_BYTES", "lifetimes", "placed"]

# Buffers begin on a cache line.
LINE_BYTES = 64


def lifetimes(steps: Sequence[Sequence[Loop | Leaf]]) -> dict[Buffer, tuple[int, int]]:
    """Return, for each scratch buffer, the first and the last step that touches it."""
    lives: dict[Buffer, tuple[int, int]] = {}
    for step, nodes in enumerate(steps):
        for node in nodes:
            for leaf in leaves(node):
                for access in leaf.statement.accesses:
                    if access.buffer.kind == "scratch":
                        first, _ = lives.get(access.buffer, (step, step))
                        lives[access.buffer] = (first, step)
    return lives


def placed(
    lives: dict[Buffer, tuple[int, int]], together: Mapping[Buffer, Buffer]
) -> tuple[dict[Buffer, int], int]:
    """Return the offset of each buffer in bytes, and the size of the whole: first fit, in order of birth.

    Args:
        together: buffers that are in the memory of others, as large.
    """

    def owner(buffer):
        while buffer in together:
            buffer = together[buffer]
        return buffer

    joint: dict[Buffer, tuple[int, int]] = {}
    for buffer, (first, last) in lives.items():
        one = joint.get(owner(buffer), (first, last))
        joint[owner(buffer)] = min(first, one[0]), max(last, one[1])
    offsets, total = _first_fit(joint)
    return {buffer: offsets[owner(buffer)] for buffer in lives}, total


def _first_fit(lives: dict[Buffer, tuple[int, int]]) -> tuple[dict[Buffer, int], int]:
    offsets: dict[Buffer, int] = {}
    gaps: list[tuple[float, float]] = [
        (0, inf)
    ]  # what is free, in order: few, however many buffers are alive
    alive: list[tuple[int, int, int]] = []  # a heap: last step, offset, end
    total = 0
    for buffer, (first, last) in sorted(lives.items(), key=lambda item: item[1][0]):
        while alive and alive[0][0] < first:
            _, start, end = heappop(alive)
            _free(gaps, start, end)
        size = -(-max(buffer.nbytes, 1) // LINE_BYTES) * LINE_BYTES
        k = next(k for k, (start, end) in enumerate(gaps) if end - start >= size)
        start, end = gaps[k]
        place = int(start)
        gaps[k : k + 1] = [(place + size, end)] if place + size < end else []
        offsets[buffer] = place
        heappush(alive, (last, place, place + size))
        total = max(total, place + size)
    return offsets, total


def _free(gaps: list[tuple[float, float]], start: float, end: float) -> None:
    """Add what is free again, one with the gaps beside it."""
    k = bisect(gaps, (start, end))
    before = k > 0 and gaps[k - 1][1] == start
    after = k < len(gaps) and gaps[k][0] == end
    whole = (gaps[k - 1][0] if before else start, gaps[k][1] if after else end)
    gaps[k - before : k + after] = [whole]
