"""Parts of large arrays that branches read and write: they are read before the choice, and written after it.

A branch that writes one element of an array returns the array, and one that reads one has it as an argument: chosen in
a loop, that is a copy of the array an iteration, and its derivative a cotangent of all of it. So what is written comes
out of the branches as the values and their places, and what is read goes in as values:

    y = cond(p, lambda x: x.at[i].set(f(x[j])), lambda x: x, x)
    ->  a = x[j'];  v, i' = cond(p, lambda a: (f(a), i), lambda a: (0, 0), a);  y = x.at[i'].set(where(p, v, x[i']))

For a branch that does not read, or write, it is done at place 0: the value is not used, or what is there is written back.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from funcgrad.control.read_after_write import READS, with_reads_before_writes
from funcgrad.core.interpret import run
from funcgrad.core.program import Atom, Equation, Program, Var, has_effect, pruned, subprograms
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType
from funcgrad.primitives.broadcasting import broadcast_to
from funcgrad.primitives.gathering import gather, scatter_add
from funcgrad.primitives.indexing import index
from funcgrad.primitives.logic import logical_or, select
from funcgrad.programs.trim import trimmed_switch

__all__ = ["choose_with_parts_outside"]

# Arrays from so many bytes on, of which so small a part is read or written.
LARGE_BYTES, SMALL_PART = 1024, 1 / 8


class _Write(NamedTuple):
    """One write into an output, by those branches that have an equation for it."""

    output: int
    source: int
    equations: dict[int, Equation]

    @property
    def any(self) -> Equation:
        return next(iter(self.equations.values()))


class _Read(NamedTuple):
    source: int
    branch: int
    equation: Equation


def choose_with_parts_outside(
    choose: Callable, which: Any, args: Sequence[Any], branches: Sequence[Program]
) -> list[Any]:
    """Return `choose(args, branches)`, with parts of large arrays read before it and written after it.

    Args:
        choose: gives the results of that one of some branches that is chosen, on arguments.
        which: the number of the branch; one out of range means the first or the last.
    """
    args, branches = _each_once(args, branches)
    before = [with_reads_before_writes(b) for b in branches]
    writes = _writes(before)
    written = {w.output for w in writes}
    smaller = (
        [_with_values_written(n, b, writes, written) for n, b in enumerate(before)] if writes else branches
    )
    reads = _reads(smaller)
    values = _read_before(choose, args, smaller, reads)
    if reads:
        smaller = [_with_values_read(n, b, reads) for n, b in enumerate(smaller)]
    if not writes and not reads:
        return list(choose(args, branches))
    out = iter(_chosen(choose, [*args, *values], smaller))
    results = [None if k in written else next(out) for k in range(len(branches[0].outputs))]
    for write in writes:
        y = args[write.source] if results[write.output] is None else results[write.output]
        results[write.output] = _written(write, y, _is_chosen(which, write.equations, len(branches)), out)
    return results


def _chosen(choose: Callable, args: Sequence[Any], branches: Sequence[Program]) -> Any:
    """Return the results of the branch chosen, of those arguments that any of them needs."""
    (_, *used), _, params = trimmed_switch(branches, (True,) * len(branches[0].outputs))
    return choose([x for x, use in zip(args, used, strict=True) if use], params["branches"])


def _each_once(args: Sequence[Any], branches: Sequence[Program]) -> tuple[list[Any], list[Program]]:
    """Return the arguments with each traced one once, which branches may have captured one by one."""
    first: dict[tuple, int] = {}
    places = []
    for i, x in enumerate(args):
        key = (id(x.tracing), id(x.value), id(x.node)) if type(x) is Tracer else (i,)
        places.append(first.setdefault(key, i))
    stays = [place == i for i, place in enumerate(places)]
    if all(stays):
        return list(args), list(branches)
    merged = []
    for b in branches:
        same = {b.inputs[i]: b.inputs[place] for i, place in enumerate(places)}
        equations = [
            Equation(e.primitive, tuple([same.get(a, a) for a in e.inputs]), e.params, e.outputs, e.source)
            for e in b.equations
        ]
        inputs = [v for v, stay in zip(b.inputs, stays, strict=True) if stay]
        merged.append(_program(b, inputs, equations, [same.get(a, a) for a in b.outputs]))
    return [x for x, stay in zip(args, stays, strict=True) if stay], merged


def _program(
    like: Program, inputs: Sequence[Var], equations: Sequence[Equation], outputs: Sequence[Atom]
) -> Program:
    equations, constants = pruned(equations, like.constants, outputs)
    return like.replaced(inputs=inputs, constants=constants, equations=equations, outputs=outputs)


def _is_small_part(part: ArrayType, whole: ArrayType) -> bool:
    return whole.nbytes >= LARGE_BYTES and part.size <= SMALL_PART * whole.size


# What is written.


def _writes(branches: Sequence[Program]) -> list[_Write]:
    """Return the writes into outputs that are, in each branch, one large input with small parts written, or as it was."""
    found = []
    for output in range(len(branches[0].outputs)):
        chains = [_chain(b, output) for b in branches]
        if None in chains or len({source for source, _ in chains}) > 1:
            continue
        source = chains[0][0]
        by_branch = {n: equations for n, (_, equations) in enumerate(chains) if equations}
        kinds = [[_kind(e) for e in equations] for equations in by_branch.values()]
        if kinds and all(kind == kinds[0] for kind in kinds):  # written once for all branches
            rows = zip(*by_branch.values(), strict=True)
            found += [_Write(output, source, dict(zip(by_branch, row, strict=True))) for row in rows]
        else:
            found += [_Write(output, source, {n: e}) for n, equations in by_branch.items() for e in equations]
    return found


def _chain(branch: Program, output: int) -> tuple[int, list[Equation]] | None:
    """Return the input that an output is but for what is written into it, and the writes; None where it is not so."""
    producers = {v: e for e in branch.equations for v in e.outputs}
    uses = Counter([*(a for e in branch.equations for a in e.inputs), *branch.outputs])
    atom = branch.outputs[output]
    chain: list[Equation] = []
    while atom in producers:
        equation = producers[atom]
        if equation.primitive not in READS or uses[atom] > 1:
            return None
        if not _is_small_part(_part_written(equation), equation.outputs[0].type):
            return None
        chain.append(equation)
        atom = equation.inputs[0]
    return (branch.inputs.index(atom), chain[::-1]) if atom in branch.inputs else None


def _part_written(e: Equation) -> ArrayType:
    x, _, *places = [a.type for a in e.inputs]
    return READS[e.primitive].type_rule(x, *places, **e.params)


def _kind(e: Equation) -> tuple:
    return e.primitive, e.params, [a.type.strong() for a in e.inputs]


def _with_values_written(n: int, branch: Program, writes: Sequence[_Write], written: set[int]) -> Program:
    """Return branch number `n` with the values and places of what is written in place of the outputs."""
    atoms = [a for k, a in enumerate(branch.outputs) if k not in written]
    mine = [a for w in writes if n in w.equations for a in w.equations[n].inputs[1:]]
    part = _program(branch, branch.inputs, branch.equations, [*atoms, *mine])

    def values(*flat):
        out = run(part, flat)
        found = iter(out[len(atoms) :])
        for w in writes:
            for a in w.any.inputs[1:]:
                value = next(found) if n in w.equations else np.zeros((), a.type.dtype)
                out.append(broadcast_to(value, shape=a.type.shape))
        return out[: len(atoms)] + out[len(atoms) + len(mine) :]

    return stage_flat(values, branch.in_types, branch.name)


def _is_chosen(which: Any, branches: Sequence[int], count: int) -> Any:
    """Return whether one of some branches is the chosen one; True where that are all of them."""
    chosen = False
    for n in branches:
        first, last = n == 0, n == count - 1
        one = True if first and last else which <= 0 if first else which >= n if last else which == n
        chosen = one if chosen is False else logical_or(chosen, one)
    return True if len(branches) == count else chosen


def _written(write: _Write, y: Any, chosen: Any, out: Any) -> Any:
    """Return `y` with what is written by the chosen branch, if it does."""
    equation = write.any
    primitive, params = equation.primitive, equation.params
    v, *places = [next(out) for _ in equation.inputs[1:]]
    if chosen is not True:
        if primitive is scatter_add:
            other = np.asarray(-0.0).astype(y.dtype)[()]  # which leaves what it is added to
        else:
            other = READS[primitive](y, *places, **params)
        v = select(chosen, v, other)
    return primitive(y, v, *places, **params)


# What is read.


def _reads(branches: Sequence[Program]) -> list[_Read]:
    """Return the reads of those large inputs of which all branches read small parts only."""
    found: list[_Read] = []
    for source in range(len(branches[0].inputs)):
        reads = [_reads_of(n, b, source) for n, b in enumerate(branches)]
        if None not in reads:
            found += [read for some in reads for read in some]
    return found


def _reads_of(n: int, branch: Program, source: int) -> list[_Read] | None:
    x = branch.inputs[source]
    if x in branch.outputs:
        return None
    reads = []
    for e in branch.equations:
        if x in e.inputs:
            is_part = e.primitive in (index, gather) and x not in e.inputs[1:]
            if not is_part or not _is_small_part(e.outputs[0].type, x.type):
                return None
            reads.append(_Read(source, n, e))
    return None if any(_is_costly(branch, r.equation.inputs[1:]) for r in reads) else reads


def _is_costly(branch: Program, places: Sequence[Atom]) -> bool:
    """Whether it may take long, or be seen, to compute places once more."""
    return any(map(_is_costly_equation, pruned(branch.equations, (), places)[0]))


def _is_costly_equation(e: Equation) -> bool:
    if e.primitive.effect or e.primitive.opaque or e.primitive.repeats:
        return True
    return any(_is_costly_equation(inner) for program in subprograms(e.params) for inner in program.equations)


def _read_before(
    choose: Callable, args: Sequence[Any], branches: Sequence[Program], reads: Sequence[_Read]
) -> list[Any]:
    """Return what the branches read: at the places that the chosen one has for it, or at place 0."""
    if not reads:
        return []
    types = [a.type for r in reads for a in r.equation.inputs[1:]]
    places: Any = iter(())
    if types:
        places = iter(_chosen(choose, args, [_asking(n, b, reads) for n, b in enumerate(branches)]))
    return [
        r.equation.primitive(
            args[r.source], *[next(places) for _ in r.equation.inputs[1:]], **r.equation.params
        )
        for r in reads
    ]


def _asking(n: int, branch: Program, reads: Sequence[_Read]) -> Program:
    """Return the branch that gives the places of all reads."""
    mine = [a for r in reads if r.branch == n for a in r.equation.inputs[1:]]
    equations, constants = pruned(branch.equations, branch.constants, mine)
    equations = tuple([e for e in equations if not has_effect(e)])
    part = branch.replaced(constants=constants, equations=equations, outputs=mine)

    def places(*flat):
        found = iter(run(part, flat))
        return [
            broadcast_to(next(found) if r.branch == n else np.zeros((), a.type.dtype), shape=a.type.shape)
            for r in reads
            for a in r.equation.inputs[1:]
        ]

    return stage_flat(places, branch.in_types, branch.name)


def _with_values_read(n: int, branch: Program, reads: Sequence[_Read]) -> Program:
    """Return branch number `n` with the values of all reads as further inputs."""
    mine = {id(r.equation) for r in reads if r.branch == n}
    values = [r.equation.outputs[0] if r.branch == n else Var(r.equation.outputs[0].type) for r in reads]
    equations = [e for e in branch.equations if id(e) not in mine]
    return _program(branch, [*branch.inputs, *values], equations, branch.outputs)
