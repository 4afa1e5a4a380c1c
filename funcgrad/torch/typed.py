"""The constructors named by a dtype, such as FloatTensor, and the old Variable."""

from typing import Any

from funcgrad.torch import dtypes
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
        out = wrap(data._array)
        out._counter = data._counter
        return out.requires_grad_() if requires_grad else out
