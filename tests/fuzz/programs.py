"""Random programs, made by trial: lines that NumPy takes, of values that are known."""

from typing import Any

import numpy as np

import funcgrad as fg
from tests.fuzz.inputs import make_input
from tests.fuzz.operations import OPERATIONS

__all__ = ["Program", "make_program", "run"]

MOST = 3000  # elements of a value
# A rounded number beyond this is not gone on with: its sine may be any number.
LARGE = 1e5


class Program:
    """Inputs, and lines that assign.

    Attributes:
        lines: `(name, text)`.
        rounded: the names of those whose values are rounded: whoever computes them may have others in the last bits.
        smooth: it has a derivative near these values.
    """

    def __init__(self, inputs: list[np.ndarray], layouts: list[str]):
        self.inputs = inputs
        self.layouts = layouts
        self.lines: list[tuple[str, str]] = []
        self.outputs: list[str] = []
        self.rounded: set[str] = set()
        self.smooth = True

    @property
    def names(self) -> list[str]:
        return [f"x{k}" for k in range(len(self.inputs))]

    def source(self) -> str:
        body = [f"    {line}" for name, text in self.lines for line in _statement(name, text)]
        returned = ", ".join(self.outputs)
        return "\n".join([f"def program({', '.join(self.names)}):", *body, f"    return [{returned}]"])

    def function(self) -> Any:
        """Return the program as a Python function, of NumPy's functions."""
        scope: dict[str, Any] = {"np": np, "fg": fg}
        exec(compile(self.source(), "<fuzz>", "exec"), scope)
        return scope["program"]

    def moved(self, move: Any) -> Any:
        """Return the program as a Python function in which `move` is applied to each value that is rounded."""
        whole = Program(self.inputs, self.layouts)
        whole.outputs = self.outputs
        for name, text in self.lines:
            whole.lines.append((name, text))
            if name in self.rounded:
                whole.lines.append((name, f"move({name})"))
        scope: dict[str, Any] = {"np": np, "fg": fg, "move": move}
        exec(compile(whole.source(), "<fuzz>", "exec"), scope)
        return scope["program"]

    def with_values(self) -> Any:
        """Return the program as a function that gives the value of each line."""
        whole = Program(self.inputs, self.layouts)
        whole.lines, whole.outputs = self.lines, [name for name, _ in self.lines] or self.names
        return whole.function()


def _statement(name, text):
    # What writes has several statements: the first makes the array, `it` in the others.
    first, *rest = text.split("; ")
    return [f"{name} = {first}", *(line.replace("it", name, 1) for line in rest)]


def run(program: Program, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return NumPy's results."""
    with np.errstate(all="ignore"):
        return [np.asarray(y) for y in program.function()(*inputs)]


def make_program(rng: np.random.Generator, length: int) -> Program:
    """Return a program of up to `length` lines."""
    pairs = [make_input(rng) for _ in range(rng.integers(1, 4))]
    program = Program([x for x, _ in pairs], [layout for _, layout in pairs])
    values: dict[str, tuple[np.ndarray, bool]] = {
        n: (x, True) for n, x in zip(program.names, program.inputs, strict=True)
    }
    for _ in range(length * 4):
        if len(program.lines) == length:
            break
        operation = OPERATIONS[rng.integers(len(OPERATIONS))]
        chosen = [_choose(rng, values) for _ in range(operation.arity)]
        if operation.decides and not all(values[n][1] for n in chosen):
            continue
        text = operation.text(rng, chosen, [values[n][0] for n in chosen])
        made = None if text is None else _tried(program, values, f"v{len(program.lines)}", text)
        if made is None:
            continue
        if operation.rounds and np.max(np.abs(made[np.isfinite(made)]), initial=0) > LARGE:
            continue
        exact = not operation.rounds and all(values[n][1] for n in chosen)
        if made.dtype.kind in "biu" and not exact:  # a rounding error decides which whole number it is
            continue
        values[f"v{len(program.lines)}"] = made, exact
        if not exact:
            program.rounded.add(f"v{len(program.lines)}")
        program.smooth = program.smooth and operation.smooth
        program.lines.append((f"v{len(program.lines)}", text))
    last = [name for name, _ in program.lines[-3:]]
    program.outputs = last or program.names[:1]
    return program


def _choose(rng, values):
    names = list(values)
    # Later values more often, so that programs are deep.
    return names[min(int(len(names) * rng.random() ** 0.6), len(names) - 1)]


def _tried(program, values, name, text):
    scope = {"np": np, "fg": fg, **{n: x for n, (x, _) in values.items()}}
    try:
        # What nan is as an integer is nobody's concern.
        converts = "astype" in text or "it[" in text
        with np.errstate(all="ignore", invalid="raise" if converts else "ignore"):
            for statement in _statement(name, text):
                exec(statement, scope)
    except Exception:  # NumPy does not take it
        return None
    made = scope[name]
    if not isinstance(made, (np.ndarray, np.generic, bool, int, float, complex)):
        return None
    made = np.asarray(made)
    return made if made.size <= MOST and made.dtype.kind in "biufc" and made.dtype.itemsize <= 16 else None
