"""What running a program does besides its results."""

from collections.abc import Callable
from typing import Any

from funcgrad.core.program import Equation, Program, subprograms

__all__ = ["is_observable", "replaced_programs", "with_bodies", "without_effects"]


def is_observable(equation: Equation) -> bool:
    """Whether it shows that an equation was evaluated though nobody asked for it: it prints, raises, calls a function
    of the user's, or might not end."""
    primitive = equation.primitive
    return (
        primitive.effect
        or primitive.fails
        or primitive.opaque
        or primitive.may_not_end
        or any(is_observable(inner) for p in subprograms(equation.params) for inner in p.equations)
    )


def without_effects(program: Program) -> Program:
    """Return the program without its prints and checks, those in its loops and branches included."""
    program = with_bodies(program, without_effects)
    equations = [e for e in program.equations if not e.primitive.effect]
    return program.computing(program.outputs, equations=equations)


def with_bodies(program: Program, change: Callable[[Program], Program]) -> Program:
    """Return the program with a change made to the bodies of its loops and branches."""
    equations = [_with_bodies(e, change) if e.params else e for e in program.equations]
    unchanged = all(new is old for new, old in zip(equations, program.equations, strict=True))
    return program if unchanged else program.replaced(equations=equations)


def _with_bodies(e: Equation, change: Callable[[Program], Program]) -> Equation:
    before = subprograms(e.params)
    if not before:
        return e
    params = replaced_programs(e.params, change)
    if all(new is old for new, old in zip(subprograms(params), before, strict=True)):
        return e
    return Equation(e.primitive, e.inputs, params, e.outputs, e.source)


def replaced_programs(params: dict[str, Any], change: Callable[[Program], Program]) -> dict[str, Any]:
    """Return parameters in which `change` was made to every Program."""

    def changed(value: Any) -> Any:
        if isinstance(value, Program):
            return change(value)
        if isinstance(value, tuple) and any(isinstance(item, Program) for item in value):
            return tuple(map(changed, value))
        return value

    return {name: changed(value) for name, value in params.items()}
