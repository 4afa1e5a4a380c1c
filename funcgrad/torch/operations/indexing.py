"""Reading and writing parts: x[key], x[key] = value, gather, scatter, masks."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import in_place_too, methods, operators
from funcgrad.torch.inplace import copy_into, in_place
from funcgrad.torch.messages import named_in_c
from funcgrad.torch.operation import Operation, apply
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


def _indexed(x, *, key):
    return x[key]


def _viewed(x, *, key):
    return x[key if Ellipsis in key else (*key, Ellipsis)]  # with ..., an element is a view as well


_SELECT = Operation("SelectBackward0", _viewed, view=True)
_SLICE = Operation("SliceBackward0", _viewed, view=True)
_UNSQUEEZE = Operation("UnsqueezeBackward0", _viewed, view=True)
_ALIAS = Operation("AliasBackward0", _viewed, view=True)
_INDEX = Operation("IndexBackward0", _indexed)


def _parsed(x: Tensor, key: Any) -> tuple[tuple, Operation]:
    """Return a key as NumPy takes it, and the operation that reading it is."""
    parts = key if isinstance(key, tuple) else (key,)
    found = tuple(map(_part, parts))
    arrays = [p for p in found if isinstance(p, np.ndarray)]
    axes = sum(1 for p in found if p is not None and p is not Ellipsis and not isinstance(p, np.ndarray))
    axes += sum(p.ndim if p.dtype.kind == "b" else 1 for p in arrays)
    if axes > x.ndim:
        if x.ndim == 0:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert "
                "a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    _check_bounds(x.shape, found, axes)
    if arrays:
        return found, _INDEX
    last = next(
        (p for p in reversed(found) if p is not Ellipsis and not _is_all(p)), found[-1] if found else Ellipsis
    )
    if last is Ellipsis:
        return found, _ALIAS
    return found, _UNSQUEEZE if last is None else _SLICE if isinstance(last, slice) else _SELECT


def _is_all(p):
    return isinstance(p, slice) and p == slice(None)


def _part(p):
    if p is None or p is Ellipsis:
        return p
    if isinstance(p, slice):
        if p.step is not None and int(p.step) <= 0:
            raise ValueError("step must be greater than zero")
        return slice(*(v if v is None else int(v) for v in (p.start, p.stop, p.step)))
    if isinstance(p, (bool, np.bool_)):
        return np.asarray(p)
    if isinstance(p, Tensor):
        p = p._array
        if p.dtype.kind in "iu" and p.ndim == 0:
            return int(p)
        if p.dtype.kind not in "iub":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return p.astype(bool) if p.dtype == np.uint8 else p
    if isinstance(p, (list, tuple, np.ndarray, range)):
        array = np.asarray([q.item() if isinstance(q, Tensor) else q for q in p])
        return array.astype(np.int64) if not array.size else array
    if isinstance(p, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(p, float) or not hasattr(p, "__index__"):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {type(p).__name__})"
        )
    return p.__index__()


def _check_bounds(shape, parts, axes):
    """Raise IndexError, in PyTorch's words, for a place outside of an axis."""
    axis = 0
    for p in parts:
        if p is None:
            continue
        if p is Ellipsis:
            axis += len(shape) - axes
            continue
        if isinstance(p, np.ndarray) and p.dtype.kind == "b":
            if p.shape != shape[axis : axis + p.ndim]:
                raise IndexError(
                    f"The shape of the mask {list(p.shape)} at index {_first_difference(p.shape, shape[axis:])} does not "
                    f"match the shape of the indexed tensor {list(shape)} at index "
                    f"{axis + _first_difference(p.shape, shape[axis:])}"
                )
            axis += p.ndim
            continue
        n = shape[axis]
        if isinstance(p, int) and not -n <= p < n:
            raise IndexError(f"index {p} is out of bounds for dimension {axis} with size {n}")
        if isinstance(p, np.ndarray) and p.size:
            outside = p[(p < -n) | (p >= n)]
            if outside.size:
                raise IndexError(f"index {outside[0]} is out of bounds for dimension {axis} with size {n}")
        axis += 1


def _first_difference(a, b):
    return next((i for i, (m, n) in enumerate(zip(a, b, strict=False)) if m != n), 0)


def _getitem(self: Tensor, key: Any) -> Tensor:
    if type(key) is int and self.ndim:  # the common case
        n = self._array.shape[0]
        if not -n <= key < n:
            raise IndexError(f"index {key} is out of bounds for dimension 0 with size {n}")
        return apply(_SELECT, (self,), {"key": (key,)})
    parts, op = _parsed(self, key)
    return apply(op, (self,), {"key": parts})


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    parts, op = _parsed(self, key)
    if isinstance(value, Tensor):
        extra = next((n for n, size in enumerate(value.shape) if size != 1), value.ndim)
        if extra:  # leading axes of size 1 do not count
            value = value.reshape(value.shape[extra:])
    if op is not _INDEX:
        copy_into(apply(op, (self,), {"key": parts}), value)
        return
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, self._array.dtype))
    in_place(self, lambda x, v: apply(_INDEX_PUT, (x, v), {"key": parts, "accumulate": False}), value)


