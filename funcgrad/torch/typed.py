"""The constructors named by a dtype, such as FloatTensor, and the old Variable."""

import warnings
from typing import Any

import numpy as np

from funcgrad.torch import dtypes
from funcgrad.torch.devices import checked_device
from funcgrad.torch.size import Size
from funcgrad.torch.tensors import Tensor, wrap

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "Variable",
]


def _constructed(cls: type, *data: Any, dtype: Any = None, device: Any = None) -> Any:
    """Return what `torch.Tensor(...)` and `torch.FloatTensor(...)` give."""
    if device is not None:
        checked_device(device)
    kind = np.dtype(np.float32) if dtype is None else dtype.numpy
    if len(data) == 1 and isinstance(data[0], Tensor):
        return wrap(data[0]._array.astype(kind, copy=False), cls)
    if len(data) == 1 and not isinstance(data[0], (int, Size)):
        array = np.array([t.item() if isinstance(t, Tensor) else t for t in data[0]])
        return wrap(array.astype(kind), cls)
    sizes = tuple(data[0]) if data and isinstance(data[0], Size) else data or (0,)
    return wrap(np.zeros(sizes, kind), cls)


Tensor.__new__ = _constructed  # type: ignore[method-assign,assignment]


class _OfDtype(type):
    """Lets `isinstance(x, FloatTensor)` ask for the dtype."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


def _typed(name: str, dtype: dtypes.dtype) -> Any:
    def __new__(cls, *data: Any) -> Tensor:
        return Tensor(*data, dtype=dtype)

    doc = f"A tensor of {dtype}: of the given numbers, or of the given sizes and not initialized."
    return _OfDtype(name, (), {"__new__": __new__, "__doc__": doc, "dtype": dtype, "__module__": __name__})


BoolTensor = _typed("BoolTensor", dtypes.bool)
ByteTensor = _typed("ByteTensor", dtypes.uint8)
CharTensor = _typed("CharTensor", dtypes.int8)
ShortTensor = _typed("ShortTensor", dtypes.int16)
IntTensor = _typed("IntTensor", dtypes.int32)
LongTensor = _typed("LongTensor", dtypes.int64)
HalfTensor = _typed("HalfTensor", dtypes.float16)
FloatTensor = _typed("FloatTensor", dtypes.float32)
DoubleTensor = _typed("DoubleTensor", dtypes.float64)


class _IsTensor(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_IsTensor):
    """A tensor, as it was called before PyTorch 0.4: `Variable(x, requires_grad=True)` shares x's memory."""

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                stacklevel=2,
            )
        out = wrap(data._array)
        out._counter = data._counter
        return out.requires_grad_() if requires_grad else out
