"""Reads of single places of an array that has just been written to: of the array before, or what was written.

    x[i] = v;  y = x[j]   ->   y = v if i == j else x_before[j];  x[i] = v

So nothing but writes uses the arrays in between, and they can be done elsewhere (see `control.branch_parts`).
"""

from typing import Any, NamedTuple

from funcgrad.core.program import Atom, Equation, Literal, Program, Var
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import shape_of
from funcgrad.primitives.arithmetic import add
from funcgrad.primitives.gathering import gather, scatter_add, scatter_set
from funcgrad.primitives.indexing import index, index_update
from funcgrad.primitives.logic import equal, less, logical_and, select

__all__ = ["READS", "with_reads_before_writes"]

# Of those that write parts of an array, what reads the same parts.
READS = {index_update: index, scatter_set: gather, scatter_add: gather}


class _Place(NamedTuple):
    """One place along some axes of an array."""

    axes: tuple[int, ...]
    positions: tuple[Any, ...]


class _Written(NamedTuple):
    """An array that is another one, with some places written."""

    before: Var
    writes: tuple[tuple[Equation, _Place], ...]


def with_reads_before_writes(program: Program) -> Program:
    """Return the program with reads of single places taken before the writes of single places behind which they are."""
    written: dict[Atom, _Written] = {}
    reads: dict[int, tuple[_Place, _Written]] = {}
    for e in program.equations:
        place = _place_of(e)
        if place is None or not e.inputs:
            continue
        x = e.inputs[0]
        if e.primitive in READS:
            if isinstance(x, Var):
                known = written.get(x, _Written(x, ()))
                written[e.outputs[0]] = _Written(known.before, (*known.writes, (e, place)))
        elif x in written and all(p.axes == place.axes for _, p in written[x].writes):
            reads[id(e)] = place, written[x]
    if not reads:
        return program

    def run(*flat):
        env: dict[Atom, Any] = dict(zip(program.inputs, flat, strict=True))
        env.update(program.constants)
        value = lambda a: a.value if isinstance(a, Literal) else env[a]
        for e in program.equations:
            if id(e) in reads:
                out = _forwarded(e, *reads[id(e)], value)
            else:
                out = bind(e.primitive, *map(value, e.inputs), **e.params)
            env.update(zip(e.outputs, out if e.primitive.multiple else (out,), strict=True))
        return [value(a) for a in program.outputs]

    return stage_flat(run, program.in_types, program.name)


def _place_of(e: Equation) -> _Place | None:
    """Return the place that an equation reads or writes, if it is a single one."""
    if e.primitive in (index, index_update):
        key = tuple(e.params["key"])
        return _Place(tuple(range(len(key))), key) if all(type(k) is int for k in key) else None
    if e.primitive in (gather, scatter_set, scatter_add):
        positions = e.inputs[1:] if e.primitive is gather else e.inputs[2:]
        return None if any(a.type.shape for a in positions) else _Place(e.params["axes"], tuple(positions))
    return None


def _forwarded(e: Equation, place: _Place, written: _Written, value: Any) -> Any:
    before = value(written.before)
    sizes = [shape_of(before)[a] for a in place.axes]
    positions = [p if type(p) is int else value(p) for p in place.positions]
    y = bind(e.primitive, before, *map(value, e.inputs[1:]), **e.params)
    for write, at in written.writes:
        same: Any = True
        for i, j, n in zip(at.positions, positions, sizes, strict=True):
            here = equal(_from_start(i if type(i) is int else value(i), n), _from_start(j, n))
            same = here if same is True else logical_and(same, here)
        v = value(write.inputs[1])
        y = select(same, add(y, v) if write.primitive is scatter_add else v, y)
    return y


def _from_start(i: Any, n: int) -> Any:
    return i % n if type(i) is int else select(less(i, 0), add(i, n), i)
