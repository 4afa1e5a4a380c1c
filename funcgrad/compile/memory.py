"""Scratch memory: where each buffer lies in one block, so that what is never needed together shares space."""

from collections.abc import Sequence

from funcgrad.compile.expression import Buffer
from funcgrad.compile.fusion import Block, Leaf, leaves

__all__ = ["LINE", "lifetimes", "placed"]

# Buffers begin on a cache line.
LINE = 64


def lifetimes(steps: Sequence[Sequence[Block | Leaf]]) -> dict[Buffer, tuple[int, int]]:
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


def placed(lives: dict[Buffer, tuple[int, int]]) -> tuple[dict[Buffer, int], int]:
    """Return the offset of each buffer in bytes, and the size of the whole: first fit, in order of birth."""
    offsets: dict[Buffer, int] = {}
    alive: list[tuple[int, int, int]] = []  # offset, end, last step
    total = 0
    for buffer, (first, last) in sorted(lives.items(), key=lambda item: item[1][0]):
        alive = sorted(item for item in alive if item[2] >= first)
        size = -(-max(buffer.size * buffer.dtype.itemsize, 1) // LINE) * LINE
        place = 0
        for offset, end, _ in alive:
            if place + size <= offset:
                break
            place = max(place, end)
        offsets[buffer] = place
        alive.append((place, place + size, last))
        total = max(total, place + size)
    return offsets, total
