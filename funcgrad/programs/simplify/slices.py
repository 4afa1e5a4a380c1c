"""The table of rewrites of slices: keys of keys, of what was put there, of arrays that were put together.

Each has the same elements before and after, so all are exact.
"""

from typing import Any

from funcgrad.core.program import Atom, Equation, Literal
from funcgrad.primitives.indexing import Key
from funcgrad.programs.simplify.patterns import Apply, Known, Rule, rule, spread

__all__ = ["SLICES"]

SLICES: list[Rule] = []


def _rule(name: str, *roots: str, why: str):
    return rule(SLICES, name, *roots, why=why)


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


@_rule("index of everything", "index", why="the same elements in the same places")
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


@_rule(
    "concatenate of neighbours",
    "concatenate",
    why="slices of one array, one behind the other, are a slice of it",
)
def _concatenate_neighbours(known: Known, equation: Equation):
    axis = equation.params["axis"]
    # What is concatenated, and the slices that it is, told in other ways.
    parts: list[tuple[Any, list[_Piece]]] = []
    for atom in equation.inputs:
        pieces = _pieces(known, atom, axis)
        last = parts[-1][1] if parts else []
        joined = [both for a in last for b in pieces if (both := _joined(a, b)) is not None]
        if joined:
            array, selected, _ = joined[0]
            parts[-1] = Apply("index", array, key=_as_key(selected)), joined
        else:
            parts.append((atom, pieces))
    if len(parts) == len(equation.inputs):
        return None
    return parts[0][0] if len(parts) == 1 else Apply("concatenate", *(x for x, _ in parts), axis=axis)


# An array, what is selected of each of its axes, and where in that is the range along which pieces lie.
_Piece = tuple[Atom, list[Any], int]


def _pieces(known: Known, atom: Atom, axis: int) -> list[_Piece]:
    """Return of which array an operand is a slice along its `axis`.

    An axis of one element is a slice by any of the numbers beside it.
    """
    inner = known.producer(atom, "index", "reshape", "broadcast_to")
    if inner is None:
        return []
    new = inner.primitive.name != "index"
    if new:
        (x,) = inner.inputs
        if inner.params["shape"] != (*x.type.shape[:axis], 1, *x.type.shape[axis:]):
            return []
        inner = known.producer(x, "index")
        if inner is None:
            return []
    (array,) = inner.inputs
    selected = _selected(inner.params["key"], array.type.shape)
    kept = [i for i, s in enumerate(selected) if not isinstance(s, int)]
    if new:
        kept.insert(axis, kept[axis] if axis < len(kept) else len(selected))
        selected.insert(kept[axis], None)
    at = kept[axis]
    if selected[at] is not None:
        return [(array, selected, at)] if selected[at] else []
    found = []
    for step in (-1, 1):
        beside = at + step
        while 0 <= beside < len(selected) and isinstance(selected[beside], int):
            k = selected[beside]
            own = [*selected[:beside], range(k, k + 1), *selected[beside + 1 :]]
            del own[at]
            found.append((array, own, beside - (at < beside)))
            beside += step
    return found


def _joined(a: _Piece, b: _Piece) -> _Piece | None:
    """Return two pieces as one; None where the second does not go on where the first ends."""
    (x, first, at), (y, second, place) = a, b
    if x is not y or at != place or len(first) != len(second):
        return None
    if any(s != t for i, (s, t) in enumerate(zip(first, second, strict=True)) if i != at):
        return None
    p, q = first[at], second[at]
    step = q[0] - p[-1]
    if not step or (len(p) > 1 and p.step != step) or (len(q) > 1 and q.step != step):
        return None
    end = q[-1] + (1 if step > 0 else -1)
    return x, [*first[:at], range(p[0], end, step), *first[at + 1 :]], at


@_rule("update of everything", "index_update", why="no element of the array is left")
def _update_of_everything(known: Known, equation: Equation):
    x, v = equation.inputs
    selected = _selected(equation.params["key"], x.type.shape)
    full = [s for s in selected if s is not None] == [range(n) for n in x.type.shape]
    return spread(v, equation.outputs[0].type) if full and len(selected) == len(x.type.shape) else None
