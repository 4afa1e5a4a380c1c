"""Tracers as Python values: float(x), bool(x), x.item(), f"{x}", and the conversions that are refused.

A value is given where it is asked for. Where Python or NumPy would take it in passing and drop the
derivative (math.sin(x), np.array([x]), plain_array[0] = x), an error says what to write.
"""

import dis
import operator
import sys

import numpy as np

from funcgrad.core.decisions import truth
from funcgrad.core.tracer import Tracer, concrete, enclosing
from funcgrad.core.types import type_of
from funcgrad.errors import WHEN_STATIC, ConcretizationError, FuncgradError
from funcgrad.numpy.indexing import getitem

__all__ = [
    "as_bool",
    "as_complex",
    "as_float",
    "as_index",
    "as_int",
    "as_item",
    "as_plain_array",
    "as_text",
    "formatted",
    "refuse_pickling",
    "value_for",
]


def value_for(self, what, edit):
    """Return the one element's value; the messages of deeper levels gain the edit for `what`."""
    if self.size != 1:
        if what == "bool":
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    try:
        return np.asarray(concrete(self)).reshape(())[()]
    except ConcretizationError as error:
        raise ConcretizationError(error.problem, hint=edit or error.hint) from None


def as_bool(self):
    answer = truth(self)
    if answer is not None:
        return answer
    return bool(
        value_for(
            self,
            "bool",
            "a Python `if`, `while`, `and` or `or` needs the value: use fg.numpy.where(condition, x, y), "
            "or & and | in place of `and` and `or`.",
        )
    )


_VALUE_ONLY = frozenset({"float", "complex", "isnan", "isinf", "isfinite", "isclose", "bool", "round"})


def as_float(self):
    value = value_for(self, "float", "")
    if _plain(self) is None and _caller_of_conversion() not in _VALUE_ONLY:
        raise ConcretizationError(
            f"a traced array must not be turned into a plain number where its derivative would be lost, "
            f"got {type_of(self)}.",
            hint="use NumPy's function in place of math's (np.sin(x), not math.sin(x)), and np.zeros_like(x) "
            "or fg.numpy.array([...]) for an array to write traced values into; float(x) gives the plain value.",
        )
    return float(value)


def as_complex(self):
    value = value_for(self, "complex", "")
    if _caller_of_conversion() not in _VALUE_ONLY:
        raise ConcretizationError(
            f"a traced array must not be turned into a plain number where its derivative would be lost, "
            f"got {type_of(self)}.",
            hint="use NumPy's function in place of cmath's; complex(x) gives the plain value.",
        )
    return complex(value)


def _caller_of_conversion() -> str | None:
    """Return the name of the function whose call made Python convert a tracer, if that can be told.

    `float(x)` asks for the value and gets it. `math.sin(x)` and `plain_array[0] = x` make the same
    conversion, but would drop the derivative without a word; only the calling code tells them apart.
    """
    frame = sys._getframe(2)
    code, last = frame.f_code, frame.f_lasti
    instructions = [i for i in dis.get_instructions(code) if i.offset <= last]
    if not instructions or not instructions[-1].opname.startswith("CALL"):
        return None
    call = instructions.pop()
    if call.opname not in ("CALL", "CALL_FUNCTION"):
        return None
    if instructions[-1].opname == "PRECALL":
        instructions.pop()
    height: int = 0  # of the stack, counted back from the call; its arguments are the top `arg` items
    for instruction in reversed(instructions):
        if height == -(call.arg or 0) and instruction.opname != "PUSH_NULL":
            name = instruction.argval
            return name if isinstance(name, str) else None
        height -= dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
    return None


def as_int(self):
    return int(
        value_for(
            self,
            "int",
            f"use the array itself, or its astype(int), where int(x) only computes; where it decides a shape "
            f"or a range: {WHEN_STATIC}",
        )
    )


def as_index(self):
    if self.dtype.kind not in "iu":
        raise TypeError("only integer scalar arrays can be converted to a scalar index")
    return operator.index(
        value_for(
            self,
            "index",
            f"a shape, a range or a slice bound must be known while tracing: use a plain int; {WHEN_STATIC}",
        )
    )


def _plain(self):
    """Return the plain array behind a tracer where nothing is lost by taking it, or that stands in for it; else None."""
    around = enclosing()
    found = self if around is None else around.stand_in(self)
    return found.tracing.plain(found) if type(found) is Tracer else found


def as_plain_array(self, dtype=None, copy=None):
    plain = _plain(self)
    if plain is not None:
        return np.array(plain, dtype, copy=copy)
    if not self.tracing.alive:
        raise self.tracing.leaked(self)
    if self.dtype.kind in "iu":  # of an index, or of a shape
        hint = (
            "use fg.numpy.take(array, i, axis=0) in place of array[i] and np.take(array, i, axis=0), and "
            f"funcgrad.numpy's array, asarray, full, stack or arange in place of NumPy's; {WHEN_STATIC}"
        )
    else:
        hint = (
            "use funcgrad.numpy's array, asarray, full, stack or arange, which take traced values, "
            "in place of NumPy's; np.zeros_like(x) makes an array that traced values can be written into."
        )
    raise ConcretizationError(
        f"a traced array must not be turned into a plain one, got {type_of(self)}.", hint=hint
    )


def formatted(self, spec):
    try:
        value = concrete(self)
    except FuncgradError:
        return repr(self)
    return format(value, spec)


def as_text(self):
    if not self.tracing.alive:
        return f"Tracer<{type_of(self)}, of {self.tracing.owner}, which has ended>"
    try:
        return (
            f"Tracer<{np.array2string(np.asarray(concrete(self)), separator=', ')}, of {self.tracing.owner}>"
        )
    except ConcretizationError:
        return f"Tracer<{type_of(self)}, of {self.tracing.owner}>"


def as_item(self, *args):
    picked = (
        getitem(self, args[0] if len(args) == 1 and isinstance(args[0], tuple) else args) if args else self
    )
    return value_for(picked, "item", "").item()


def refuse_pickling(self):
    raise ConcretizationError(
        f"a traced array cannot be pickled, got {type_of(self)}.",
        hint="return it from the function, and pickle the plain result.",
    )
