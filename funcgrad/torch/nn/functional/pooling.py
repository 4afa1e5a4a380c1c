"""Pooling: the largest, or the mean, of windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.layout import as_images, as_signals
from funcgrad.torch.nn.functional.convolution import spread, windows
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor, wrap

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "interpolate",
    "max_pool1d",
    "max_pool2d",
]

Size = int | Sequence[int]


def _widened(x, padding, value, extra=None):
    widths = [(p, p + e) for p, e in zip(padding, extra or (0,) * len(padding), strict=True)]
    if not any(map(any, widths)):
        return x
    return fnp.pad(x, (*((0, 0),) * (x.ndim - len(padding)), *widths), constant_values=value)


def _ceiling(sizes, kernel, stride, padding, dilation):
    """Return what must be added at the end so that windows cover everything ("ceil_mode")."""
    extra = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        span = n + 2 * p - d * (k - 1) - 1
        count = -(-span // s) + 1
        if (count - 1) * s >= n + p:
            count -= 1
        extra.append(max((count - 1) * s + d * (k - 1) + 1 - n - 2 * p, 0))
    return tuple(extra)


def _flat(x, kernel, stride, dilation):
    """Return the windows of `x`, their elements along one last axis."""
    parts = windows(x, kernel, stride, dilation)
    return fnp.reshape(parts, (*parts.shape[: -len(kernel)], int(np.prod(kernel))))


def _largest(x, *, kernel, stride, padding, dilation, extra, chosen):
    parts = _flat(_widened(x, padding, -np.inf, extra), kernel, stride, dilation)
    return fnp.squeeze(fnp.take_along_axis(parts, chosen, -1), -1)


_MAX_POOL = {
    1: Operation("SqueezeBackward1", _largest),
    2: Operation("MaxPool2DWithIndicesBackward0", _largest, layout=as_images),
}


def _max_pool(axes, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    kernel = spread(kernel_size, axes)
    stride = kernel if stride is None else spread(stride, axes)
    padding, dilation = spread(padding, axes), spread(dilation, axes)
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}"
            )
    x = input._array
    sizes = x.shape[-axes:]
    extra = _ceiling(sizes, kernel, stride, padding, dilation) if ceil_mode else (0,) * axes
    parts = _flat(_widened(x, padding, -np.inf, extra), kernel, stride, dilation)
    chosen = fnp.argmax(parts, axis=-1)[..., None]
    params = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "extra": extra}
    out = apply(_MAX_POOL[axes], (input,), {**params, "chosen": chosen})
    if not return_indices:
        return out
    places = np.arange(int(np.prod(sizes))).reshape(sizes).astype(float)
    where = _flat(_widened(places, padding, -1, extra), kernel, stride, dilation)
    where = np.broadcast_to(where, (*x.shape[:-axes], *where.shape))
    found = np.take_along_axis(where, chosen, -1)[..., 0].astype(np.int64)
    return out, wrap(found if type(found) is not np.ndarray else _MAX_POOL[axes].layout(found, (x,), params))


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of each window of the last axis; the first of equals takes the gradient."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of each window of the last two axes; the first of equals takes the gradient."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _averaged(x, *, kernel, stride, padding, extra, counts):
    ones = (1,) * len(kernel)
    sums = fnp.sum(_flat(_widened(x, padding, 0, extra), kernel, stride, ones), axis=-1)
    return sums / np.asarray(counts, x.dtype)


_AVG_POOL = {
    n: Operation(label, _averaged, layout=as_signals if n == 1 else as_images)
    for n, label in ((1, "SqueezeBackward1"), (2, "AvgPool2DBackward0"))
}


def _avg_pool(axes, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override=None):
    kernel = spread(kernel_size, axes)
    stride = kernel if stride is None else spread(stride, axes)
    padding = spread(padding, axes)
    sizes = input.shape[-axes:]
    ones = (1,) * axes
    extra = _ceiling(sizes, kernel, stride, padding, ones) if ceil_mode else (0,) * axes
    counted = np.ones(sizes)
    counted = np.pad(counted, [(p, p) for p in padding], constant_values=float(count_include_pad))
    counted = np.pad(counted, [(0, e) for e in extra])
    counts = _flat(counted, kernel, stride, ones).sum(-1)
    if divisor_override is not None:
        counts = np.full_like(counts, divisor_override)
    params = {"kernel": kernel, "stride": stride, "padding": padding, "extra": extra, "counts": counts}
    return apply(_AVG_POOL[axes], (input,), params)


def avg_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of each window of the last axis."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of each window of the last two axes."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _bounds(n: int, m: int) -> list[tuple[int, int]]:
    return [((i * n) // m, -((-(i + 1) * n) // m)) for i in range(m)]


def _adapted(reduce: Any) -> Any:
    """Return the function that reduces windows, as many as asked for, which cover the last axes of an array."""

    def body(x, *, sizes):
        for axis, m in zip(range(x.ndim - len(sizes), x.ndim), sizes, strict=True):
            n = x.shape[axis]
            if m is None or m == n:
                continue
            if n % m == 0:  # windows of one size
                x = reduce(fnp.reshape(x, (*x.shape[:axis], m, n // m, *x.shape[axis + 1 :])), axis + 1)
                continue
            before = (slice(None),) * axis
            x = fnp.stack([reduce(x[(*before, slice(a, b))], axis) for a, b in _bounds(n, m)], axis)
        return x

    return body


def _first_largest(x, axis):
    return fnp.squeeze(fnp.take_along_axis(x, fnp.argmax(x, axis=axis, keepdims=True), axis), axis)


def _mean(x, axis):
    return fnp.mean(x, axis=axis)


_ADAPTIVE_AVG = {
    1: Operation("SqueezeBackward1", _adapted(_mean), layout=as_signals),
    2: Operation("AdaptiveAvgPool2DBackward0", _adapted(_mean), layout=as_images),
}
_ADAPTIVE_MEAN = Operation("MeanBackward1", _adapted(_mean), layout=as_images)
_ADAPTIVE_MAX = Operation("AdaptiveMaxPool2DBackward0", _adapted(_first_largest), layout=as_images)


def _output_sizes(output_size: Any, axes: int) -> tuple:
    several = not (isinstance(output_size, int) or output_size is None)
    return tuple(output_size) if several else (output_size,) * axes


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Return means of as many windows as asked for, which cover the last axis."""
    return apply(_ADAPTIVE_AVG[1], (input,), {"sizes": _output_sizes(output_size, 1)})


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Return means of as many windows as asked for, which cover the last two axes."""
    sizes = _output_sizes(output_size, 2)
    return apply(_ADAPTIVE_MEAN if sizes == (1, 1) else _ADAPTIVE_AVG[2], (input,), {"sizes": sizes})


def adaptive_max_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Return the largest elements of as many windows as asked for, which cover the last two axes."""
    return apply(_ADAPTIVE_MAX, (input,), {"sizes": _output_sizes(output_size, 2)})


