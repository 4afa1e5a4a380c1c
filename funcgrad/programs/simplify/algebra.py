"""The table of algebraic rewrites: each is exact bit for bit, for nan, inf and -0.0 too.

What is not here is not exact: x * 0 is nan for an infinite x, x - x is for a nan, x + 0.0 makes 0.0 of -0.0, sums
in another order round otherwise, -(x - y) and y - x differ in the sign of a zero, and a product of complex numbers
with 1 makes nan of inf. (Which nan a nan is, and its sign, are nobody's concern.)
"""

from math import frexp

import numpy as np

from funcgrad.core.program import Atom, Equation, Literal
from funcgrad.core.types import broadcast_shapes
from funcgrad.programs.simplify.patterns import Apply, Known, Rule, atom_key, rewrite, rule, spread, strong

__all__ = ["ALGEBRA"]

# fmt: off
_TABLE = [
    # name                  pattern                        becomes         of dtype  why
    ("positive",            "positive x",                  "x",            "fciu", "+x is x"),
    ("times one",           "multiply x 1",                "x",            "fiu",  "IEEE 754: x * 1 = x"),
    ("times minus one",     "multiply x -1",               "negative x",   "fi",   "the sign alone changes"),
    ("minus zero",          "subtract x 0.0",              "x",            "fciu", "-0.0 - 0.0 = -0.0"),
    ("plus minus zero",     "add x -0.0",                  "x",            "f",    "0.0 + -0.0 = 0.0"),
    ("plus zero",           "add x 0.0",                   "x",            "iu",   "integers have one zero"),
    ("by one",              "divide x 1",                  "x",            "f",    "IEEE 754: x / 1 = x"),
    ("by minus one",        "divide x -1",                 "negative x",   "f",    "the sign alone changes"),
    ("one by",              "divide 1 x",                  "reciprocal x", "f",    "what reciprocal is"),
    ("double negative",     "negative (negative x)",       "x",            "fciu", "the sign changes twice"),
    ("plus negative",       "add x (negative y)",          "subtract x y", "fciu", "x - y = x + (-y)"),
    ("minus negative",      "subtract x (negative y)",     "add x y",      "fciu", "x - (-y) = x + y"),
    ("two negatives",       "multiply (negative x) (negative y)", "multiply x y", "fiu", "signs multiply"),
    ("negative by negative", "divide (negative x) (negative y)", "divide x y", "f", "signs multiply"),
    ("negative times number", "multiply (negative x) #a",  "multiply x -#a", "f", "rounding is symmetric"),
    ("negated times number", "negative (multiply x #a)",   "multiply x -#a", "f", "rounding is symmetric"),
    ("negative by number",  "divide (negative x) #a",      "divide x -#a", "f",    "rounding is symmetric"),
    ("negated by number",   "negative (divide x #a)",      "divide x -#a", "f",    "rounding is symmetric"),
    ("number by negative",  "divide #a (negative x)",      "divide -#a x", "f",    "rounding is symmetric"),
    ("number by, negated",  "negative (divide #a x)",      "divide -#a x", "f",    "rounding is symmetric"),
    ("times itself",        "multiply x x",                "square x",     "fiu",  "what square is"),
    ("zeroth power",        "power x 0.0",                 "1",            "fiu",  "x ** 0 = 1, for nan too"),
    ("first power",         "power x 1",                   "x",            "fiu",  "NumPy copies"),
    ("second power",        "power x 2",                   "square x",     "fiu",  "NumPy squares"),
    ("power minus one",     "power x -1",                  "reciprocal x", "f",    "NumPy divides"),
    ("square of negative",  "square (negative x)",         "square x",     "fiu",  "signs multiply"),
    ("square of absolute",  "square (absolute x)",         "square x",     "fiu",  "signs multiply"),
    ("absolute of negative", "absolute (negative x)",      "absolute x",   "fi",   "the sign is dropped"),
    ("absolute twice",      "absolute (absolute x)",       "absolute x",   "fi",   "there is no sign"),
    ("maximum of same",     "maximum x x",                 "x",            "fiub", "nan included"),
    ("minimum of same",     "minimum x x",                 "x",            "fiub", "nan included"),
    ("maximum with -inf",   "maximum x -inf",              "x",            "f",    "nan wins on either side"),
    ("minimum with inf",    "minimum x inf",               "x",            "f",    "nan wins on either side"),
    ("not not",             "logical_not (logical_not x)", "x",            "b",    "of bools"),
    ("and same",            "logical_and x x",             "x",            "b",    "of bools"),
    ("or same",             "logical_or x x",              "x",            "b",    "of bools"),
    ("and true",            "logical_and x True",          "x",            "b",    "of bools"),
    ("or false",            "logical_or x False",          "x",            "b",    "of bools"),
    ("and false",           "logical_and x False",         "False",        "b",    "whatever x is"),
    ("or true",             "logical_or x True",           "True",         "b",    "whatever x is"),
    ("bits and same",       "bitwise_and x x",             "x",            "iub",  "of each bit"),
    ("bits or same",        "bitwise_or x x",              "x",            "iub",  "of each bit"),
    ("invert twice",        "invert (invert x)",           "x",            "iub",  "of each bit"),
    ("select by not",       "select (logical_not c) x y",  "select c y x", "fciub", "nan is true for both"),
    ("select twice, first", "select c (select c x y) z",   "select c x z", "fciub", "y is never taken"),
    ("select twice, second", "select c x (select c y z)",  "select c x z", "fciub", "y is never taken"),
    ("conjugate of real",   "conjugate x",                 "x",            "fiub", "there is no imaginary part"),
    ("conjugate twice",     "conjugate (conjugate x)",     "x",            "c",    "the sign changes twice"),
]
# fmt: on

