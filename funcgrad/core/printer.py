"""Programs as text: one line an equation, names in order, types shown."""

from itertools import count
from typing import Any

from funcgrad.core.program import Literal, Program, Var, subprograms

__all__ = ["format_program"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def format_program(program: Program, *, sources: bool = False, indent: str = "") -> str:
    """Return the text of a program."""
    names = _name_variables(program)

    def read(atom):
        return _literal(atom) if isinstance(atom, Literal) else names[atom]

    head = ", ".join(f"{names[v]}: {v.type}" for v in program.inputs)
    lines = [f"{indent}{program.name}({head}):"]
    body = indent + "    "
    for var, value in program.constants:
        lines.append(f"{body}{names[var]}: {var.type} = constant {_abbreviate(value)}")
    for equation in program.equations:
        left = ", ".join(f"{names[v]}: {v.type}" for v in equation.outputs)
        right = " ".join([equation.primitive.name + _params(equation.params), *map(read, equation.inputs)])
        note = f"  # {equation.source}" if sources and equation.source else ""
        lines.append(f"{body}{left} = {right}{note}")
        for inner in subprograms(equation.params):
            lines.append(format_program(inner, sources=sources, indent=body + "    "))
    lines.append(f"{body}return {', '.join(map(read, program.outputs)) or '()'}")
    return "\n".join(lines)


def _name_variables(program) -> dict[Var, str]:
    names: dict[Var, str] = {}
    taken = set()
    for var, hint in zip(program.inputs, program.input_names, strict=False):
        if hint and hint not in taken:
            names[var] = hint
            taken.add(hint)
    fresh = (name for name in _letters() if name not in taken)
    constants = [v for v, _ in program.constants]
    for var in (*program.inputs, *constants, *(v for e in program.equations for v in e.outputs)):
        if var not in names:
            names[var] = next(fresh)
    return names


def _letters():
    for i in count():
        yield (
            _LETTERS[i]
            if i < 26
            else _LETTERS[i // 26 % 26 - 1] + _LETTERS[i % 26] + (str(i // 702) if i >= 702 else "")
        )


def _literal(literal: Literal) -> str:
    value = literal.value
    return repr(value) if literal.type.weak else str(value)


def _abbreviate(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:37] + "..."


def _params(params: dict[str, Any]) -> str:
    shown = {k: v for k, v in params.items() if v is not None and v is not False}
    shown = {k: v for k, v in shown.items() if not subprograms({k: v})}
    if not shown:
        return ""
    return "[" + ", ".join(f"{k}={_param(v)}" for k, v in shown.items()) + "]"


def _param(value: Any) -> str:
    name = getattr(value, "name", None) or getattr(value, "__name__", None)
    return name if isinstance(name, str) else str(value).replace(" ", "")


Program._print = staticmethod(format_program)
