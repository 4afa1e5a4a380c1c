"""PyTorch's words for what NumPy refuses."""

from typing import Any

import numpy as np

__all__ = ["broadcast_error", "explained", "named_in_c", "not_a_tensor"]


def broadcast_error(*shapes: tuple[int, ...]) -> RuntimeError | None:
    """Return the error for shapes that do not broadcast; None when they do."""
    a = shapes[0]
    for b in shapes[1:]:
        ndim = max(len(a), len(b))
        m, n = (1,) * (ndim - len(a)) + tuple(a), (1,) * (ndim - len(b)) + tuple(b)
        for axis in reversed(range(ndim)):
            if m[axis] != n[axis] and 1 not in (m[axis], n[axis]):
                return RuntimeError(
                    f"The size of tensor a ({m[axis]}) must match the size of tensor b ({n[axis]}) "
                    f"at non-singleton dimension {axis}"
                )
        a = tuple(y if x == 1 else x for x, y in zip(m, n, strict=True))
    return None


def explained(error: Exception, arrays: list[Any]) -> Exception:
    """Return what PyTorch raises where NumPy or funcgrad raised `error`."""
    if isinstance(error, ValueError) and ("broadcast" in str(error) or "shape" in str(error)):
        found = broadcast_error(*[x.shape for x in arrays if isinstance(x, np.ndarray)])
        if found is not None:
            return found
    return error


def not_a_tensor(function: str, argument: str, position: int, x: Any) -> TypeError:
    """Return the error for an argument that has to be a tensor."""
    return TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(x).__name__}"
    )


_IN_C = {
    "float32": "float", "float64": "double", "int64": "long int", "int32": "int", "int16": "short int",
    "int8": "signed char", "uint8": "unsigned char",
}  # fmt: skip


def named_in_c(x: Any) -> str:
    """Return what C calls a tensor's dtype, as some messages do."""
    return _IN_C.get(x.dtype.name, x.dtype.scalar)
