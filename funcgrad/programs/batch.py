"""Programs for many examples at once."""

from funcgrad.core.dataflow import Flags
from funcgrad.core.interpret import run
from funcgrad.core.program import Program, every_program
from funcgrad.core.staging import stage_flat
from funcgrad.core.types import ArrayType
from funcgrad.errors import AxisNameError
from funcgrad.programs.memo import memoized
from funcgrad.transforms.vmap import vmap

__all__ = ["batched_program"]


@memoized
def batched_program(program: Program, size: int, batched: Flags, results: Flags | None = None) -> Program:
    """Return the program for `size` examples, along axis 0 of the batched inputs and outputs.

    Args:
        results: which outputs are batched, all by default; those that `depends_on` finds have to be.

    Raises:
        AxisNameError: for a sum (or the like) over the examples: a program does not know the name of their axis.
    """
    collectives = (e for p in every_program(program) for e in p.equations if e.primitive.collective)
    for equation in collectives:
        raise AxisNameError(
            f"{equation.primitive.name}: expected no collective over the examples of vmap inside a loop, a branch or a "
            f"compiled function under that vmap, got one over {equation.params['axis_name']!r} in {program.name}.",
            hint="put the vmap inside the loop, or jit around the vmap.",
            at=equation.source,
        )
    types = [
        ArrayType((size, *t.shape), t.dtype) if b else t
        for t, b in zip(program.in_types, batched, strict=True)
    ]
    axes = tuple(0 if b else None for b in batched)
    out_axes = [0 if b else None for b in results or (True,) * len(program.outputs)]
    wide = vmap(lambda *xs: list(run(program, xs)), in_axes=axes, out_axes=out_axes, axis_size=size)
    return stage_flat(wide, types, f"vmap of {program.name}")
