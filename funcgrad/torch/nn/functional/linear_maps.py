"""Linear maps, padding and dropout."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.inplace import in_place
from funcgrad.torch.layout import as_first, as_images
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations import products
from funcgrad.torch.tensors import Tensor, wrap

__all__ = [
    "alpha_dropout",
    "bilinear",
    "dropout",
    "dropout1d",
    "dropout2d",
    "feature_dropout",
    "linear",
    "normalize",
    "pad",
    "scaled_dot_product_attention",
]


def _affine(x, w, b):
    return fnp.matmul(x, w.T) if b is None else fnp.matmul(x, w.T) + b


_LINEAR = {
    True: Operation("AddmmBackward0", _affine),
    False: Operation("MmBackward0", _affine),
}
_LINEAR_MANY = {True: Operation("ViewBackward0", _affine), False: Operation("UnsafeViewBackward0", _affine)}


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x @ weight.T + bias, over the last axis.

    Raises:
        RuntimeError: when the sizes or dtypes do not fit.
    """
    if input.shape[-1:] != weight.shape[-1:]:
        rows = input.numel() // input.shape[-1] if input.shape and input.shape[-1] else 0
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1] if input.shape else 0} and "
            f"{weight.shape[1]}x{weight.shape[0]})"
        )
    products.check_same_dtype(input, weight, "mat1", "mat2")
    if input.ndim == 1 and bias is not None:
        return apply(_LINEAR_MANY[True], (input, weight, bias))
    table = _LINEAR if input.ndim == 2 else _LINEAR_MANY
    return apply(table[bias is not None], (input, weight, bias))


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x1 @ weight[k] @ x2 + bias[k] for each k, over the last axes."""
    out = products.einsum("...i,kij,...j->...k", input1, weight, input2)
    return out if bias is None else out + bias


_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _padded(x, *, widths, mode, value):
    if any(n < 0 for pair in widths for n in pair):
        x = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, x.shape, strict=True))]
        widths = tuple((max(a, 0), max(b, 0)) for a, b in widths)
    if mode == "constant":
        return fnp.pad(x, widths, mode="constant", constant_values=value)
    return fnp.pad(x, widths, mode=_MODES[mode])


_PAD = Operation("ConstantPadNdBackward0", _padded, layout=as_images)
_CUT = Operation("ConstantPadNdBackward0", _padded, layout=as_first)
_PAD_OTHER = {
    mode: Operation(f"{name}Backward0", _padded)
    for mode, name in (
        ("reflect", "ReflectionPad1D"),
        ("replicate", "ReplicationPad1D"),
        ("circular", "Slice"),
    )
}


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Return the tensor padded: `pad` has two widths for each of the last axes, beginning with the last.

    Args:
        mode: "constant" (with `value`), "reflect", "replicate" or "circular".
    """
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            "Padding length must be divisible by 2 and at most twice the number of dimensions of the input"
        )
    if mode not in _MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)][::-1]
    widths = ((0, 0),) * (input.ndim - len(pairs)) + tuple(pairs)
    op = _PAD_OTHER.get(mode, _CUT if max(pad, default=0) <= 0 else _PAD)
    return apply(op, (input,), {"widths": widths, "mode": mode, "value": 0 if value is None else value})


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _dropped(input: Tensor, shape: tuple, p: float, training: bool, inplace: bool) -> Tensor:
    _check_probability(p)
    if not training or p == 0:
        return input
    kept = input.detach().new_empty(shape).bernoulli_(1 - p)
    scale = kept / (1 - p) if p < 1 else kept
    return input.mul_(scale) if inplace else input * scale


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Return the elements, each zero with probability `p`, the others divided by 1 - p."""
    return _dropped(input, tuple(input.shape), p, training, inplace)


def feature_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Return the tensor with whole channels (axis 1) zero with probability `p`."""
    shape = (*input.shape[:2], *[1] * (input.ndim - 2))
    return _dropped(input, shape, p, training, inplace)


dropout1d = dropout2d = feature_dropout


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Return dropout that keeps mean and variance of selu's results (Klambauer et al., 2017)."""
    _check_probability(p)
    if not training or p == 0:
        return input
    low = -1.7580993408473766
    kept = input.detach().new_empty(tuple(input.shape)).bernoulli_(1 - p)
    a = ((1 - p) * (1 + p * low**2)) ** -0.5

    def dropped(x):
        return (x * kept + low * (1 - kept)) * a - a * p * low

    return in_place(input, dropped) if inplace else dropped(input)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Return the tensor divided by its p-norm along an axis."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Return softmax(query @ key.mT * scale) @ value, with a mask (booleans or added numbers)."""
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = products.matmul(query, key.transpose(-2, -1)) * factor
    if is_causal:
        allowed = wrap(np.tri(query.shape[-2], key.shape[-2], dtype=bool))
        scores = scores.masked_fill(~allowed, float("-inf"))
    if attn_mask is not None:
        masked = attn_mask.dtype.numpy.kind == "b"
        scores = scores.masked_fill(~attn_mask, float("-inf")) if masked else scores + attn_mask
    weights = dropout(scores.softmax(-1), dropout_p)
    return products.matmul(weights, value)
