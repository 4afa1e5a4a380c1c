"""Conversions: to another dtype, another device, Python and NumPy."""

from typing import Any

import numpy as np

from funcgrad.torch import dtypes
from funcgrad.torch.attach import methods
from funcgrad.torch.devices import checked_device
from funcgrad.torch.dtypes import DTYPES, numpy_dtype
from funcgrad.torch.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    is_ordered,
    memory_format,
    preserve_format,
    rule_of,
)
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor

__all__ = ["can_cast", "is_complex", "is_floating_point", "is_nonzero"]


def _converted(x, *, dtype):
    return x.astype(dtype)


_TO = {
    format: Operation("ToCopyBackward0", _converted, layout=rule_of(format))
    for format in (preserve_format, contiguous_format, channels_last, channels_last_3d)
}


def to(
    self: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Return the tensor in another dtype (or another tensor's); itself where nothing changes.

    Args:
        args: a dtype, a device or a tensor; after it, whether the copy may be late (it never is), and
            whether there has to be one.

    Raises:
        AssertionError: for a device there is none of.
    """
    flags = [x for x in args if isinstance(x, bool)]
    copy = flags[1] if len(flags) > 1 else copy
    for x in args:
        if isinstance(x, Tensor):
            dtype = x.dtype
        elif isinstance(x, dtypes.dtype) or isinstance(x, type):
            dtype = x
        elif not isinstance(x, bool):
            device = x
    if device is not None:
        checked_device(device)
    kind = self._array.dtype if dtype is None else numpy_dtype(dtype)
    if kind == self._array.dtype:
        ordered = memory_format is preserve_format or is_ordered(self._array, memory_format)
        return self if ordered and not copy else self.clone(memory_format=memory_format)
    return apply(_TO[memory_format], (self,), {"dtype": kind})


def _as(name: str, kind: dtypes.dtype) -> Any:
    def converted(self, memory_format=preserve_format):
        return to(self, kind, memory_format=memory_format)

    converted.__name__ = name
    converted.__doc__ = f"Return the tensor in dtype {kind}."
    return converted


def _type(self: Tensor, dtype: Any = None) -> Any:
    """Return the name of the tensor's type, or the tensor in another dtype."""
    if dtype is None:
        return f"torch.{self.dtype.scalar}Tensor"
    if isinstance(dtype, str):
        name = dtype.removeprefix("torch.").removesuffix("Tensor")
        found = next((d for d in DTYPES.values() if d.scalar == name), None)
        if found is None:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = found
    return to(self, dtype)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Return the tensor in the dtype of another."""
    return to(self, other.dtype)


def cpu(self: Tensor) -> Tensor:
    """Return the tensor: it is on the CPU."""
    return self


def cuda(self: Tensor, device: Any = None) -> Tensor:
    """Raise: there is no CUDA here."""
    checked_device("cuda")
    return self


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return bool(input)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating-point numbers."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex."""
    return input.is_complex()


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether PyTorch converts one dtype to the other by itself, when it writes in place."""
    return "biufc".index(from_.numpy.kind.replace("u", "i")) <= "biufc".index(to.numpy.kind.replace("u", "i"))


def element_size(self: Tensor) -> int:
    """Return the number of bytes of an element."""
    return self._array.itemsize


def data_ptr(self: Tensor) -> int:
    """Return the address of the first element."""
    return self._array.__array_interface__["data"][0]


def is_signed(self: Tensor) -> bool:
    """Whether the elements can be negative."""
    return self.dtype.is_signed


def share_memory_(self: Tensor) -> Tensor:
    """Return the tensor: threads share its memory already."""
    return self


def _reduce(self: Tensor, protocol: Any) -> Any:
    return _rebuilt, (np.array(self._array), self.requires_grad and self.is_leaf, self.__class__)


def _rebuilt(array, requires_grad, cls):
    out = object.__new__(cls)
    out._array, out._counter, out._leaf_grad = array, [0, ""], requires_grad
    return out


def _deepcopy(self: Tensor, memo: dict) -> Tensor:
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
            "were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(self) not in memo:
        memo[id(self)] = out = _rebuilt(self._array.copy(), self._leaf_grad, self.__class__)
        if self._grad is not None:
            out._grad = _deepcopy(self._grad.detach(), memo)
    return memo[id(self)]


methods(
    to, type_as, cpu, cuda, is_nonzero, is_signed, element_size, data_ptr, share_memory_,
    _as("float", dtypes.float32), _as("double", dtypes.float64), _as("half", dtypes.float16),
    _as("long", dtypes.int64), _as("int", dtypes.int32), _as("short", dtypes.int16), _as("char", dtypes.int8),
    _as("byte", dtypes.uint8), _as("bool", dtypes.bool),
)  # fmt: skip
Tensor.type = _type  # type: ignore[attr-defined]
Tensor.__reduce_ex__ = _reduce  # type: ignore[assignment, method-assign]
Tensor.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
Tensor.itemsize = property(element_size)  # type: ignore[attr-defined]
Tensor.nbytes = property(lambda self: self._array.nbytes)  # type: ignore[attr-defined]