ALGEBRA: list[Rule] = [rewrite(*row) for row in _TABLE]


@rule(ALGEBRA, "power one half", "power", why="NumPy takes the square root, of -0.0 and -inf too")
def _square_root(known: Known, equation: Equation):
    x, exponent = equation.inputs
    dtype = equation.outputs[0].type.dtype
    literal = known.number(exponent)
    # (Not for x converted to floating first: those it raises to a power.)
    if literal is None or literal.value != 0.5 or x.type.dtype != dtype or dtype.char not in "fd":
        return None
    return Apply("sqrt", x)


@rule(
    ALGEBRA, "by a power of two", "divide", why="x / 2**k and x * 2**-k are the same number before rounding"
)
def _by_power_of_two(known: Known, equation: Equation):
    x, divisor = equation.inputs
    dtype = equation.outputs[0].type.dtype
    literal = known.number(divisor)
    if dtype.char not in "efd" or literal is None or np.iscomplexobj(literal.value):
        return None
    value = float(dtype.type(literal.value))
    limits = np.finfo(dtype)
    if abs(frexp(value)[0]) != 0.5 or not all(
        limits.tiny <= abs(v) <= limits.max for v in (value, 1 / value)
    ):
        return None
    return Apply("multiply", x, Literal(dtype.type(1 / value)))


@rule(ALGEBRA, "select with a known condition", "select", why="the other branch is never taken")
def _select_known(known: Known, equation: Equation):
    condition, x, y = equation.inputs
    literal = known.number(condition)
    return None if literal is None else spread(x if literal.value else y, equation.outputs[0].type)


@rule(ALGEBRA, "select of the same", "select", why="either branch is x")
def _select_same(known: Known, equation: Equation):
    _, x, y = equation.inputs
    return spread(x, equation.outputs[0].type) if atom_key(x) == atom_key(y) else None


@rule(ALGEBRA, "guard without need", "guarded_multiply", "times",
      why="the guard is for 0 * inf: not where a factor is a number that is neither, nor where both are finite")  # fmt: skip
def _guard_without_need(known: Known, equation: Equation):
    # (NumPy's evaluation drops the sign of a zero where another element of the product is infinite or nan;
    # compiled, as here, the sign stays.)
    c, p = equation.inputs
    harmless = _is_finite(known, c, zero=False) or _is_finite(known, p, zero=False)
    needless = harmless or (_is_finite(known, c) and _is_finite(known, p))
    return Apply("multiply", c, p) if needless else None