def _enlarged(x, *, places):
    for axis, chosen in enumerate(places, 2):
        x = x[(slice(None),) * axis + (chosen,)]
    return x


_NEAREST = {n: Operation(f"UpsampleNearest{n}DBackward0", _enlarged, layout=as_images) for n in (1, 2, 3)}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Return images in another size: each place takes the nearest element.

    Args:
        recompute_scale_factor: go by the sizes, where a scale factor does not give whole ones.

    Raises:
        NotImplementedError: for another `mode` than "nearest".
        ValueError: for `align_corners` and `antialias`, which only other modes have.
    """
    if mode != "nearest":
        raise NotImplementedError(f"interpolate: mode={mode!r} is not there; mode='nearest' is.")
    if align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if antialias:
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    axes = input.ndim - 2
    if (size is None) == (scale_factor is None):
        both = "only one of" if size is not None else "either"
        raise ValueError(f"{both} size or scale_factor should be defined")
    if size is None:
        factors = (scale_factor,) * axes if isinstance(scale_factor, (int, float)) else tuple(scale_factor)
        size = [int(n * f) for n, f in zip(input.shape[2:], factors, strict=True)]
        steps = [1.0 / f for f in factors]
    elif recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    size = spread(size, axes)
    if scale_factor is None or recompute_scale_factor:
        steps = [n / m for n, m in zip(input.shape[2:], size, strict=True)]
    places = tuple(map(_nearest, input.shape[2:], size, steps))
    return apply(_NEAREST[axes], (input,), {"places": places})


def _nearest(n: int, count: int, step: float) -> np.ndarray:
    """Return which of `n` elements each of `count` places takes; in single precision, as PyTorch finds them."""
    places = np.floor(np.arange(count, dtype=np.float32) * np.float32(step)).astype(np.int64)
    return np.minimum(places, n - 1)
