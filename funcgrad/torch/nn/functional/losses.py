"""Losses."""

import warnings
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.extend import Tracer
from funcgrad.scipy import special
from funcgrad.torch.layout import as_arguments
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations.reductions import log_softmax
from funcgrad.torch.tensors import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "nll_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]


def _reduced(loss: Any, reduction: str) -> Any:
    """Return the losses of all elements as "none", "sum" or "mean" say; of arrays or tensors."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def _check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")


def _loss(label: str, elements: Any) -> Operation:
    """Return the operation of a loss, element by element."""

    def body(*xs, reduction, **params):
        return _reduced(elements(*xs, **params), reduction)

    return Operation(label, body, promotes="same")


def _warn_of_shapes(input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely "
            "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def _squared(x, y):
    d = x - y
    return d * d


def _smooth(x, y, *, beta):
    d = fnp.abs(x - y)
    return fnp.where(d < beta, 0.5 * d * d / (beta or 1.0), d - 0.5 * beta)


def _huber(x, y, *, delta):
    d = fnp.abs(x - y)
    return fnp.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta))


_MSE = _loss("MseLossBackward0", _squared)
_SMOOTH = _loss("SmoothL1LossBackward0", _smooth)
_HUBER = _loss("HuberLossBackward0", _huber)
_SOFT_MARGIN = _loss("SoftMarginLossBackward0", lambda x, y: fnp.logaddexp(0.0, -y * x))


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return the squared differences: their mean, their sum, or each."""
    _check_reduction(reduction)
    _warn_of_shapes(input, target)
    return apply(_MSE, (input, target), {"reduction": reduction})


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return the absolute differences; the derivative where there is none is 0."""
    _check_reduction(reduction)
    _warn_of_shapes(input, target)
    return _reduced((input - target).abs(), reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Return the absolute differences, less beta / 2, and squares (divided by 2 beta) where they are below `beta`."""
    _check_reduction(reduction)
    _warn_of_shapes(input, target)
    if beta < 0:
        raise ValueError("smooth_l1_loss does not support negative values for beta")
    return apply(_SMOOTH, (input, target), {"beta": beta, "reduction": reduction})


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Return half the squared differences, and lines where they are above `delta`."""
    _check_reduction(reduction)
    _warn_of_shapes(input, target)
    return apply(_HUBER, (input, target), {"delta": delta, "reduction": reduction})


def _nll(x, weight, *traced, target, ignore_index, reduction):
    """-weight[c] x[..., c, ...] at the target class c of each example; axis 1 holds the classes."""
    target = traced[0] if traced else target
    counted = target != ignore_index
    chosen = fnp.where(counted, target, 0)
    axis = 0 if x.ndim == 1 else 1
    picked = -fnp.take_along_axis(x, fnp.expand_dims(chosen, axis), axis)
    losses = fnp.squeeze(picked, axis)
    scale = counted.astype(x.dtype)
    if weight is not None:
        scale = fnp.take(weight, chosen, axis=0) * scale
    losses = losses * scale
    if reduction == "mean":
        return fnp.sum(losses) / fnp.sum(scale)
    return fnp.sum(losses) if reduction == "sum" else losses


_NLL = Operation("NllLossBackward0", _nll)
_NLL2D = Operation("NllLoss2DBackward0", _nll)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihoods of target classes, given log-probabilities with classes on axis 1.

    Args:
        weight: of each class; the mean is divided by the sum of the weights.
        ignore_index: a target that does not count.

    Raises:
        IndexError: for a target that is no class.
    """
    _check_reduction(reduction)
    classes = target._array
    count = input.shape[0 if input.ndim == 1 else 1]
    if input.ndim > 1 and input.shape[0] != (target.shape[0] if target.ndim else 1):
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if classes.dtype.kind not in "iu":
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.scalar}")
    params = {"target": None, "ignore_index": ignore_index, "reduction": reduction}
    op = _NLL if input.ndim < 3 else _NLL2D
    if type(classes) is Tracer:  # of which nothing is known: an argument
        return apply(op, (input, weight, target), params)
    outside = classes[(classes != ignore_index) & ((classes < 0) | (classes >= count))]
    if outside.size:
        raise IndexError(f"Target {outside.flat[0]} is out of bounds.")
    return apply(op, (input, weight), {**params, "target": classes})


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross-entropy of logits (classes on axis 1) with target classes, or with probabilities.

    Args:
        target: whole numbers; or, of the input's shape, the probability of each class.
        label_smoothing: how much of the target's probability is spread evenly over all classes.
    """
    _check_reduction(reduction)
    axis = 0 if input.ndim == 1 else 1
    log_p = log_softmax(input, axis)
    if target.is_floating_point():
        count = input.shape[axis]
        smooth = target * (1 - label_smoothing) + label_smoothing / count if label_smoothing else target
        weights = 1.0 if weight is None else weight.view([-1 if i == axis else 1 for i in range(input.ndim)])
        products = log_p * smooth * weights
        if reduction == "none":
            return -products.sum(axis)
        total = -products.sum()
        return total / max(products.numel() // count, 1) if reduction == "mean" else total
    if not label_smoothing:
        return nll_loss(log_p, target, weight, ignore_index, reduction)
    hard = nll_loss(log_p, target, weight, ignore_index, reduction)
    spread = _spread(log_p, target, weight, ignore_index, reduction, axis)
    return (1 - label_smoothing) * hard + label_smoothing / input.shape[axis] * spread


def _spread(log_p, target, weight, ignore_index, reduction, axis):
    """Return the cross-entropy with the even distribution, times the number of classes."""
    weights = None if weight is None else weight.view([-1 if i == axis else 1 for i in range(log_p.ndim)])
    losses = -(log_p if weights is None else log_p * weights).sum(axis)
    counted = (target != ignore_index).to(log_p.dtype)
    losses = losses * counted
    if reduction != "mean":
        return _reduced(losses, reduction)
    if weight is None:
        return losses.sum() / counted.sum()
    chosen = target.masked_fill(target == ignore_index, 0)
    return losses.sum() / (weight[chosen] * counted).sum()


def _bce(p, y, weight, *, reduction):
    losses = -(y * fnp.maximum(fnp.log(p), -100.0) + (1 - y) * fnp.maximum(fnp.log1p(-p), -100.0))
    return _reduced(losses if weight is None else losses * weight, reduction)


def _bce_logits(x, y, weight, pos_weight, *, reduction):
    if pos_weight is None:
        losses = (1 - y) * x - special.log_expit(x)
    else:
        losses = (1 - y) * x - (1 + (pos_weight - 1) * y) * special.log_expit(x)
    return _reduced(losses if weight is None else losses * weight, reduction)


_BCE = Operation("BinaryCrossEntropyBackward0", _bce, layout=as_arguments)
_BCE_LOGITS = Operation("BinaryCrossEntropyWithLogitsBackward0", _bce_logits, promotes="same")


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Return -(y log(p) + (1 - y) log(1 - p)) of probabilities; logarithms are at least -100.

    Raises:
        RuntimeError: for probabilities outside of 0 to 1.
        ValueError: when the shapes differ.
    """
    _check_reduction(reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    array = input._array
    if type(array) is np.ndarray and not ((array >= 0) & (array <= 1)).all():
        raise RuntimeError("all elements of input should be between 0 and 1")
    return apply(_BCE, (input, target, weight), {"reduction": reduction})


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return the binary cross-entropy of logits, without overflow; `pos_weight` weighs the positive examples."""
    _check_reduction(reduction)
    if input.shape != target.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    return apply(_BCE_LOGITS, (input, target, weight, pos_weight), {"reduction": reduction})


def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Return target * (log(target) - input), the divergence from log-probabilities; "batchmean" divides by axis 0."""
    losses = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return losses.sum() / input.shape[0]
    _check_reduction(reduction)
    return _reduced(losses, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of counts, given rates or their logarithms."""
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * np.pi * target).log()
        losses = losses + stirling.masked_fill(target <= 1, 0)
    return _reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Return the negative log-likelihood of a normal distribution with these means and variances."""
    if isinstance(var, Tensor):
        floor = var.detach().clamp(min=eps) - var.detach()
        var = var + floor
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    return _reduced(losses + 0.5 * float(np.log(2 * np.pi)) if full else losses, reduction)


def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return log(1 + exp(-y x)), for targets of 1 and -1."""
    return apply(_SOFT_MARGIN, (input, target), {"reduction": reduction})


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """Return x for targets of 1, and max(0, margin - x) for targets of -1."""
    losses = (target == 1) * input + (target == -1) * (margin - input).clamp(min=0)
    return _reduced(losses, reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return max(0, -y (x1 - x2) + margin)."""
    return _reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def _normalized(x: Tensor, dim: int, eps: float) -> Tensor:
    return x / x.norm(dim=dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between vectors along an axis."""
    return (_normalized(x1, dim, eps) * _normalized(x2, dim, eps)).sum(dim)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return 1 - cos for targets of 1, and max(0, cos - margin) for targets of -1."""
    cosine = cosine_similarity(input1, input2, -1)
    losses = (target == 1) * (1 - cosine) + (target == -1) * (cosine - margin).clamp(min=0)
    return _reduced(losses, reduction)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Return the p-norms of the differences along the last axis."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin)."""
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return _reduced((pairwise_distance(anchor, positive, p, eps) - far + margin).clamp(min=0), reduction)
