"""The table of rewrites that move or convert no data: reshapes, transposes, slices, conversions, reductions of one.

Each has the same elements before and after, so all are exact.
"""

from typing import Any

import numpy as np

from funcgrad.core.program import Equation, Literal
from funcgrad.primitives.indexing import Key
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


# Keys as what they select of each axis: an int, a range, or None for a new axis.


def _selected(key: Any, shape: tuple[int, ...]) -> list[Any]:
    given = sum(k is not None and k is not Ellipsis for k in key)
    missing = [slice(None)] * (len(shape) - given)
    items: list[Any] = []
    for k in key:
        items += missing if k is Ellipsis else [k]
    if not any(k is Ellipsis for k in key):
        items += missing
    axes = iter(shape)
    return [None if k is None else range(next(axes))[k] for k in items]


def _as_slice(places: range) -> slice:
    if not places:
        return slice(0, 0)
    step = places.step if len(places) > 1 else 1
    stop = places[-1] + (1 if step > 0 else -1)
    return slice(places[0], None if stop < 0 else stop, None if step == 1 else step)


def _as_key(selected: list[Any]) -> Key:
    return Key([_as_slice(s) if isinstance(s, range) else s for s in selected])


def _composed(outer: list[Any], inner: list[Any]) -> list[Any] | None:
    """Return what `outer` selects of what `inner` selects; None where an empty slice is taken of a new axis."""
    out: list[Any] = []
    rest = iter(inner)
    for o in outer:
        if o is None:
            out.append(None)
            continue
        for s in rest:
            if not isinstance(s, int):
                break
            out.append(s)
        if s is not None:
            out.append(s[_as_slice(o)] if isinstance(o, range) else s[o])
        elif isinstance(o, range):
            if len(o) != 1:
                return None
            out.append(None)
    return [*out, *rest]


@_rule("index of everything", "index")
def _index_of_everything(known: Known, equation: Equation):
    (x,) = equation.inputs
    selected = _selected(equation.params["key"], x.type.shape)
    return x if selected == [range(n) for n in x.type.shape] else None


@_rule("index of index", "index", why="the elements of a slice are elements of the array")
def _index_of_index(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "index")
    if inner is None:
        return None
    outer = _selected(equation.params["key"], inner.outputs[0].type.shape)
    selected = _composed(outer, _selected(inner.params["key"], inner.inputs[0].type.shape))
    return None if selected is None else Apply("index", inner.inputs[0], key=_as_key(selected))


@_rule("index of what was put there", "index", why="a basic key meets no element twice")
def _index_of_put(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "place", "index_update")
    if inner is None:
        return None
    shape = inner.outputs[0].type.shape
    read, written = _selected(equation.params["key"], shape), _selected(inner.params["key"], shape)
    if read == written:
        return spread(inner.inputs[-1], equation.outputs[0].type)
    if not _apart(read, written):
        return None
    out = equation.outputs[0].type
    if inner.primitive.name == "place":
        return spread(Literal(out.dtype.type(0)), out)
    return Apply("index", inner.inputs[0], **equation.params)


def _apart(a: list[Any], b: list[Any]) -> bool:
    """Whether two keys have no element in common, as one axis tells."""
    for p, q in zip([s for s in a if s is not None], [s for s in b if s is not None], strict=True):
        (p_low, p_high), (q_low, q_high) = _bounds(p), _bounds(q)
        if p_high < q_low or q_high < p_low:
            return True
    return False


def _bounds(selected: Any) -> tuple[int, int]:
    if isinstance(selected, int):
        return selected, selected
    return (min(selected[0], selected[-1]), max(selected[0], selected[-1])) if selected else (0, -1)


@_rule("index of one part", "index", why="the slice lies within one of the arrays concatenated")
def _index_of_part(known: Known, equation: Equation):
    inner = known.producer(equation.inputs[0], "concatenate")
    if inner is None:
        return None
    axis = inner.params["axis"]
    selected = _selected(equation.params["key"], inner.outputs[0].type.shape)
    position = [i for i, s in enumerate(selected) if s is not None][axis]
    low, high = _bounds(selected[position])
    start = 0
    for part in inner.inputs:
        stop = start + part.type.shape[axis]
        if start <= low <= high < stop:
            selected[position] = _moved(selected[position], -start)
            return Apply("index", part, key=_as_key(selected))
        start = stop
    return None


def _moved(selected: Any, by: int) -> Any:
    if isinstance(selected, int):
        return selected + by
    return range(selected.start + by, selected.stop + by, selected.step)


@_rule("gather at numbers", "gather", why="numbers within range are a key")
def _gather_at_numbers(known: Known, equation: Equation):
    x, *indices = equation.inputs
    axes = equation.params["axes"]
    key: list[Any] = [slice(None)] * len(x.type.shape)
    for axis, i in zip(axes, indices, strict=True):
        n = x.type.shape[axis]
        if type(i) is not Literal or i.type.dtype.kind not in "iu" or not -n <= i.value < n:
            return None
        key[axis] = int(i.value)
    return Apply("index", x, key=Key(key)) if len(set(axes)) == len(axes) else None


@_rule("concatenate of what has elements", "concatenate", why="empty arrays add nothing")
def _concatenate_nonempty(known: Known, equation: Equation):
    axis = equation.params["axis"]
    parts = [x for x in equation.inputs if x.type.shape[axis]]
    if len(parts) == 1:
        return parts[0]
    if not parts or len(parts) == len(equation.inputs):
        return None
    return Apply("concatenate", *parts, axis=axis)


@_rule("update of everything", "index_update", why="no element of the array is left")
def _update_of_everything(known: Known, equation: Equation):
    x, v = equation.inputs
    selected = _selected(equation.params["key"], x.type.shape)
    full = [s for s in selected if s is not None] == [range(n) for n in x.type.shape]
    return spread(v, equation.outputs[0].type) if full and len(selected) == len(x.type.shape) else None


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
