"""PyTorch's words for what NumPy refuses."""

from typing import Any

import numpy as np

__all__ = [
    "DETACHED_VIEW",
    "FLAG_OF_RESULT",
    "NOT_LEAF",
    "NO_GRAD",
    "broadcast_error",
    "explained",
    "named_in_c",
    "not_a_tensor",
]

NOT_LEAF = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
    "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure "
    "you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more informations."
)
FLAG_OF_RESULT = "you can only change requires_grad flags of leaf variables."
NO_GRAD = (
    " If you want to use a computed variable in a subgraph that doesn't require differentiation use "
    "var_no_grad = var.detach()."
)
DETACHED_VIEW = (
    "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
    "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
    "called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
    "torch/optim/optimizer.py as the solution."
)


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


def other_dtype(given: str, own: str) -> RuntimeError:
    """Return the error for a gradient of another dtype than the tensor that it is assigned to."""
    return RuntimeError(
        f"attempting to assign a gradient with dtype '{given}' to a tensor with grad_dtype '{own}'. The gradient must match "
        "the tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a "
        "specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its "
        "gradient may break downstream systems that assume they match."
    )
