"""The suites: each gives the cases that it measures."""

from collections.abc import Callable

from bench import (
    complex_numbers,
    control,
    functions,
    python_loops,
    scaling,
    shapes,
    startup,
    torch_shim,
    turns,
)
from bench.gradbench.cases import cases as gradbench
from bench.model import Case
from bench.programs import PROGRAMS, SMALL, growing
from bench.systems import COMPILED, EAGER, cases_of

__all__ = ["SUITES"]


def eager(quick: bool) -> list[Case]:
    """Gradients of small functions without compilation, on arrays of each system's own kind."""
    return cases_of("eager", SMALL, EAGER, tolerance=1e-8)


def compiled(quick: bool) -> list[Case]:
    """Compiled functions and derivatives, NumPy in and out; what the first call takes beside it."""
    programs = [p for p in PROGRAMS if not (quick and p.large)]
    return cases_of("compiled", programs, _without_slow_compilers(quick), compiled=True)


def growth(quick: bool) -> list[Case]:
    """A few shapes of program at sizes from 1 to a million, so that slopes and crossings are seen."""
    systems = _without_slow_compilers(quick) | {name: EAGER[name] for name in ("PyTorch eager", "autograd")}
    return cases_of(
        "growth", growing(1000 if quick else 10**6), systems, limit=0.2 if quick else 2.0, compiled=True
    )


def _without_slow_compilers(quick: bool) -> dict:
    return {name: make for name, make in COMPILED.items() if not (quick and name == "torch.compile")}


SUITES: dict[str, Callable[[bool], list[Case]]] = {
    "eager": eager,
    "compiled": compiled,
    "complex": complex_numbers.cases,
    "control": control.cases,
    "functions": functions.cases,
    "gradbench": gradbench,
    "growth": growth,
    "loops": python_loops.cases,
    "scaling": scaling.cases,
    "shapes": shapes.cases,
    "startup": startup.cases,
    "torch": torch_shim.cases,
    "turns": turns.cases,
}