def _put(x, value, *, key, accumulate):
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


_INDEX_PUT = Operation("IndexPutBackward0", _put)


def index_put(input: Tensor, indices: tuple, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return the tensor with `values` written at (or added to) the places given by index tensors."""
    key = tuple(map(_part, indices))
    return apply(_INDEX_PUT, (input, values), {"key": key, "accumulate": accumulate})


# Along an axis


def _places(index: Tensor, name: str) -> np.ndarray:
    if not isinstance(index, Tensor) or index._array.dtype.kind not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    return index._array


def _check_inside(places, n, axis):
    outside = places[(places < 0) | (places >= n)] if places.size else places
    if outside.size:
        raise RuntimeError(f"index {outside.flat[0]} is out of bounds for dimension {axis} with size {n}")


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
    _check_inside(places, input.shape[axis] if input.ndim else 1, axis)
    if not input.ndim:
        return input.clone()
    return apply(_GATHER, (input,), {"key": _grid(places, axis)})


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
    _check_inside(places, x.shape[axis], axis)
    key = _grid(places, axis)
    params = {"key": key, "accumulate": accumulate}
    if not isinstance(source, Tensor):
        return apply(
            _SCATTER[1][accumulate], (x, wrap(np.full(places.shape, source, x._array.dtype))), params
        )
    part = source[tuple(slice(n) for n in places.shape)]
    return apply(_SCATTER[0][accumulate], (x, part), params)


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


def _along(axis, places):
    return (slice(None),) * axis + (places,)


_INDEX_SELECT = Operation("IndexSelectBackward0", _indexed)
_INDEX_ADD = Operation("IndexAddBackward0", _put)
_INDEX_COPY = Operation("IndexCopyBackward0", _put)
_INDEX_FILL = Operation("IndexFillBackward0", _put)
_MASKED_SCATTER = Operation("MaskedScatterBackward0", _put)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the parts at the given places of an axis."""
    axis = axis_of(dim, input.ndim)
    places = _places(index, "index_select")
    if places.size and not (0 <= places.min() and places.max() < input.shape[axis]):
        raise IndexError("index out of range in self")
    return apply(_INDEX_SELECT, (input,), {"key": _along(axis, places)})


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Return the tensor with parts of `source` added at the given places of an axis."""
    key = _along(axis_of(dim, input.ndim), _places(index, "index_add"))
    return apply(_INDEX_ADD, (input, source * alpha), {"key": key, "accumulate": True})


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return the tensor with parts of `source` at the given places of an axis."""
    key = _along(axis_of(dim, input.ndim), _places(index, "index_copy"))
    return apply(_INDEX_COPY, (input, source), {"key": key, "accumulate": False})


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return the tensor with a number at the given places of an axis."""
    key = _along(axis_of(dim, input.ndim), _places(index, "index_fill"))
    number = value if isinstance(value, Tensor) else wrap(np.asarray(value, input._array.dtype))
    return apply(_INDEX_FILL, (input, number), {"key": key, "accumulate": False})


_TAKE = Operation("TakeBackward0", lambda x, *, places: fnp.take(x, places))


def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements at places counted through the whole tensor."""
    places = _places(index, "take")
    if places.size and not (-input.numel() <= places.min() and places.max() < input.numel()):
        raise IndexError("out of range: tried to access index out of range")
    return apply(_TAKE, (input,), {"places": places})


# Masks

_WHERE = Operation("WhereBackward0", lambda x, y, *, condition: fnp.where(condition, x, y), promotes="same")
_FILL = [
    Operation(f"MaskedFillBackward{n}", lambda x, value, *, mask: fnp.where(mask, value, x), promotes="same")
    for n in range(2)
]
_MASKED_SELECT = Operation("MaskedSelectBackward0", _indexed)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """Return `input` where the condition holds and `other` elsewhere; alone, the places where it holds."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = wrap(np.asarray(input, np.float32 if isinstance(input, float) else None))
    return apply(_WHERE, (input, other), {"condition": condition._array})


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
    out = apply(_FILL[int(isinstance(value, Tensor))], (input, value), {"mask": mask._array})
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
        return tuple(wrap(p) for p in places)
    return wrap(np.stack(places, axis=1) if input.ndim else np.zeros((len(places[0]), 0), np.int64))


def argwhere(input: Tensor) -> Tensor:
    """Return the places of the elements that are not zero."""
    return nonzero(input)


methods(argwhere, masked_select, nonzero, take, take_along_dim, gather, index_select)
in_place_too(index_add, index_copy, index_fill, index_put, masked_fill, masked_scatter, scatter, scatter_add)


def _where(self, condition, other):
    return where(condition, self, other)


Tensor.where = _where  # type: ignore[attr-defined]
operators(getitem=_getitem, setitem=_setitem)
