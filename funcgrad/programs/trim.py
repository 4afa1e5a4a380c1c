"""Dead code: programs, loops and branches without the results that nobody asks for, and what only those need.

And results that are arguments, passed on unchanged: whoever reads them may read those.
"""

from collections.abc import Sequence
from typing import Any

from funcgrad.core.dataflow import Flags
from funcgrad.core.program import Atom, Program, Var
from funcgrad.programs.memo import memoized

__all__ = ["only", "passed", "trimmed_scan", "trimmed_switch", "trimmed_while"]


@memoized
def only(program: Program, wanted: Flags) -> Program:
    """Return the program without the outputs that are not wanted."""
    if all(wanted):
        return program
    return program.computing([a for a, want in zip(program.outputs, wanted, strict=True) if want])


def passed(program: Program) -> list[int | None]:
    """Return, of each output, which input it is; None where it is none."""
    inputs: dict[Atom, int] = {var: k for k, var in enumerate(program.inputs)}
    return [inputs.get(atom) for atom in program.outputs]


def _trimmed(program: Program, outputs: Sequence[int]) -> tuple[Program, Flags]:
    """Return a program that has only some outputs, and of its inputs those they need; and which these are."""
    small = program.computing(tuple(program.outputs[k] for k in outputs))
    read: set[Atom] = {a for e in small.equations for a in e.inputs if isinstance(a, Var)}
    read.update(a for a in small.outputs if isinstance(a, Var))
    used = tuple(v in read for v in program.inputs)
    return _with_inputs(small, program.inputs, used), used


def _with_inputs(program: Program, own: Sequence[Var], used: Sequence[bool]) -> Program:
    """Return the program with those of its `own` inputs that are `used`, whether it reads them or not."""
    inputs = tuple(v for v, use in zip(own, used, strict=True) if use)
    return program.replaced(inputs=inputs)


def _needed_carries(
    body: Program, first: int, carries: int, others: Sequence[int], live: set[int]
) -> list[int]:
    """Return the parts of the carry, inputs from `first` on, that `live` ones and `others` of the outputs need."""
    while True:
        _, used = _trimmed(body, [*sorted(live), *others])
        more = {k for k in range(carries) if used[first + k]}
        if more <= live:
            return sorted(live)
        live = live | more


@memoized
def trimmed_while(body: Program, cond: Program, wanted: Flags, cond_consts: int, body_consts: int) -> Any:
    """Return which arguments and which results stay, and the parameters of the loop with those alone."""
    carries = len(body.outputs)
    _, asked = _trimmed(cond, [0])
    live = {k for k in range(carries) if wanted[k] or asked[cond_consts + k]}
    stay = _needed_carries(body, body_consts, carries, (), live)
    results = tuple(k in stay for k in range(carries))
    small, used = _trimmed(body, stay)
    consts = used[:body_consts]
    params = {
        "cond": _with_inputs(_trimmed(cond, [0])[0], cond.inputs, (*asked[:cond_consts], *results)),
        "body": _with_inputs(small, body.inputs, (*consts, *results)),
        "cond_consts": sum(asked[:cond_consts]),
        "body_consts": sum(consts),
    }
    return (*asked[:cond_consts], *consts, *results), results, params


@memoized
def trimmed_scan(body: Program, wanted: Flags, consts: int, carries: int) -> Any:
    """Return which arguments and which results stay, and the parameters of the loop that change."""
    ys = [k for k in range(carries, len(body.outputs)) if wanted[k]]
    stay = _needed_carries(body, consts, carries, ys, {k for k in range(carries) if wanted[k]})
    small, used = _trimmed(body, [*stay, *ys])
    kept_carries = tuple(k in stay for k in range(carries))
    arguments = (*used[:consts], *kept_carries, *used[consts + carries :])
    params = {
        "body": _with_inputs(small, body.inputs, arguments),
        "consts": sum(used[:consts]),
        "carries": len(stay),
    }
    return arguments, (*kept_carries, *wanted[carries:]), params


def trimmed_switch(branches: Sequence[Program], wanted: Flags) -> Any:
    """Return which arguments (the index first) and which results stay, and the branches with those alone."""
    outputs = [k for k, want in enumerate(wanted) if want]
    found = [_trimmed(branch, outputs) for branch in branches]
    used = tuple(any(column) for column in zip(*(u for _, u in found), strict=True))
    trimmed = tuple(
        _with_inputs(small, b.inputs, used) for (small, _), b in zip(found, branches, strict=True)
    )
    return (True, *used), wanted, {"branches": trimmed}
