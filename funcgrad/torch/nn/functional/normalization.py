"""Normalization over batches, layers, groups and instances."""

from collections.abc import Sequence

from funcgrad import numpy as fnp
from funcgrad.torch.dtypes import finfo
from funcgrad.torch.layout import as_images
from funcgrad.torch.modes import no_grad
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def _standardized(x, axes, eps):
    centred = x - fnp.mean(x, axis=axes, keepdims=True)
    return centred / fnp.sqrt(fnp.mean(centred * centred, axis=axes, keepdims=True) + eps)


def _affine(x, weight, bias):
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _layer_normed(x, weight, bias, *, axes, eps):
    return _affine(_standardized(x, axes, eps), weight, bias)


def _rms_normed(x, weight, *, axes, eps):
    y = x / fnp.sqrt(fnp.mean(x * x, axis=axes, keepdims=True) + eps)
    return y if weight is None else y * weight


def _per_channel(v, ndim):
    return v if v is None else fnp.reshape(v, (-1, *(1,) * (ndim - 2)))


def _batch_normed(x, weight, bias, *, eps):
    axes = (0, *range(2, x.ndim))
    return _affine(_standardized(x, axes, eps), _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))


def _normed_by(x, mean, variance, weight, bias, *, eps):
    mean, variance = _per_channel(mean, x.ndim), _per_channel(variance, x.ndim)
    y = (x - mean) / fnp.sqrt(variance + eps)
    return _affine(y, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))


def _group_normed(x, weight, bias, *, groups, eps):
    grouped = fnp.reshape(x, (x.shape[0], groups, -1))
    y = fnp.reshape(_standardized(grouped, (2,), eps), x.shape)
    return _affine(y, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))


_LAYER = Operation("NativeLayerNormBackward0", _layer_normed)
_RMS = Operation("FusedRmsNormBackward0", _rms_normed)
_BATCH = Operation("NativeBatchNormBackward0", _batch_normed, layout=as_images)
_BY = Operation("NativeBatchNormBackward0", _normed_by, layout=as_images)
_GROUP = Operation("NativeGroupNormBackward0", _group_normed, layout=as_images)
_INSTANCE = Operation("ViewBackward0", _group_normed)
_INSTANCE_BY = Operation("ViewBackward0", _normed_by)


def _last_axes(input: Tensor, shape: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        dims = ", ".join(["*", *map(str, shape)])
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [{dims}], but got input of size"
            f"{list(input.shape)}"
        )
    return tuple(range(-len(shape), 0))


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return the elements with mean 0 and variance 1 over the last axes, times a weight and plus a bias."""
    axes = _last_axes(input, normalized_shape)
    return apply(_LAYER, (input, weight, bias), {"axes": axes, "eps": eps})


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Return the elements divided by the root of their mean square over the last axes, times a weight."""
    axes = _last_axes(input, normalized_shape)
    return apply(_RMS, (input, weight), {"axes": axes, "eps": finfo(input.dtype).eps if eps is None else eps})


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return the elements normalized over the batch for each channel (axis 1), times a weight and plus a bias.

    Args:
        running_mean, running_var: what is used when not `training`; in training they are updated in place.
        momentum: the share of this batch in the update.
    """
    if not training:
        return apply(_BY, (input, running_mean, running_var, weight, bias), {"eps": eps})
    count = input.numel() // input.shape[1]
    if count <= 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.shape}"
        )
    if running_mean is not None and running_var is not None:
        axes = [0, *range(2, input.ndim)]
        with no_grad():
            x = input.detach()
            running_mean.mul_(1 - momentum).add_(x.mean(axes), alpha=momentum)
            running_var.mul_(1 - momentum).add_(x.var(axes), alpha=momentum)
    return apply(_BATCH, (input, weight, bias), {"eps": eps})


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return the elements normalized for each example and channel.

    Args:
        running_mean, running_var: what is used where `use_input_stats` is false; else they are updated in place.
        momentum: the share of these examples in the update.
    """
    if not use_input_stats:
        return apply(_INSTANCE_BY, (input, running_mean, running_var, weight, bias), {"eps": eps})
    axes = list(range(2, input.ndim))
    if input.numel() <= input.shape[0] * input.shape[1]:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    if running_mean is not None and running_var is not None:
        with no_grad():
            x = input.detach()
            running_mean.mul_(1 - momentum).add_(x.mean(axes).mean(0), alpha=momentum)
            running_var.mul_(1 - momentum).add_(x.var(axes).mean(0), alpha=momentum)
    return apply(_INSTANCE, (input, weight, bias), {"groups": input.shape[1], "eps": eps})


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return the elements normalized for each example and group of channels."""
    if input.shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    return apply(_GROUP, (input, weight, bias), {"groups": num_groups, "eps": eps})