def _is_finite(known: Known, atom: Atom, depth: int = 6, *, zero: bool = True) -> bool:
    """Whether the elements are finite for all arguments; a bounded function is not: sin(inf) is nan.

    Args:
        zero: whether they may be zero.
    """
    if zero and atom.type.dtype.kind in "biu":
        return True
    if type(atom) is Literal:
        return bool(np.isfinite(atom.value) and (zero or atom.value != 0))
    if atom in known.constants:
        value = known.constants[atom]
        fits = value.nbytes <= 1 << 16 and bool(np.isfinite(value).all())
        return fits and (zero or bool((value != 0).all()))
    equation = known.equations.get(atom)
    if equation is None or depth == 0:
        return False
    if equation.primitive.name == "convert":
        inputs = equation.inputs
        source, target = inputs[0].type.dtype, atom.type.dtype
        fits = np.finfo(target).max >= (2**64 if source.kind in "biu" else np.finfo(source).max)
        if not fits or (not zero and target.itemsize < source.itemsize):
            return False
    else:
        inputs = tuple([equation.inputs[i] for i in equation.primitive.magnitude_of])
        if not inputs:
            return False
    # In the dtype of the result a finite number may be another: of weak operands only literals are sure.
    return all(
        a.type.dtype == atom.type.dtype or equation.primitive.name == "convert" for a in inputs
    ) and all(_is_finite(known, a, depth - 1, zero=zero) for a in inputs)


@rule(ALGEBRA, "operand broadcast without need", trait="exact", why="the operation broadcasts by itself")
def _broadcast_without_need(known: Known, equation: Equation):
    out = equation.outputs[0].type
    if not out.shape or any(a.type.dtype.kind == "c" for a in equation.inputs):
        return None
    inputs = list(equation.inputs)
    for i, atom in enumerate(inputs):
        source = _unbroadcast(known, atom)
        if source is None:
            continue
        inputs[i] = source
        if broadcast_shapes("", *(a.type for a in inputs)) != out.shape:
            inputs[i] = atom
    if all(a is b for a, b in zip(inputs, equation.inputs, strict=True)):
        return None
    return Apply(equation.primitive.name, *inputs)


@rule(ALGEBRA, "operation on broadcast arrays", trait="exact", why="equal elements have equal results")
def _of_broadcast_arrays(known: Known, equation: Equation):
    out = equation.outputs[0].type
    if not out.shape or any(a.type.dtype.kind == "c" for a in equation.inputs):
        return None
    inputs = [_unbroadcast(known, a) or a for a in equation.inputs]
    if broadcast_shapes("", *(a.type for a in inputs)) == out.shape:
        return None
    return Apply("broadcast_to", Apply(equation.primitive.name, *inputs), shape=out.shape)


@rule(
    ALGEBRA,
    "reduction of a broadcast array",
    "sum",
    "max",
    "min",
    "prod",
    why="along the axes that stay, it is one",
)
def _reduction_of_broadcast(known: Known, equation: Equation):
    (x,), params = equation.inputs, equation.params
    source = _unbroadcast(known, x)
    if source is None:
        return None
    lead = x.type.ndim - source.type.ndim
    axes = tuple(d - lead for d in params["axes"])
    if any(d < 0 or source.type.shape[d] != x.type.shape[d + lead] for d in axes):
        return None
    reduced = Apply(equation.primitive.name, source, **{**params, "axes": axes})
    return Apply("broadcast_to", reduced, shape=equation.outputs[0].type.shape)


def _unbroadcast(known: Known, atom: Atom) -> Atom | None:
    """Return what `atom` is broadcast from, in its dtype; None where it is not, or from a weak variable."""
    equation = known.producer(atom, "broadcast_to", "reshape")
    if equation is None:
        return None
    source = equation.inputs[0]
    if equation.primitive.name == "reshape":
        leading = len(atom.type.shape) - len(source.type.shape)
        if leading < 0 or atom.type.shape != (1,) * leading + source.type.shape:
            return None
    return strong(source)
