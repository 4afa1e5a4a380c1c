"""The table of rewrites that move or convert no data: reshapes, transposes, conversions, reductions of one.

Each has the same elements before and after, so all are exact.
"""

import numpy as np

from funcgrad.core.program import Equation, Literal
from funcgrad.programs.simplify.patterns import Apply, Known, Rule, rule, spread, strong

__all__ = ["REARRANGEMENTS"]

REARRANGEMENTS: list[Rule] = []


def _rule(name: str, *roots: str, why: str = "the same elements in the same places"):
    return rule(REARRANGEMENTS, name, *roots, why=why)


@_rule("same shape", "reshape", "broadcast_to")
def _same_shape(known: Known, equation: Equation):
    (x,) = equation.inputs
    return x if x.type.shape == equation.params["shape"] else None


@_rule("reshape of reshape", "reshape")
def _reshape_of_reshape(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "reshape")
    return inner and Apply("reshape", inner.inputs[0], **equation.params)


@_rule("broadcast of broadcast", "broadcast_to")
def _broadcast_of_broadcast(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "broadcast_to")
    return inner and Apply("broadcast_to", inner.inputs[0], **equation.params)


@_rule("broadcast of new leading axes", "broadcast_to", why="broadcasting adds leading axes by itself")
def _broadcast_of_expanded(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "reshape")
    if inner is None:
        return None
    shape, expanded = inner.inputs[0].type.shape, inner.params["shape"]
    leading = len(expanded) - len(shape)
    if leading < 0 or expanded != (1,) * leading + shape:
        return None
    return Apply("broadcast_to", inner.inputs[0], **equation.params)


@_rule("rearranged number", "reshape", "transpose", "flip", "index", why="every element is the same")
def _rearranged_number(known: Known, equation: Equation):
    (x,), out = equation.inputs, equation.outputs[0].type
    inner = known.producer(x, "broadcast_to")
    source = inner.inputs[0] if inner is not None else x
    if source.type.shape:
        return None
    return spread(source, out) if out.shape else strong(source)


@_rule("converted number", "convert", "to_integer", why="every element is the same")
def _converted_number(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "broadcast_to")
    if inner is None or inner.inputs[0].type.shape:
        return None
    converted = Apply(equation.primitive.name, inner.inputs[0], **equation.params)
    return Apply("broadcast_to", converted, **inner.params)


@_rule("transpose in order", "transpose")
def _transpose_in_order(known: Known, equation: Equation):
    axes = equation.params["axes"]
    return equation.inputs[0] if tuple(axes) == tuple(range(len(axes))) else None


@_rule("transpose of transpose", "transpose")
def _transpose_of_transpose(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "transpose")
    if inner is None:
        return None
    axes = tuple(inner.params["axes"][a] for a in equation.params["axes"])
    return Apply("transpose", inner.inputs[0], axes=axes)


@_rule("flip of nothing", "flip", why="axes of one element have no order")
def _flip_of_nothing(known: Known, equation: Equation):
    (x,) = equation.inputs
    axes = tuple(a for a in equation.params["axes"] if x.type.shape[a] > 1)
    if not axes:
        return x
    return Apply("flip", x, axes=axes) if len(axes) < len(equation.params["axes"]) else None


@_rule("flip of flip", "flip", why="an axis flipped twice is in order")
def _flip_of_flip(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "flip")
    if inner is None:
        return None
    axes = tuple(sorted(set(inner.params["axes"]) ^ set(equation.params["axes"])))
    return Apply("flip", inner.inputs[0], axes=axes) if axes else inner.inputs[0]


@_rule("convert to the same", "convert", "to_integer", why="nothing is converted")
def _convert_to_same(known: Known, equation: Equation):
    return equation.inputs[0]  # taken only where the types are the same


@_rule("convert of convert", "convert", "to_integer", why="the first conversion is exact")
def _convert_of_convert(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "convert")
    if inner is None or not _holds(inner.inputs[0].type.dtype, inner.outputs[0].type.dtype):
        return None
    (x,), dtype = inner.inputs, equation.params["dtype"]
    if x.type.dtype == dtype and not x.type.weak:
        return x
    if equation.primitive.name == "to_integer" and dtype.kind != "b":
        return None  # by way of a float, other integers overflow to other numbers
    return Apply(equation.primitive.name, x, **equation.params)


def _holds(source: np.dtype, target: np.dtype) -> bool:
    """Whether every number of `source` is one of `target`."""
    if source.kind in "iu" and target.kind in "fc":
        return 8 * source.itemsize <= np.finfo(target).nmant + 1
    return target.kind in "fc" and np.can_cast(source, target, "safe")


@_rule("real part", "real", why="the conversion added an imaginary part, and conj changed its sign")
def _real_part(known: Known, equation: Equation):
    (z,) = equation.inputs
    if z.type.dtype.kind != "c":
        return z
    inner = known.producer(z, "conjugate", "convert")
    if inner is None:
        return None
    (x,) = inner.inputs
    if inner.primitive.name == "conjugate":
        return Apply("real", x)
    return Apply("convert", x, dtype=equation.outputs[0].type.dtype) if x.type.dtype.kind != "c" else None


@_rule("sum of one", "sum", why="NumPy adds to 0, so that -0.0 becomes 0.0: x + 0.0")
def _sum_of_one(known: Known, equation: Equation):
    (x,), out = equation.inputs, equation.outputs[0].type
    if any(x.type.shape[a] != 1 for a in equation.params["axes"]) or x.type.dtype != out.dtype:
        return None
    zero = Literal(out.dtype.type(0))
    y = Apply("add", x, zero) if out.dtype.kind in "fc" else x
    return y if x.type.shape == out.shape else Apply("reshape", y, shape=out.shape)


@_rule(
    "reduction of one", "prod", "max", "min", "any", "all", why="one element is its own product and extremum"
)
def _reduction_of_one(known: Known, equation: Equation):
    (x,), out = equation.inputs, equation.outputs[0].type
    if any(x.type.shape[a] != 1 for a in equation.params["axes"]) or out.dtype.kind == "c":
        return None
    return x if x.type.shape == out.shape else Apply("reshape", x, shape=out.shape)


@_rule("product of transpose", "dot", why="the same axes are contracted, where they were before")
def _product_of_transpose(known: Known, equation: Equation):
    inputs = list(equation.inputs)
    contract, batch = list(equation.params["contract"]), list(equation.params["batch"])
    for side in (0, 1):
        inner = known.producer(inputs[side], "transpose")
        if inner is None:
            continue
        axes = inner.params["axes"]
        bound = {*contract[side], *batch[side]}
        free = [a for d, a in enumerate(axes) if d not in bound]
        if free == sorted(free):  # else the result's axes would be in another order
            inputs[side] = inner.inputs[0]
            contract[side] = tuple(axes[d] for d in contract[side])
            batch[side] = tuple(axes[d] for d in batch[side])
    if inputs == list(equation.inputs):
        return None
    return Apply("dot", *inputs, **{**equation.params, "contract": tuple(contract), "batch": tuple(batch)})
