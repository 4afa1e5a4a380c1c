"""What runs in which order and where it is kept: the plan of a program, and of each body in it."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from funcgrad.compile.loopir.expression import Buffer, Expressions
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves, stands_alone
from funcgrad.compile.loopir.statement import ControlCall, ForeignCall, HostCall, MatrixProduct
from funcgrad.compile.lower.unit import Unit
from funcgrad.compile.schedule.fusion import fuse
from funcgrad.compile.schedule.memory import lifetimes, placed
from funcgrad.compile.schedule.parallel_sums import in_parts
from funcgrad.compile.schedule.storage_folding import contracted

__all__ = ["PARALLEL_ADDITIONS", "Plan"]

# Statements without loops that follow one another are one function, up to this many.
STRAIGHT_STATEMENTS = 64
# and up to this much code.
STRAIGHT_WEIGHT = 1500
# What counts as no operation.
_FREE = {"const", "load", "index", "guard", "cast", "select", "checked", "required"}
# A loop of this many additions' work is shared among threads: less than this, and waking them costs more.
PARALLEL_ADDITIONS = 6_000_000


class Plan:
    """The plan of one unit.

    Attributes:
        steps: what runs, in order: each a list of nodes that make one function, or one host call.
        local: the buffers that live inside one nest.
        scratch: how many bytes the others take, those of bodies included; `own_scratch` without these.
        children: by the id of a call, the plans of its bodies.
        whole: it is no body.
    """

    def __init__(self, unit: Unit, *, whole: bool = True):
        self.program, self.statements, self.buffers = unit.program, unit.statements, unit.buffers
        self.in_place, self.careful, self.whole = unit.in_place, unit.careful, whole
        nests = [part for node in fuse(unit.statements) for part in _shared(node, unit.expressions)]
        self.steps = list(_steps(nests))
        self.local = contracted(self.steps)
        self.children = {
            key: [Plan(body, whole=False) for body in bodies] for key, bodies in unit.bodies.items()
        }
        lives = {b: life for b, life in lifetimes(self.steps).items() if b not in self.local}
        self.offsets, self.own_scratch = placed(lives, self._in_one_place(lives))
        inner = [child.scratch for bodies in self.children.values() for child in bodies]
        self.scratch: int = self.own_scratch + max(inner, default=0)

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of a call."""
        total = sum(
            times * sum(child.flops for child in self.children[id(call)]) for call, times in self._controls()
        )
        for s in self.statements:
            if isinstance(s.call, (MatrixProduct, ForeignCall)):
                total += s.points * s.call.flops
            for effect in s.effects:
                nodes = [n for n in effect.value.walk() if n.dtype.kind == "f" and n.op not in _FREE]
                total += s.points * (len(nodes) + (effect.op is not None))
        return total

    @cached_property
    def work(self) -> int:
        """The work of a call, in additions."""
        inner = sum(
            times * sum(child.work for child in self.children[id(call)]) for call, times in self._controls()
        )
        return sum(s.work for s in self.statements) + inner

    def _controls(self) -> Iterator[tuple[ControlCall, int]]:
        """Yield the loops and branches, with how often their bodies run (as far as that is known)."""
        for s in self.statements:
            if isinstance(s.call, ControlCall):
                yield s.call, s.call.params.get("length", 1)

    def _in_one_place(self, lives: dict[Buffer, tuple[int, int]]) -> dict[Buffer, Buffer]:
        """Return buffers that may be in the memory of others: of what a loop carries and writes where it reads it, the
        result in that of the start, if nothing else reads that."""
        found = {}
        for call, _ in self._controls():
            if call.kind in ("scan", "while"):
                first = call.params["consts"] if call.kind == "scan" else len(call.args) - len(call.results)
                read = Counter(x.buffer for x in call.args)
                for k in self.children[id(call)][-1].in_place:
                    start, result = call.args[first + k].buffer, call.results[k].buffer
                    if (
                        start in lives
                        and result in lives
                        and read[start] == 1
                        and lives[start][1] == lives[result][0]
                        and start.nbytes == result.nbytes
                    ):
                        found[result] = start
        return found

    @property
    def asks_host(self) -> bool:
        """Whether Python is called, so that its lock is needed."""
        own = any(isinstance(s.call, HostCall) for s in self.statements)
        return own or any(
            child.asks_host for call, _ in self._controls() for child in self.children[id(call)]
        )


def _shared(node: Loop | Leaf, expressions: Expressions) -> list[Loop] | list[Leaf]:
    """Return a nest, in parts if that lets threads share its work and it is worth it."""
    if isinstance(node, Leaf):
        return [node]
    worth = sum(leaf.statement.work for leaf in leaves(node)) > PARALLEL_ADDITIONS
    return in_parts(node, expressions) if worth else [node]


def _steps(nodes):
    """Yield what makes one function each: a nest, a host call, or statements without loops."""
    straight: list[Leaf] = []
    weight = 0
    for node in nodes:
        alone = isinstance(node, Loop) or stands_alone(node)
        more = 0 if alone else node.statement.weight
        if straight and (alone or len(straight) == STRAIGHT_STATEMENTS or weight + more > STRAIGHT_WEIGHT):
            yield straight
            straight, weight = [], 0
        if alone:
            yield [node]
        else:
            straight.append(node)
            weight += more
    if straight:
        yield straight
