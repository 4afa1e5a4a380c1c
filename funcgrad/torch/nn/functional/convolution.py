"""Convolutions, as one matrix product over windows of the input."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.layout import as_signals
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "fold_sizes", "unfold"]

Size = int | Sequence[int]


def spread(n: Size, axes: int) -> tuple[int, ...]:
    """Return a number for each axis."""
    return (int(n),) * axes if isinstance(n, int) else tuple(int(v) for v in n)


def fold_sizes(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple:
    """Return how many windows fit along each axis."""
    return tuple(
        (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True)
    )


def windows(x: Any, kernel: tuple, stride: tuple, dilation: tuple) -> Any:
    """Return `y[b, c, *place, *offset]`, the elements of each window of the trailing axes.

    One strided slice for each offset in the kernel, joined: every slice is read and differentiated in one pass.
    """
    axes = len(kernel)
    counts = fold_sizes(x.shape[-axes:], kernel, stride, dilation)
    parts = []
    for offset in np.ndindex(*kernel):
        key = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, dilation, counts, stride, strict=True)
        )
        parts.append(x[(..., *key)])
    joined = fnp.stack(parts, axis=-1)
    return fnp.reshape(joined, (*joined.shape[:-1], *kernel))


def _convolved(x, w, b, *, stride, padding, dilation, groups):
    axes = w.ndim - 2
    if any(padding):
        x = fnp.pad(x, ((0, 0), (0, 0), *((p, p) if isinstance(p, int) else p for p in padding)))
    n, channels, out_channels = x.shape[0], x.shape[1], w.shape[0]
    patches = windows(x, w.shape[2:], stride, dilation)
    places = patches.shape[2 : 2 + axes]
    # One product: rows are places of all examples, columns the elements of a window.
    size = int(np.prod(w.shape[1:]))
    patches = fnp.reshape(
        patches, (n, groups, channels // groups, int(np.prod(places)), size * groups // channels)
    )
    rows = fnp.reshape(fnp.transpose(patches, (1, 0, 3, 2, 4)), (groups, n * int(np.prod(places)), size))
    kernels = fnp.transpose(fnp.reshape(w, (groups, out_channels // groups, size)), (0, 2, 1))
    out = fnp.matmul(rows, kernels)
    out = fnp.reshape(out, (groups, n, *places, out_channels // groups))
    order = (1, 0, 2 + axes, *range(2, 2 + axes))
    out = fnp.reshape(fnp.transpose(out, order), (n, out_channels, *places))
    return out if b is None else out + fnp.reshape(b, (-1, *(1,) * axes))


_CONV = Operation("ConvolutionBackward0", _convolved, layout=as_signals)


def _conv(axes, input, weight, bias, stride, padding, dilation, groups):
    name = f"conv{axes}d"
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}() received an invalid combination of arguments")
    if input.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    x = input if input.ndim == axes + 2 else input.unsqueeze(0)
    if x.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
            f"{weight.shape[1] * groups} channels, but got {x.shape[1]} channels instead"
        )
    stride, dilation = spread(stride, axes), spread(dilation, axes)
    kernel = tuple(weight.shape[2:])
    if isinstance(padding, str):
        widths = _named_padding(padding, kernel, stride, dilation)
    else:
        widths = spread(padding, axes)
    padded = [n + (2 * p if isinstance(p, int) else sum(p)) for n, p in zip(x.shape[2:], widths, strict=True)]
    if any(n < d * (k - 1) + 1 for n, k, d in zip(padded, kernel, dilation, strict=True)):
        per_channel = " x ".join(map(str, padded))
        raise RuntimeError(
            f"Calculated padded input size per channel: ({per_channel}). Kernel size: ({' x '.join(map(str, kernel))}). "
            "Kernel size can't be greater than actual input size"
        )
    params = {"stride": stride, "padding": widths, "dilation": dilation, "groups": groups}
    out = apply(_CONV, (x, weight, bias), params)
    return out if input.ndim == axes + 2 else out.squeeze(0)


def _named_padding(padding, kernel, stride, dilation):
    if padding == "valid":
        return (0,) * len(kernel)
    if padding != "same":
        raise ValueError(f"Invalid padding string '{padding}', should be one of {{'valid', 'same'}}")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((t // 2, t - t // 2) for t in totals)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Any = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of signals (batch, channels, length) with kernels (out, channels / groups, width)."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Any = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of images (batch, channels, h, w) with kernels (out, channels / groups, kh, kw)."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Any = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of volumes with kernels."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def _transposed(x, w, b, *, stride, padding, output_padding, dilation):
    """The adjoint of a convolution: zeros between the elements, then the kernels turned around."""
    axes = w.ndim - 2
    kernel = w.shape[2:]
    spaced_sizes = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], stride, strict=True)]
    spaced = fnp.zeros((*x.shape[:2], *spaced_sizes), x.dtype) + 0 * fnp.reshape(x, (*x.shape[:2], -1))[
        :, :, :1
    ].reshape((*x.shape[:2], *(1,) * axes))
    spaced[(..., *(slice(None, None, s) for s in stride))] = x
    widths = [
        (d * (k - 1) - p, d * (k - 1) - p + o)
        for k, p, o, d in zip(kernel, padding, output_padding, dilation, strict=True)
    ]
    spaced = fnp.pad(spaced, ((0, 0), (0, 0), *((max(a, 0), max(c, 0)) for a, c in widths)))
    cut = tuple(slice(max(-a, 0), n - max(-c, 0)) for (a, c), n in zip(widths, spaced.shape[2:], strict=True))
    spaced = spaced[(..., *cut)]
    turned = fnp.flip(fnp.swapaxes(w, 0, 1), tuple(range(2, w.ndim)))
    ones = (1,) * axes
    return _convolved(spaced, turned, b, stride=ones, padding=(0,) * axes, dilation=dilation, groups=1)


_CONV_TRANSPOSE = Operation("ConvolutionBackward0", _transposed, layout=as_signals)


def _conv_transpose(axes, input, weight, bias, stride, padding, output_padding, groups, dilation):
    if groups != 1:
        raise NotImplementedError(f"conv_transpose{axes}d: groups={groups} is not there; only groups=1 is.")
    x = input if input.ndim == axes + 2 else input.unsqueeze(0)
    names = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    out = apply(
        _CONV_TRANSPOSE, (x, weight, bias), {name: spread(value, axes) for name, value in names.items()}
    )
    return out if input.ndim == axes + 2 else out.squeeze(0)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Return the transpose of `conv1d` applied to signals; kernels are (channels, out, width)."""
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Return the transpose of `conv2d` applied to images; kernels are (channels, out, kh, kw)."""
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _unfolded(x, *, kernel, stride, padding, dilation):
    x = fnp.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    patches = windows(x, kernel, stride, dilation)
    n, c, h, w = patches.shape[:4]
    return fnp.reshape(fnp.transpose(patches, (0, 1, 4, 5, 2, 3)), (n, c * int(np.prod(kernel)), h * w))


_UNFOLD = Operation("Im2ColBackward0", _unfolded)


def unfold(
    input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Return the windows of images as columns: (batch, channels * kh * kw, windows)."""
    names = {"kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return apply(_UNFOLD, (input,), {name: spread(value, 2) for name, value in names.items()})
