"""The laws of the IR: every variable is assigned once, before use, with the type its rule gives."""

from funcgrad.core.program import Literal, Program, Var, subprograms
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import ProgramError

__all__ = ["check"]


def check(program: Program) -> Program:
    """Return `program` if it keeps the IR's laws.

    Raises:
        ProgramError: naming the equation and the law it breaks.
    """
    known: set[Var] = set()

    def define(var, where):
        if not isinstance(var, Var) or not isinstance(var.type, ArrayType):
            raise ProgramError(f"check: {where} must define variables with types, got {var!r}.")
        if var in known:
            raise ProgramError(f"check: a variable is assigned once, but {where} assigns {var!r} again.")
        known.add(var)

    def use(atom, where):
        if isinstance(atom, Literal):
            if atom.type.shape != ():
                raise ProgramError(f"check: literals are scalars, but {where} has {atom!r}.")
        elif atom not in known:
            raise ProgramError(f"check: {where} uses {atom!r} before it is assigned.")

    for var in program.inputs:
        define(var, "the input list")
    for var, value in program.constants:
        define(var, "the constant list")
        if type_of(value).strong() != var.type.strong():
            raise ProgramError(f"check: constant {var!r} holds a {type_of(value)}.")
    for i, equation in enumerate(program.equations):
        where = f"equation {i} ({equation.primitive.name})"
        for atom in equation.inputs:
            use(atom, where)
        types = equation.primitive.type_rule(*(a.type for a in equation.inputs), **equation.params)
        expected = tuple(types) if equation.primitive.multiple else (types,)
        got = tuple(v.type for v in equation.outputs)
        # Python arithmetic on Python numbers may be marked weak beyond what the rule says.
        if [t.strong() for t in expected] != [t.strong() for t in got]:
            raise ProgramError(f"check: {where} has type rule {expected}, but its outputs are {got}.")
        for key, value in equation.params.items():
            try:
                hash(value)
            except TypeError:
                raise ProgramError(f"check: {where} has an unhashable parameter {key}.") from None
        for inner in subprograms(equation.params):
            check(inner)
        for var in equation.outputs:
            define(var, where)
    for atom in program.outputs:
        use(atom, "the output list")
    return program
