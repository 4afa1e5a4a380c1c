"""Memory that never leaves its loops: buffers whose every use lies within shared loops shrink to what one
iteration needs: a row, or a register."""

from collections.abc import Iterator, Sequence

from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.index import Index
from funcgrad.compile.loopir.nest import Leaf, Loop
from funcgrad.compile.loopir.statement import Access

__all__ = ["FoldedBuffer", "contracted"]

# The most bytes a nest keeps on its stack for one buffer, and for all of them.
BUFFER_STACK_BYTES = 16384
NEST_STACK_BYTES = 1 << 17


class FoldedBuffer:
    """What is left of a contracted buffer: `size` elements, of which the first stands for offset `low`.

    `shared` is the number of loops, from the outermost, that all its uses share.
    """

    __slots__ = ("low", "shared", "size")

    def __init__(self, size: int, low: int, shared: int):
        self.size = size
        self.low = low
        self.shared = shared


def _paths(node: Loop | Leaf, path: tuple = ()) -> Iterator[tuple[Leaf, tuple]]:
    if isinstance(node, Leaf):
        yield node, path
    else:
        for child in node.children:
            yield from _paths(child, (*path, node))


def contracted(nests: Sequence[Sequence[Loop | Leaf]]) -> dict[Buffer, FoldedBuffer]:
    """Return the scratch buffers that live inside one nest's function, and what is left of each.

    Args:
        nests: for each native function, the nodes it runs.
    """
    uses: dict[Buffer, list[tuple[int, Leaf, tuple, Access]]] = {}
    for number, nodes in enumerate(nests):
        for node in nodes:
            for leaf, path in _paths(node):
                for access in leaf.statement.accesses:
                    if access.buffer.kind == "scratch":
                        uses.setdefault(access.buffer, []).append((number, leaf, path, access))
    found = {}
    taken: dict[int, int] = {}
    for buffer, where in uses.items():
        local = _local(buffer, where)
        if local is None:
            continue
        nest, size = where[0][0], local.size * buffer.dtype.itemsize
        if local.size == 1 or taken.get(nest, 0) + size <= NEST_STACK_BYTES:
            taken[nest] = taken.get(nest, 0) + size
            found[buffer] = local
    return found


def _local(buffer, where):
    number, _, first_path, _ = where[0]
    shared = len(first_path)
    for other, leaf, path, access in where:
        if other != number or access.offset is None:
            return None
        if leaf.statement.call is not None:
            return None
        same = 0
        while same < min(shared, len(path)) and path[same] is first_path[same]:
            same += 1
        shared = same
    steps = None
    low, high = None, None
    for _, leaf, _, access in where:
        offset = access.offset
        if not _plain(offset, leaf.counters[:shared]):
            return None
        mine = [offset.coefficient(loop) for loop in leaf.counters[:shared]]
        if steps is None:
            steps = mine
        elif steps != mine:
            return None
        least, most = access.bounds(inner_offset(offset, leaf, shared))
        low = least if low is None else min(low, least)
        high = most if high is None else max(high, most)
    size = high - low + 1
    return FoldedBuffer(size, low, shared) if size * buffer.dtype.itemsize <= BUFFER_STACK_BYTES else None


def _plain(offset: Index, loops) -> bool:
    return offset.is_affine() or not set(loops) & set(offset.loops())


def inner_offset(offset: Index, leaf: Leaf, shared: int) -> Index:
    """Return what is left of an offset without the loops that all uses share."""
    dropped = set(leaf.counters[:shared])
    for loop, inner in reversed(leaf.zero.items()):
        if inner in dropped:
            dropped.add(loop)
    for loop in dropped:
        offset = offset.without(loop)
    return offset
