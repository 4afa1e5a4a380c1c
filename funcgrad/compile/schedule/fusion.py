"""Loop fusion: statements that can share loops are put into them together, level by level.

Two statements may share a loop when, wherever one of them writes what the other touches, they touch it in the
same iteration: then the order of everything else is free, what one stores the other finds at once in cache or
in a register, and memory that never leaves the shared loops need not exist (see `storage_folding`).
"""

from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import zip_longest

from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.index import Counter, Index
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves
from funcgrad.compile.loopir.statement import Access, Statement
from funcgrad.compile.schedule.steps import LONG_STATEMENTS, steps

__all__ = ["SHORT_ITERATIONS", "fuse"]

# The most expression nodes that share an outermost loop: more would run out of registers and time. In a long program,
# fewer: of many large functions LLVM takes longer.
MOST_NODES = 1500
MOST_NODES_OF_LONG = 600
# Loops of up to so many iterations may be written out.
SHORT_ITERATIONS = 16
# Among how many of the last loops a statement looks for one to share.
LOOPS_LOOKED_AT = 24


class _Group:
    """Leaves that share a loop, or one leaf that has none (extent 0), while the order of groups is open."""

    __slots__ = ("after", "before", "extent", "latest", "members", "rank", "size", "step")

    def __init__(self, extent: int, rank: int, step: int):
        self.extent = extent
        self.step = step
        self.members: list[Leaf] = []
        self.size = 0
        self.after: dict[_Group, None] = {}  # groups that must run before this one
        self.before: dict[_Group, None] = {}  # and those that must run after it
        self.rank = rank  # groups are numbered as they are made
        self.latest = rank  # the highest number among it and all that must run before it

    def add(self, leaf: Leaf, earlier: list["_Group"]) -> None:
        self.members.append(leaf)
        self.size += leaf.statement.weight
        for group in earlier:
            if group is not self:
                self.after[group] = None
                group.before[self] = None
                self._raise(group.latest)

    def _raise(self, latest: int) -> None:
        stack = [self]
        while stack:
            group = stack.pop()
            if group.latest < latest:
                group.latest = latest
                stack.extend(group.before)


def fuse(statements: list[Statement]) -> list[Loop | Leaf]:
    """Return the statements as loop nests, in an order that gives the same results."""
    most = MOST_NODES if len(statements) <= LONG_STATEMENTS else MOST_NODES_OF_LONG
    members = [Leaf(s) for s in statements]
    step_of = dict(zip(members, steps(statements), strict=True))
    return [_collapsed(node, 0) for node in _fuse(members, step_of, 0, most)]


def _fuse(members: list[Leaf], step_of: dict[Leaf, int], level: int, most: int) -> list[Loop | Leaf]:
    groups: list[_Group] = []
    group_of: dict[Leaf, _Group] = {}
    writer: dict[Buffer, Leaf] = {}
    readers: dict[Buffer, list[Leaf]] = defaultdict(list)
    for leaf, following in zip_longest(members, members[1:]):
        conflicts = _conflicts(leaf, writer, readers)
        extent = leaf.counters[level].extent if level < len(leaf.counters) else 0
        group = None
        if extent:
            placed, related = leaf, conflicts
            if not conflicts and following is not None and _starts(leaf, following, level):
                placed, related = following, _conflicts(following, writer, readers)
            near = [g for g in groups[-LOOPS_LOOKED_AT:] if g.step == step_of[leaf]]
            group = _place(placed, extent, related, near, group_of, level, most)
        if group is None:
            group = _Group(extent, len(groups), step_of[leaf])
            groups.append(group)
        group.add(leaf, [group_of[c] for c in conflicts])
        group_of[leaf] = group
        for buffer in leaf.statement.written:
            writer[buffer] = leaf
            readers[buffer] = []
        for buffer in leaf.statement.touched - leaf.statement.written:
            readers[buffer].append(leaf)
    out: list[Loop | Leaf] = []
    for group in _in_order(groups):
        if group.extent:
            out.append(Loop(group.extent, _fuse(group.members, step_of, level + 1, most)))
        else:
            out.extend(group.members)
    return out


def _in_order(groups: list[_Group]) -> Iterator[_Group]:
    """Yield the groups so that each comes behind those it depends on, else as they were made."""
    waiting = {group: len(group.after) for group in groups}
    ready = [group.rank for group in groups if not waiting[group]]
    while ready:
        group = groups[heappop(ready)]
        yield group
        for later in group.before:
            waiting[later] -= 1
            if not waiting[later]:
                heappush(ready, later.rank)


def _conflicts(leaf, writer, readers):
    """Return the last leaves that write what this one touches, or touch what it writes: the earlier ones come before
    those."""
    found: dict[Leaf, None] = {}
    for buffer in leaf.statement.touched:
        if buffer in writer:
            found[writer[buffer]] = None
    for buffer in leaf.statement.written:
        found.update(dict.fromkeys(readers[buffer]))
    return list(found)


def _starts(leaf: Leaf, total: Leaf, level: int) -> bool:
    """Whether a leaf does nothing but give a total its first value: it goes where the total is taken."""
    if level >= len(total.counters) or total.counters[level].extent != leaf.counters[level].extent:
        return False
    first = leaf.statement
    starts = first.touched == first.written and first.written <= total.statement.written
    return starts and _share(first, total.statement, level)


