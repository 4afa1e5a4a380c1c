"""Reading and writing parts: x[key], x[key] = value, gather, scatter, masks."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.extend import Tracer
from funcgrad.numpy.indexing import added, getitem, updated
from funcgrad.torch.attach import in_place_too, methods, operators
from funcgrad.torch.inplace import copy_into, in_place
from funcgrad.torch.layout import as_arguments, as_chosen, as_first, in_order
from funcgrad.torch.messages import named_in_c
from funcgrad.torch.modes import enable_grad
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations.keys import check_inside, is_all, parsed, part
from funcgrad.torch.size import axis_of
from funcgrad.torch.tensors import Tensor, wrap

__all__ = [
    "argwhere",
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "scatter",
    "scatter_add",
    "take",
    "take_along_dim",
    "where",
]


def _key(key, at, traced):
    """Return a key with the traced parts, which are arguments, at their positions."""
    parts = list(key)
    for n, p in zip(at, traced, strict=True):
        parts[n] = p
    return tuple(parts)


def _indexed(x, *traced, key, at=()):
    return getitem(x, _key(key, at, traced)) if at else x[key]


def _viewed(x, *, key):
    return x[key if Ellipsis in key else (*key, Ellipsis)]  # with ..., an element is a view as well


_SELECT = Operation("SelectBackward0", _viewed, view=True)
_SLICE = Operation("SliceBackward0", _viewed, view=True)
_UNSQUEEZE = Operation("UnsqueezeBackward0", _viewed, view=True)
_ALIAS = Operation("AliasBackward0", _viewed, view=True)
_INDEX = Operation("IndexBackward0", _indexed, layout=as_chosen)


def applied(op: Operation, tensors: tuple, key: tuple, **params: Any) -> Tensor:
    """Apply an operation that takes a key, of which traced parts are arguments: they may be batched, or staged."""
    at = tuple(n for n, p in enumerate(key) if isinstance(p, Tracer))
    if at:
        tensors += tuple(wrap(key[n]) for n in at)
        key = tuple(None if isinstance(p, Tracer) else p for p in key)
    return apply(op, tensors, {"key": key, "at": at, **params})


def _view_of(x: Tensor, key: tuple) -> Tensor:
    """Return the view of numbers, slices and None."""
    last = next(
        (p for p in reversed(key) if p is not Ellipsis and not is_all(p)), key[-1] if key else Ellipsis
    )
    if last is Ellipsis:
        op = _ALIAS
    else:
        op = _UNSQUEEZE if last is None else _SLICE if isinstance(last, slice) else _SELECT
    return apply(op, (x,), {"key": key})


def _getitem(self: Tensor, key: Any) -> Tensor:
    if type(key) is int and self.ndim:  # the common case
        n = self._array.shape[0]
        if not -n <= key < n:
            raise IndexError(f"index {key} is out of bounds for dimension 0 with size {n}")
        return apply(_SELECT, (self,), {"key": (key,)})
    view, chosen = parsed(self._array.shape, key)
    if not chosen:
        return _view_of(self, view)
    return applied(_INDEX, (self if all(map(is_all, view)) else _view_of(self, view),), chosen)


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    view, chosen = parsed(self._array.shape, key)
    if isinstance(value, Tensor):
        extra = next((n for n, size in enumerate(value.shape) if size != 1), value.ndim)
        if extra:  # leading axes of size 1 do not count
            value = value.reshape(value.shape[extra:])
    with enable_grad():  # a view to write to is the memory itself, also where it is traced
        part = self if chosen and all(map(is_all, view)) else _view_of(self, view)
    if not chosen:
        copy_into(part, value)
        return
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, self._array.dtype))
    in_place(part, lambda x, v: applied(_INDEX_PUT, (x, v), chosen, accumulate=False), value)


def _put(x, value, *traced, key, accumulate, at=()):
    if at:
        key = _key(key, at, traced)
        return added(x, key, value) if accumulate else updated(x, key, value)
    value = value if value.dtype == x.dtype else value.astype(x.dtype)
    if accumulate:
        return _added_at(x, key, value)
    out = fnp.copy(x)
    out[key] = value
    return out


def _added_at(x, key, value):
    if not isinstance(x, np.ndarray):
        return x.at[key].add(value)
    out = x.copy()
    np.add.at(out, key, value)
    return out


_INDEX_PUT = Operation("IndexPutBackward0", _put, layout=as_first)


def index_put(input: Tensor, indices: tuple, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return the tensor with `values` written at (or added to) the places given by index tensors."""
    return applied(_INDEX_PUT, (input, values), tuple(map(part, indices)), accumulate=accumulate)


