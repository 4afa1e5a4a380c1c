"""Tracers as Python values: float(x), bool(x), x.item(), f"{x}", and the conversions that are refused.

One rule: what decides (bool, int, an index, a comparison) is a plain value without a word, for its derivative
is zero. A plain number of a value that carries a derivative (float, complex, item, tolist, and what calls
`__float__` from C: math.sin(x), plain_array[0] = x, which Python does not tell apart from float(x)) is given
with a DerivativeWarning. A plain array of one (np.array([x])) is refused.
"""

import operator
import warnings
from typing import Any

import numpy as np

from funcgrad.core.decisions import truth
from funcgrad.core.roles import capturing_trace
from funcgrad.core.tables import meet_traced_index
from funcgrad.core.tracer import Tracer, concrete
from funcgrad.core.types import type_of
from funcgrad.errors import (
    WHEN_STATIC,
    ConcretizationError,
    DerivativeWarning,
    FuncgradError,
    PlainIndexError,
)
from funcgrad.numpy.foreign import calls_from_library, edit_for_scipy
from funcgrad.numpy.indexing import getitem
from funcgrad.source import user_location
from funcgrad.transforms.dual import Dual
from funcgrad.transforms.tape import Tape

__all__ = [
    "as_bool",
    "as_complex",
    "as_float",
    "as_index",
    "as_int",
    "as_item",
    "as_list",
    "as_plain_array",
    "as_text",
    "formatted",
    "refuse_pickling",
    "value_for",
]


def value_for(self, what, edit):
    """Return the one element's value; the messages of deeper levels gain the edit for `what`."""
    if any(type(n) is not int or n != 1 for n in self.shape):  # (a size may not be known while tracing)
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


def _found(x):
    """Return what stands for a tracer in the function that runs, which closes over it; else the tracer."""
    around = capturing_trace()
    return x if around is None else around.stand_in(x)


_SEEN: dict[Any, Any] = {}  # what Python's warnings keep of the lines they have told of


def _without_derivative(self, what):
    """Warn, once a line, that a plain value is taken of one that carries a derivative."""
    if self.dtype.kind not in "fc" or not _carries_derivative(self):
        return
    at = user_location(2)
    warnings.warn_explicit(
        f"{self.tracing.owner}: {what} takes a plain value, through which no derivative goes, of {type_of(self)}.\n"
        f"Hint: {_NUMBER} fg.stop_gradient(x) where no derivative is meant.\nAt {at}",
        DerivativeWarning,
        at.file if at else "<unknown>",
        at.line if at else 0,
        registry=_SEEN,
    )


def _carries_derivative(x):
    x = _found(x)
    while type(x) is Tracer:
        if x.node is not None and isinstance(x.tracing, (Tape, Dual)):
            return True
        x = x.value
    return False


_NUMBER = (
    "use the value itself, with NumPy's functions in place of math's; arrays that it is written into are made by "
    "funcgrad.numpy within the function (fg.numpy.zeros(n), fg.numpy.array(plain)) or from traced ones (np.zeros_like(x))."
)


def _number(self, what):
    """Return the value; refuse it to the inside of a function of NumPy's or SciPy's, which would go on with it."""
    value = value_for(self, what, edit_for_scipy() or _NUMBER)
    if calls_from_library(2) and _carries_derivative(self):
        raise ConcretizationError(
            f"a traced array must not be turned into a plain number, got {type_of(self)}.",
            hint=edit_for_scipy() or _NUMBER,
        )
    return value


def as_float(self):
    value = _number(self, "float")
    _without_derivative(self, "float(x), or a function of C such as math's,")
    return float(value)


def as_complex(self):
    value = _number(self, "complex")
    _without_derivative(self, "complex(x), or a function of C such as cmath's,")
    return complex(value)


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
    found = _found(self)
    return found.tracing.plain(found) if type(found) is Tracer else found


def as_plain_array(self, dtype=None, copy=None):
    plain = _plain(self)
    if plain is not None:
        return np.array(plain, dtype, copy=copy)
    if not self.tracing.alive:
        raise self.tracing.leaked(self)
    edit = edit_for_scipy()
    kind = ConcretizationError
    if edit:
        hint = edit
    elif self.dtype.kind in "biu":  # of an index, or of a shape
        meet_traced_index()
        kind = PlainIndexError
        hint = (
            "in place of plain[i], of an array made inside a traced function or held by an object, use "
            "fg.numpy.asarray(plain)[i]; in place of NumPy's array, asarray, full, stack or arange, funcgrad.numpy's; "
            f"{WHEN_STATIC}"
        )
    else:
        hint = (
            "use funcgrad.numpy's array, asarray, full, stack or arange, which take traced values, "
            "in place of NumPy's; np.dot(A, x) or A @ x in place of a plain array's method A.dot(x). Arrays that "
            "funcgrad.numpy makes within the function (zeros, array, ...) can be written to with traced values."
        )
    raise kind(f"a traced array must not be turned into a plain one, got {type_of(self)}.", hint=hint)


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
    value = value_for(picked, "item", "").item()
    _without_derivative(picked, "x.item()")
    return value


def as_list(self):
    value = np.asarray(concrete(self)).tolist()
    _without_derivative(self, "x.tolist()")
    return value


def refuse_pickling(self):
    raise ConcretizationError(
        f"a traced array cannot be pickled, got {type_of(self)}.",
        hint="return it from the function, and pickle the plain result.",
    )