def _place(leaf, extent, conflicts, groups, group_of, level, most):
    """Return the group whose loop the leaf can join; None to open one of its own."""
    sources = dict.fromkeys(group_of[c] for c in conflicts)
    touched, written = leaf.statement.touched, leaf.statement.written
    best = None
    behind = _ancestors(sources, groups[0].rank) if groups else set()
    for group in reversed(groups):
        if group.extent != extent or group.size + leaf.statement.weight > most:
            continue
        related = [
            m
            for m in group.members
            if not (m.statement.written.isdisjoint(touched) and m.statement.touched.isdisjoint(written))
        ]
        if not related and best is not None:
            continue
        if group in behind:
            continue  # something that must run after the group must run before the leaf
        if related:
            shared = all(_share(m.statement, leaf.statement, level) for m in related)
            if shared and not _is_held_up(leaf, group, level):
                return group
        elif any(not m.statement.touched.isdisjoint(touched) for m in group.members):
            best = group  # both read the same array: once is enough
    return best


def _is_held_up(leaf: Leaf, group: _Group, level: int) -> bool:
    """Whether a total of functions' values would stand beside long loops, and so take them one by one.

    In a loop of its own it takes them in vectors; nothing beside it waits for a total.
    """
    statement = leaf.statement
    if len(leaf.counters) != level + 1 or leaf.counters[level] not in statement.sequential:
        return False
    return statement.kernels > 0 and any(
        len(m.counters) > level + 1 and m.counters[-1].extent > SHORT_ITERATIONS for m in group.members
    )


def _ancestors(sources, first: int) -> set[_Group]:
    """Return the groups that must run before one of `sources`, as far as they are numbered from `first`."""
    seen: set[_Group] = set()
    stack = [source for source in sources if source.latest >= first]
    while stack:
        for earlier in stack.pop().after:
            if earlier.latest >= first and earlier not in seen:
                seen.add(earlier)
                stack.append(earlier)
    return seen


def _share(first: Statement, second: Statement, level: int) -> bool:
    """Whether the two may share their loop at `level`, sharing all those outside it."""
    for a in first.accesses:
        for b in second.accesses:
            if a.buffer is b.buffer and (a.writes or b.writes) and not _together(a, first, b, second, level):
                return False
    return True


def _together(a: Access, first: Statement, b: Access, second: Statement, level: int) -> bool:
    """Whether two accesses to a buffer meet the same element only in the same iteration, or never.

    Where they go on by different steps LLVM could not tell that they never meet, so that does not count.
    """
    if a.offset is None or b.offset is None:
        return False
    x, y = a.offset, b.offset
    (x_low, x_high), (y_low, y_high) = a.bounds(x), b.bounds(y)
    apart = x_high < y_low or y_high < x_low
    for outer in range(level + 1):
        i, j = first.loops[outer], second.loops[outer]
        step = x.coefficient(i)
        if step != y.coefficient(j) or (outer == level and step == 0):
            return False
        x, y = x.without(i), y.without(j)
    if apart:
        return True
    step = abs(step)
    if not (_free_of(x, first.loops[: level + 1]) and _free_of(y, second.loops[: level + 1])):
        return False
    (x_low, x_high), (y_low, y_high) = a.bounds(x), b.bounds(y)
    return x_low // step == x_high // step == y_low // step == y_high // step


def _free_of(index: Index, loops) -> bool:
    if index.is_affine():
        return True
    held = set(index.loops())
    return not any(loop in held for loop in loops) and not any(True for _ in index.data())


def _collapsed(node: Loop | Leaf, level: int) -> Loop | Leaf:
    """Make one loop of two nested ones where every access runs straight through both."""
    if isinstance(node, Leaf):
        return node
    node.children = [_collapsed(child, level + 1) for child in node.children]
    if len(node.children) == 1 and isinstance(node.children[0], Loop):
        inner = node.children[0]
        if all(_runs_through(leaf, level, inner.extent) for leaf in leaves(inner)):
            for leaf in leaves(inner):
                leaf.zero[leaf.counters[level]] = leaf.counters[level + 1]
                del leaf.counters[level]
            return Loop(node.extent * inner.extent, inner.children)
    return node


def _runs_through(leaf: Leaf, level: int, extent: int) -> bool:
    statement = leaf.statement
    if statement.call is not None or len(leaf.counters) <= level + 1:
        return False
    outer, inner = leaf.counters[level], leaf.counters[level + 1]
    if (outer in statement.sequential) != (inner in statement.sequential):
        return False
    for effect in statement.effects:
        for node in effect.value.walk():
            for index in node.indices():
                if not _through(index, outer, inner, extent):
                    return False
        if not _through(effect.offset, outer, inner, extent):
            return False
    return True


def _through(index: Index, outer: Counter, inner: Counter, extent: int) -> bool:
    if not index.is_affine():
        held = set(index.loops())
        if outer in held or inner in held:
            return False
    return index.coefficient(outer) == index.coefficient(inner) * extent
