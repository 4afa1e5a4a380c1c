"""Totals over large loops, taken part by part, so that several threads can share them.

How many parts there are and in which order their totals are put together does not depend on how many threads there
are: nor does the result.
"""

from funcgrad.compile.loopir.expression import Buffer, Expressions
from funcgrad.compile.loopir.index import Counter, Index
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves
from funcgrad.compile.loopir.statement import Effect, Statement
from funcgrad.compile.target.types import identity

__all__ = ["SHARES", "CombineLoop", "ThreadShare", "in_parts"]

# More than most machines have cores, and few enough that putting them together is nothing.
SHARES = 64


class ThreadShare(Loop):
    """The iterations of a loop that fall to one part: to one iteration of the loop around it."""

    __slots__ = ("size",)

    def __init__(self, extent: int, children: list[Loop | Leaf]):
        super().__init__(extent, children)
        self.size = -(-extent // SHARES)

    def iterations(self, part: int) -> range:
        return range(part * self.size, min((part + 1) * self.size, self.extent))


class CombineLoop(Loop):
    """The loop that puts the totals of parts together: few terms, but each worth many, so that rounding counts."""

    __slots__ = ()


def in_parts(node: Loop, expressions: Expressions) -> list[Loop]:
    """Return nests that do the same with independent outermost iterations; `[node]` where that is not to be had.

    It is where all that one outermost iteration hands to the next are totals: sums, extrema and the like of the
    whole loop, each in one element.
    """
    found = list(leaves(node))
    carrying = [leaf for leaf in found if leaf.counters[0] in leaf.statement.sequential]
    if not carrying or node.extent < SHARES or not all(_is_total(leaf, found) for leaf in carrying):
        return [node]
    part = Counter(SHARES)
    for leaf in found:
        leaf.counters.insert(0, part)
    starts: list[Loop | Leaf] = []
    ends: list[Loop | Leaf] = []
    for leaf in carrying:
        effects = []
        for buffer, offset, value, op in leaf.statement.effects:
            assert op is not None
            partial = Buffer("scratch", (SHARES,), buffer.dtype)
            first = expressions.const(identity(op, buffer.dtype), buffer.dtype)
            last = expressions.load(partial, Index.of(part))
            starts.append(Leaf(Statement((part,), (Effect(partial, Index.of(part), first),))))
            ends.append(Leaf(Statement((part,), (Effect(buffer, offset, last, op),), frozenset({part}))))
            effects.append(Effect(partial, Index.of(part), value, op))
        leaf.statement = Statement(leaf.statement.loops, tuple(effects), leaf.statement.sequential)
    return [Loop(SHARES, [*starts, ThreadShare(node.extent, node.children)]), CombineLoop(SHARES, ends)]


def _is_total(leaf: Leaf, nest: list[Leaf]) -> bool:
    """Whether a leaf does nothing but add to totals that nobody else in its nest touches."""
    effects = leaf.statement.effects
    if any(effect.op is None or effect.offset.terms for effect in effects):
        return False
    written = leaf.statement.written
    alone = all(other is leaf or written.isdisjoint(other.statement.touched) for other in nest)
    return alone and len(written) == len(effects)
