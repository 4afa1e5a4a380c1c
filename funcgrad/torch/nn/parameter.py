"""Parameters: the tensors of a module that are trained."""

from typing import Any

import numpy as np

from funcgrad.torch.dtypes import default_dtype
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor that a module counts among its parameters when it is set as an attribute; it shares `data`'s memory."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        source = wrap(np.empty(0, default_dtype())) if data is None else data
        out = wrap(source._array, cls)
        if requires_grad and not (source.is_floating_point() or source.is_complex()):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        out._leaf_grad = requires_grad
        return out

    def __repr__(self) -> str:
        return "Parameter containing:\n" + Tensor.__repr__(self)


class Buffer(Tensor):
    """A tensor that a module counts among its buffers when it is set as an attribute."""

    persistent: bool

    def __new__(cls, data: Tensor, *, persistent: bool = True) -> Any:
        out = wrap(data._array, cls)
        out.persistent = persistent
        return out
