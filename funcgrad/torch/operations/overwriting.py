"""Writing to all elements: fill_, zero_ and copy_."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.inplace import copy_into, in_place, is_recorded, write
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor

__all__: list[str] = []


def _filled(x, value):
    value = value.astype(x.dtype) if hasattr(value, "astype") else np.asarray(value).astype(x.dtype)
    return fnp.broadcast_to(value, x.shape)


_FILLED = [Operation(f"FillBackward{n}", _filled) for n in (2, 3)]
_ZEROED = Operation("ZeroBackward0", _filled)


def _overwritten(x: Tensor, op: Operation, value: Any) -> Tensor:
    if not is_recorded(x, value):
        write(x, value._array if isinstance(value, Tensor) else value)
        return x
    return in_place(x, lambda old, new: apply(op, (old, new)), value)


def _fill(self: Tensor, value: Any) -> Tensor:
    """Overwrite all elements with a number."""
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
        )
    return _overwritten(self, _FILLED[isinstance(value, Tensor)], value)


def _zero(self: Tensor) -> Tensor:
    """Overwrite all elements with zero."""
    return _overwritten(self, _ZEROED, 0)


def _copy(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Overwrite the elements with those of `src`, broadcast and converted."""
    return copy_into(self, src)


Tensor.fill_, Tensor.zero_, Tensor.copy_ = _fill, _zero, _copy  # type: ignore[attr-defined]
