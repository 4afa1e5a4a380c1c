"""Loop nests: statements in the loops that they share."""

from collections.abc import Iterator

from funcgrad.compile.loopir.index import Counter
from funcgrad.compile.loopir.statement import ControlCall, HostCall, Statement

__all__ = ["Leaf", "Loop", "leaves", "stands_alone"]


class Leaf:
    """A statement at the innermost level.

    Attributes:
        counters: of its loops, the outermost first, as they are shared level by level.
        zero: counters of loops that were made one with the loop inside, and the counter of that, which counts for both.
    """

    __slots__ = ("counters", "statement", "zero")

    def __init__(self, statement: Statement):
        self.statement = statement
        self.counters: list[Counter] = list(statement.loops)
        self.zero: dict[Counter, Counter] = {}


class Loop:
    """A loop over `children`, which are loops and leaves in the order in which they run."""

    __slots__ = ("children", "extent")

    def __init__(self, extent: int, children: list["Loop | Leaf"]):
        self.extent = extent
        self.children = children

    def iterations(self, outer: int) -> range:
        """Return what its counter takes in iteration `outer` of the loop around it."""
        return range(self.extent)


def leaves(node: Loop | Leaf) -> Iterator[Leaf]:
    """Yield the leaves under a node in order."""
    if isinstance(node, Leaf):
        yield node
    else:
        for child in node.children:
            yield from leaves(child)


def stands_alone(node: Loop | Leaf) -> bool:
    """Whether a node is a call to the host, or a loop of the program itself: it is no part of a nest."""
    return isinstance(node, Leaf) and isinstance(node.statement.call, (HostCall, ControlCall))
