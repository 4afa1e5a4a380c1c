"""Primitives that are better as several, and programs within programs: written out before anything else."""

from collections.abc import Callable
from typing import Any

from funcgrad.core.program import Equation, Program, Var
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import Tracer, bind

__all__ = ["decomposed", "with_rule"]


def decomposed(program: Program) -> Program:
    """Return the program with every primitive that has a `decompose_rule` replaced by what the rule does."""
    return with_rule(program, lambda equation: equation.primitive.decompose_rule)


def with_rule(program: Program, rule_of: Callable[[Equation], Callable | None]) -> Program:
    """Return the program with each equation that has a rule replaced by what that does to the equation's arguments."""
    if not any(rule_of(e) for e in program.equations):
        return program
    with Staging(f"jit of {program.name}", snapshot=False) as staging:
        inputs = [staging.input(v.type) for v in program.inputs]
        known: dict[Any, Any] = dict(zip(program.inputs, inputs, strict=True))
        for var, value in program.constants:
            known[var] = staging.constant(value, var.type)
        outputs = _replay(staging, program, known, rule_of)
        return staging.program(
            [t.node for t in inputs],
            [staging.atom(x) for x in outputs],
            in_tree=program.in_tree,
            out_tree=program.out_tree,
            name=program.name,
            input_names=program.input_names,
        )


def _replay(staging, program, known, rule_of):
    def read(atom):
        return known[atom] if isinstance(atom, Var) else atom.value

    for equation in program.equations:
        args = [read(a) for a in equation.inputs]
        before = len(staging.equations)
        rule = rule_of(equation)
        if rule is not None:
            out = rule(*args, **equation.params)
        elif any(type(x) is Tracer for x in args):
            out = bind(equation.primitive, *args, **equation.params)
        else:
            # Nothing traced among the arguments: stays an equation, to be folded or not later.
            out = staging.process(equation.primitive, tuple(args), equation.params)
        for new in staging.equations[before:]:
            new.source = equation.source
        outs = out if equation.primitive.multiple else (out,)
        for var, y in zip(equation.outputs, outs, strict=True):
            if var.type.weak and type(y) is Tracer:
                y.node.type = var.type
            known[var] = y
    return [read(a) for a in program.outputs]
