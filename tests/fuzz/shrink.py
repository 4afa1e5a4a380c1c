"""A failing program as a few lines: what can be left out is left out."""

from collections.abc import Callable

import numpy as np

from tests.fuzz.inputs import array_text
from tests.fuzz.programs import Program, run

__all__ = ["as_test", "shrunk"]

TRIES = 150


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Return a smaller program that fails as well."""
    progress, left = True, TRIES
    while progress:
        progress = False
        for smaller in _smaller(program):
            try:
                run(smaller, smaller.inputs)
            except Exception:  # a line that others need is gone
                continue
            left -= 1
            if left < 0:
                return program
            if fails(smaller):
                program, progress = smaller, True
                break
    return program


def _smaller(program: Program):
    for output in program.outputs:
        if len(program.outputs) > 1:
            yield _with(program, outputs=[output])
    for name, _ in program.lines:
        if name not in program.outputs:
            yield _with(program, outputs=[name])
    for k in reversed(range(len(program.lines))):
        yield _with(program, lines=program.lines[:k] + program.lines[k + 1 :])
    for k, x in enumerate(program.inputs):
        if program.layouts[k] != "C":
            yield _with_input(program, k, np.array(x, order="C"))
        if x.ndim and x.shape[0] > 1:
            yield _with_input(program, k, np.array(x[: x.shape[0] // 2]))
            yield _with_input(program, k, np.array(x[x.shape[0] // 2 :]))
            yield _with_input(program, k, np.array(x[:-1]))
        if x.dtype.kind == "f" and x.size and not np.array_equal(x, np.round(x), equal_nan=True):
            yield _with_input(program, k, np.round(x))


def _with(program, lines=None, outputs=None):
    smaller = Program(program.inputs, program.layouts)
    smaller.lines = program.lines if lines is None else lines
    smaller.outputs = program.outputs if outputs is None else outputs
    smaller.smooth, smaller.rounded = program.smooth, program.rounded
    return smaller


def _with_input(program, k, x):
    smaller = _with(program)
    smaller.inputs = [*program.inputs[:k], x, *program.inputs[k + 1 :]]
    smaller.layouts = [*program.layouts[:k], "C", *program.layouts[k + 1 :]]
    return smaller


def as_test(program: Program, seed: int, checks: list[str], failure: str) -> str:
    """Return the text of a test that fails as the program does."""
    source = "\n".join("    " + line for line in program.source().splitlines())
    inputs = [array_text(x, layout) for x, layout in zip(program.inputs, program.layouts, strict=True)]
    return f'''
def test_found_by_fuzzing():
    """{failure}"""

{source}

    inputs = [{", ".join(inputs)}]
    with np.errstate(all="ignore"):
        assert_agrees(program, inputs, {checks!r}, seed={seed}, smooth={program.smooth})
'''