# Along an axis


def _places(index: Tensor, name: str) -> np.ndarray:
    if not isinstance(index, Tensor) or index._array.dtype.kind not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    return index._array


def _grid(places, axis):
    """Return the key of the elements at `places` along an axis, each in its own row."""
    return tuple(
        places if i == axis else np.arange(n).reshape([-1 if j == i else 1 for j in range(places.ndim)])
        for i, n in enumerate(places.shape)
    )


_GATHER = Operation("GatherBackward0", _indexed)
_SCATTER = {
    kind: {
        accumulate: Operation(f"Scatter{'Add' if accumulate else ''}Backward{kind}", _put)
        for accumulate in (False, True)
    }
    for kind in (0, 1)
}


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return, at each place of `index`, the element of its row that it names along an axis."""
    axis = axis_of(dim, input.ndim)
    places = _places(index, "gather")
    check_inside(places, input.shape[axis] if input.ndim else 1, axis)
    if not input.ndim:
        return input.clone()
    return applied(_GATHER, (input,), _grid(places, axis))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Return the elements that `indices` names along an axis, as `numpy.take_along_axis`."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = axis_of(dim, input.ndim)
    shape = list(np.broadcast_shapes(*[[*x.shape[:axis], 1, *x.shape[axis + 1 :]] for x in (input, indices)]))
    shape[axis] = indices.shape[axis]
    return gather(input.expand(*shape[:axis], -1, *shape[axis + 1 :]), axis, indices.expand(shape))


def _scattered(x, dim, index, source, accumulate):
    axis = axis_of(dim, x.ndim)
    places = _places(index, "scatter")
    check_inside(places, x.shape[axis], axis)
    key = _grid(places, axis)
    if not isinstance(source, Tensor):
        source = wrap(np.full(places.shape, source, x._array.dtype))
        return applied(_SCATTER[1][accumulate], (x, source), key, accumulate=accumulate)
    values = source[tuple(slice(n) for n in places.shape)]
    return applied(_SCATTER[0][accumulate], (x, values), key, accumulate=accumulate)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """Return the tensor with elements of `src` written where `index` says along an axis."""
    if reduce not in (None, "add"):
        raise NotImplementedError(f"scatter: reduce={reduce!r} is not there; scatter and scatter_add are.")
    return _scattered(input, dim, index, value if src is None else src, reduce == "add")


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return the tensor with elements of `src` added where `index` says along an axis."""
    return _scattered(input, dim, index, src, True)


def check_within(places: Any, n: int, text: str = "index out of range in self", least: int = 0) -> None:
    """Raise IndexError where a place is outside; of traced places nothing is known."""
    if type(places) is np.ndarray and places.size and not (least <= places.min() and places.max() < n):
        raise IndexError(text)


def _along(axis, places):
    return (slice(None),) * axis + (places,)


