"""New tensors: from data, filled, or counted."""

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch import dtypes
from funcgrad.torch.attach import methods
from funcgrad.torch.devices import checked_device
from funcgrad.torch.dtypes import default_dtype, dtype_of, is_floating, numpy_dtype
from funcgrad.torch.layout import as_arguments, memory_format, preserve_format, rule_of
from funcgrad.torch.modes import MODE
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import shape_of_arguments
from funcgrad.torch.tensors import Tensor, wrap

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "complex",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "is_tensor",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "polar",
    "range",
    "scalar_tensor",
    "tensor",
    "tril_indices",
    "triu_indices",
    "vander",
    "zeros",
    "zeros_like",
]


def finished(array: Any, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return a new tensor of a fresh array, as a leaf.

    Raises:
        RuntimeError: when gradients are asked of integers.
        AssertionError: for a device there is none of.
    """
    if device is not None:
        checked_device(device)
    out = wrap(array)
    out._inference = MODE.inference
    if requires_grad:
        if not is_floating(array.dtype):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        out._leaf_grad = True
    return out


def _kind(dtype: Any, default: np.dtype) -> np.dtype:
    return default if dtype is None else numpy_dtype(dtype)


def _inferred(data: Any, depth: int = 0) -> tuple[int, ...]:
    """Return the shape of nested sequences.

    Raises:
        ValueError: when they are ragged.
    """
    if isinstance(data, Tensor):
        return tuple(data.shape)
    if not isinstance(data, (list, tuple)):
        return np.shape(data)
    if not data:
        return (0,)
    first = _inferred(data[0], depth + 1)
    for item in data:
        own = _inferred(item, depth + 1)
        if own != first:
            if len(own) == len(first) and own:
                raise ValueError(f"expected sequence of length {first[0]} at dim {depth + 1} (got {own[0]})")
            if len(own) < len(first):
                raise TypeError(f"not a sequence: expected one of length {first[0]} at dim {depth + 1}")
            raise TypeError(f"must be real number, not {type(item).__name__}")
    return (len(data), *first)


def _plain(data: Any) -> Any:
    """Return nested sequences with the tensors in them as numbers and lists."""
    if isinstance(data, Tensor):
        return data._array.tolist()
    if isinstance(data, (list, tuple)):
        return [_plain(x) for x in data]
    return data


def _array(data: Any, dtype: Any) -> Any:
    """Return a new array of the data, in the dtype PyTorch infers: Python floats have the default one."""
    if isinstance(data, str) or data is None:
        if data is None:
            raise RuntimeError("Could not infer dtype of NoneType")
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(data, Tensor):
        return data._array.astype(_kind(dtype, data._array.dtype))
    if isinstance(data, (np.ndarray, np.generic)):
        dtype_of(data)
        return np.array(data, _kind(dtype, data.dtype))
    if isinstance(data, (list, tuple)):
        shape = _inferred(data)
        array = np.array(_plain(data)) if math.prod(shape) else np.zeros(shape, default_dtype())
        if array.dtype.kind in "USO":
            raise TypeError("new(): invalid data type 'str'")
        if array.dtype.kind == "f":
            return array.astype(_kind(dtype, _strong(data) or default_dtype()))
        if array.dtype.kind == "c" and dtype is None:
            return array.astype(dtypes.get_default_dtype().to_complex().numpy)
        return array.astype(_kind(dtype, array.dtype))
    if isinstance(data, (bool, int)):
        if dtype is None and not isinstance(data, bool) and not -(2**63) <= data < 2**63:
            raise RuntimeError("Overflow when unpacking long long")
        return np.array(data, _kind(dtype, np.dtype(bool if isinstance(data, bool) else np.int64)))
    if isinstance(data, float):
        return np.array(data, _kind(dtype, default_dtype()))
    if hasattr(data, "__array__") or hasattr(data, "__len__"):
        return np.array(data, _kind(dtype, np.asarray(data).dtype))
    if isinstance(data, builtins.complex):
        return np.array(data, _kind(dtype, dtypes.get_default_dtype().to_complex().numpy))
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _strong(data):
    """Return the dtype of the first number in nested sequences, where it is NumPy's or a tensor's; else None."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    if isinstance(data, Tensor):
        return data._array.dtype
    return data.dtype if isinstance(data, (np.ndarray, np.generic)) else None


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor with a copy of the data: numbers, nested lists, arrays.

    Args:
        dtype: inferred from the data when it is not given; Python floats become the default dtype.
        requires_grad: let operations on it be recorded.

    Raises:
        ValueError: when nested lists are ragged.
        RuntimeError: when gradients are asked of integers.

    >>> from funcgrad import torch
    >>> torch.tensor([[1.0, 2.0]])
    tensor([[1., 2.]])
    """
    return finished(_array(data, dtype), requires_grad, device)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the data as a tensor, sharing the memory of an array or tensor where the dtype allows it."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or numpy_dtype(dtype) == data.dtype):
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Return a tensor that shares the memory of a NumPy array.

    Raises:
        TypeError: when it is no array, or of a dtype there is no tensor of.
        ValueError: when its memory is read backward, or its byte order is foreign.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported."
        )
    dtype_of(ndarray)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    return wrap(ndarray)


def scalar_tensor(s: Any, *, dtype: Any = None) -> Tensor:
    """Return a tensor without axes of the default dtype."""
    return wrap(np.array(s, _kind(dtype, default_dtype())))


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros."""
    return finished(np.zeros(_shape(size, "zeros"), _kind(dtype, default_dtype())), requires_grad, device)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones."""
    return finished(np.ones(_shape(size), _kind(dtype, default_dtype())), requires_grad, device)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor whose elements are not set (here they are zero)."""
    return finished(np.zeros(_shape(size), _kind(dtype, default_dtype())), requires_grad, device)


def _shape(size, name=""):
    shape = shape_of_arguments(size)
    if any(n < 0 for n in shape):
        bad = next(n for n in shape if n < 0)
        negative = f"Trying to create tensor with negative dimension {bad}: {list(shape)}"
        raise RuntimeError(f"{name}: Dimension size must be non-negative." if name else negative)
    return shape


def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor filled with a number, of the dtype the number has in `tensor`."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = _array(value, dtype).dtype
    return finished(np.full(_shape((size,)), value, kind), requires_grad, device)


def _like(function):
    def like(input, *, dtype=None, device=None, requires_grad=False, memory_format=preserve_format):
        made = function(input.shape, dtype=input.dtype if dtype is None else dtype, device=device)
        return finished(rule_of(memory_format)(made._array, (input._array,), {}), requires_grad)

    like.__name__ = like.__qualname__ = f"{function.__name__}_like"
    like.__doc__ = f"Do as `{function.__name__}`, with the shape and dtype of a tensor."
    return like


zeros_like, ones_like, empty_like = _like(zeros), _like(ones), _like(empty)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Return a tensor filled with a number, with the shape, dtype and layout of another."""
    options = {"dtype": input.dtype if dtype is None else dtype, "device": device}
    made = empty_like(input, memory_format=memory_format, **options)
    return finished(full((), fill_value, **options)._array + made._array, requires_grad)


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return the identity matrix."""
    return finished(np.eye(n, m, dtype=_kind(dtype, default_dtype())), requires_grad, device)


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from `start` up to `end`, without `end`; whole numbers as int64.

    Raises:
        RuntimeError: when `step` is zero or leads away from `end`.
    """
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = all(isinstance(x, int) for x in (start, end, step))
    kind = _kind(dtype, np.dtype(np.int64) if whole else default_dtype())
    count = math.ceil((end - start) / step)
    return finished((start + np.arange(count) * step).astype(kind), requires_grad, device)


def range(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None) -> Tensor:
    """Return the numbers from `start` up to `end`, with `end`, as floating-point numbers."""
    count = math.floor((end - start) / step) + 1
    return wrap((start + np.arange(count) * step).astype(_kind(dtype, default_dtype())))


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return `steps` numbers, evenly spaced from `start` to `end`."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    a, b = (x.item() if isinstance(x, Tensor) else x for x in (start, end))
    return finished(np.linspace(a, b, steps).astype(_kind(dtype, default_dtype())), requires_grad, device)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None) -> Tensor:
    """Return `steps` powers of `base`, the exponents evenly spaced from `start` to `end`."""
    return wrap((base ** np.linspace(start, end, steps)).astype(_kind(dtype, default_dtype())))


_COMPLEX = Operation("ComplexBackward0", lambda x, y: x + y * 1j, layout=as_arguments)
_POLAR = Operation(
    "PolarBackward0", lambda r, angle: r * fnp.cos(angle) + r * fnp.sin(angle) * 1j, layout=as_arguments
)


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """Return the complex tensor with these real and imaginary parts."""
    return apply(_COMPLEX, (real, imag))


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Return the complex tensor with these absolute values and angles."""
    return apply(_POLAR, (abs, angle))


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the matrix of the powers of a vector's elements."""
    n = x.shape[0] if N is None else N
    powers = arange(n, dtype=x.dtype)
    return x.unsqueeze(1) ** (powers if increasing else powers.flip(0))


def tril_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """Return the places of the lower triangle, rows and columns."""
    return wrap(np.stack(np.tril_indices(row, offset, col)))


def triu_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """Return the places of the upper triangle, rows and columns."""
    return wrap(np.stack(np.triu_indices(row, offset, col)))


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor of the data, of this tensor's dtype."""
    return tensor(
        data, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad
    )


def _new(function):
    def new(self, *size, dtype=None, device=None, requires_grad=False):
        return function(
            *size, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad
        )

    new.__name__ = f"new_{function.__name__}"
    new.__doc__ = f"Do as `{function.__name__}`, in this tensor's dtype."
    return new


def new_full(
    self: Tensor,
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor filled with a number, of this tensor's dtype."""
    kind = self.dtype if dtype is None else dtype
    return full(size, fill_value, dtype=kind, device=device, requires_grad=requires_grad)


methods(new_tensor, new_full, _new(zeros), _new(ones), _new(empty))
