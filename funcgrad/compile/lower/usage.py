"""What is known of a program's variables before it is lowered."""

from funcgrad.core.program import Program, Var

__all__ = ["evaluations", "last_uses"]


def last_uses(program: Program) -> dict[Var, float]:
    """Return the position of the last equation that reads each variable; outputs are read for ever."""
    last: dict[Var, float] = {var: at for at, dying in enumerate(program.last_uses) for var in dying}
    last.update((a, float("inf")) for a in program.outputs if isinstance(a, Var))
    return last


def evaluations(program: Program) -> dict[Var, float]:
    """Return how often each element of a variable would be computed if nothing were stored.

    A view asks its argument as often as it is asked itself; anything else, as often as its own points need it.
    """
    often: dict[Var, float] = {}
    for equation in reversed(program.equations):
        out = sum(v.type.size for v in equation.outputs)
        asked = often.get(equation.outputs[0], 0.0) if equation.primitive.view else 1.0
        types = [a.type for a in equation.inputs]
        points = equation.primitive.points(out, *types, **equation.params)
        for atom, count in zip(equation.inputs, points, strict=True):
            if isinstance(atom, Var):
                often[atom] = often.get(atom, 0.0) + asked * count / max(atom.type.size, 1)
    return often