_INDEX_SELECT = Operation("IndexSelectBackward0", _indexed)
_INDEX_ADD = Operation("IndexAddBackward0", _put)
_INDEX_COPY = Operation("IndexCopyBackward0", _put)
_INDEX_FILL = Operation("IndexFillBackward0", _put, layout=as_first)
_MASKED_SCATTER = Operation("MaskedScatterBackward0", _put)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the parts at the given places of an axis."""
    axis = axis_of(dim, input.ndim)
    places = _places(index, "index_select")
    check_within(places, input.shape[axis])
    return applied(_INDEX_SELECT, (input,), _along(axis, places))


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Return the tensor with parts of `source` added at the given places of an axis."""
    key = _along(axis_of(dim, input.ndim), _places(index, "index_add"))
    return applied(_INDEX_ADD, (input, source * alpha), key, accumulate=True)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return the tensor with parts of `source` at the given places of an axis."""
    key = _along(axis_of(dim, input.ndim), _places(index, "index_copy"))
    return applied(_INDEX_COPY, (input, source), key, accumulate=False)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return the tensor with a number at the given places of an axis."""
    key = _along(axis_of(dim, input.ndim), _places(index, "index_fill"))
    number = value if isinstance(value, Tensor) else wrap(np.asarray(value, input._array.dtype))
    return applied(_INDEX_FILL, (input, number), key, accumulate=False)


_TAKE = Operation("TakeBackward0", _indexed)


def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements at places counted through the whole tensor."""
    places = _places(index, "take")
    check_within(places, input.numel(), "out of range: tried to access index out of range", -input.numel())
    return applied(_TAKE, (input.reshape(-1),), (places,))


# Masks


def _either(x, y, *traced, condition):
    return fnp.where(traced[0] != 0 if traced else condition, x, y)


def _as_either(y, arrays, params):
    return as_arguments(y, (params["condition"], *arrays), params)


def _filled(x, value, *traced, mask):
    return fnp.where(traced[0] != 0 if traced else mask, value, x)


_WHERE = Operation("WhereBackward0", _either, promotes="same", layout=_as_either)
_FILL = [Operation(f"MaskedFillBackward{n}", _filled, promotes="same", layout=in_order) for n in range(2)]
_MASKED_SELECT = Operation("MaskedSelectBackward0", _indexed)


def _masked(op, x, y, **mask):
    """Apply an operation that takes a mask, which is an argument where it is traced."""
    ((name, given),) = mask.items()
    if isinstance(given._array, Tracer):
        return apply(op, (x, y, given), {name: None})
    return apply(op, (x, y), {name: given._array})


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """Return `input` where the condition holds and `other` elsewhere; alone, the places where it holds."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = wrap(np.asarray(input, np.float32 if isinstance(input, float) else None))
    return _masked(_WHERE, input, other, condition=condition)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Return the tensor with a number where the mask is true."""
    if mask._array.dtype.kind != "b":
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {named_in_c(mask)}"
        )
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    out = _masked(_FILL[int(isinstance(value, Tensor))], input, value, mask=mask)
    return out if out.dtype == input.dtype else out.to(input.dtype)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where the mask is true, along one axis."""
    shape = np.broadcast_shapes(input._array.shape, mask._array.shape)
    return apply(_MASKED_SELECT, (input.expand(shape),), {"key": (np.broadcast_to(mask._array, shape),)})


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return the tensor with elements of `source`, in order, where the mask is true."""
    key = (np.broadcast_to(mask._array, input._array.shape),)
    values = source.reshape(-1)[: int(key[0].sum())]
    return apply(_MASKED_SCATTER, (input, values), {"key": key, "accumulate": False})


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the places of the elements that are not zero."""
    places = np.nonzero(np.atleast_1d(input._array))
    if as_tuple:
        return tuple(wrap(np.ascontiguousarray(p)) for p in places)
    return wrap(np.stack(places).T if input.ndim else np.zeros((len(places[0]), 0), np.int64))


def argwhere(input: Tensor) -> Tensor:
    """Return the places of the elements that are not zero."""
    return nonzero(input)


methods(argwhere, masked_select, nonzero, take, take_along_dim, gather, index_select)
in_place_too(index_add, index_copy, index_fill, index_put, masked_fill, masked_scatter, scatter, scatter_add)


def _where(self, condition, other):
    return where(condition, self, other)


Tensor.where = _where  # type: ignore[attr-defined]
operators(getitem=_getitem, setitem=_setitem)
