"""What jit keeps of one signature."""

from collections.abc import Callable
from itertools import count

from funcgrad import tree
from funcgrad.compile.guards import Guarded
from funcgrad.compile.signature import Signature
from funcgrad.core.program import Program, subprograms
from funcgrad.core.tracer import Tracer
from funcgrad.programs.optimize import with_loops

__all__ = ["Compiled"]

_clock = count()


class Compiled:
    """A program and its calls: `call` and `fast` are made when it is first called outside other transformations.

    Attributes:
        guarded: the ways, where Python decided on values; then there is no one program.
        straight: the function has no loops or branches of funcgrad's, so that to run it once more in Python takes no
            long time.
        used: when, for those that have not been for longest to be dropped.
    """

    __slots__ = ("call", "captured", "fast", "guarded", "program", "signature", "single", "straight", "used")

    def __init__(
        self,
        signature: Signature,
        program: Program,
        guarded: Guarded | None = None,
        straight: bool | None = None,
    ):
        self.signature = signature
        self.guarded = guarded
        if straight is None:
            straight = not any([e.params and subprograms(e.params) for e in program.equations])
        self.straight = straight
        self.program = with_loops(program) if guarded is None else program
        self.single = program.out_tree is tree.LEAF
        self.captured = [value for _, value in program.constants if type(value) is Tracer]
        self.call: Callable | None = None
        self.fast: Callable | None = None
        self.use()

    def use(self) -> None:
        self.used = next(_clock)

    def with_choices(self, program: Program) -> "Compiled":
        """Return what is kept where one program has all ways; Python's branches are not funcgrad's."""
        return Compiled(self.signature, program, straight=self.straight)
