"""Activations."""

from typing import Any

from funcgrad import numpy as fnp
from funcgrad.primitives import special as p
from funcgrad.scipy import special
from funcgrad.torch.inplace import in_place
from funcgrad.torch.layout import as_arguments
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations import elementwise, reductions
from funcgrad.torch.tensors import Tensor

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]

_ALPHA = 1.6732632423543772848170429916717  # Klambauer et al. (2017), equation 14
_SCALE = 1.0507009873554804934193349852946


def _leaky(x, *, slope):
    return fnp.where(x > 0, x, slope * x)


def _elu(x, *, alpha, scale):
    return scale * fnp.where(x > 0, x, alpha * fnp.expm1(fnp.where(x > 0, 0, x)))


def _celu(x, *, alpha):
    return fnp.where(x > 0, x, alpha * fnp.expm1(fnp.where(x > 0, 0, x) / alpha))


def _gelu(x):
    return x * special.ndtr(x)


def _gelu_tanh(x):
    return 0.5 * x * (1 + fnp.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def _softplus(x, *, beta, threshold):
    scaled = x if beta == 1 else beta * x
    soft = fnp.logaddexp(0.0, scaled)
    return fnp.where(scaled > threshold, x, soft if beta == 1 else soft / beta)


def _between(x, *, low, high):
    # Beyond the bounds, and at them, the derivative is 0.
    return fnp.where((x > low) & (x < high), x, fnp.where(x >= high, high, fnp.where(x <= low, low, x)))


_LEAKY = Operation("LeakyReluBackward0", _leaky, layout=as_arguments)
_ELU = Operation("EluBackward0", _elu, layout=as_arguments)
_CELU = Operation("CeluBackward0", _celu, layout=as_arguments)
_GELU = {
    "none": Operation("GeluBackward0", _gelu, layout=as_arguments),
    "tanh": Operation("GeluBackward0", _gelu_tanh, layout=as_arguments),
}
_SILU = Operation("SiluBackward0", lambda x: x * p.logistic(x), layout=as_arguments)
_MISH = Operation("MishBackward0", lambda x: x * fnp.tanh(fnp.logaddexp(0.0, x)), layout=as_arguments)
_SOFTPLUS = Operation("SoftplusBackward0", _softplus, layout=as_arguments)
_LOGSIGMOID = Operation("LogSigmoidBackward0", special.log_expit)
_HARDTANH = Operation("HardtanhBackward0", _between, layout=as_arguments)
_HARDSIGMOID = Operation(
    "HardsigmoidBackward0", lambda x: _between(x / 6 + 0.5, low=0, high=1), layout=as_arguments
)
_HARDSWISH = Operation(
    "HardswishBackward0",
    lambda x: fnp.where(x <= -3, 0, fnp.where(x >= 3, x, x * (x + 3) / 6)),
    layout=as_arguments,
)
_THRESHOLD = Operation(
    "ThresholdBackward0",
    lambda x, *, threshold, value: fnp.where(x > threshold, x, value),
    layout=as_arguments,
)
_HARDSHRINK = Operation(
    "HardshrinkBackward0", lambda x, *, lambd: fnp.where(fnp.abs(x) > lambd, x, 0), layout=as_arguments
)
_SOFTSHRINK = Operation(
    "SoftshrinkBackward0",
    lambda x, *, lambd: fnp.where(x > lambd, x - lambd, fnp.where(x < -lambd, x + lambd, 0 * x)),
    layout=as_arguments,
)
_PRELU = Operation(
    "PreluKernelBackward0", lambda x, slope: fnp.where(x > 0, x, slope * x), layout=as_arguments
)
_GLU = Operation("GluBackward0", lambda a, b: a * p.logistic(b), layout=as_arguments)


def _maybe_in_place(inplace: bool, function: Any, input: Tensor, *args: Any) -> Tensor:
    return in_place(input, function, *args) if inplace else function(input, *args)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0); its derivative at 0 is 0."""
    return _maybe_in_place(inplace, elementwise.relu, input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x above 0 and `negative_slope * x` below, and there that derivative as well."""
    return _maybe_in_place(inplace, lambda x: apply(_LEAKY, (x,), {"slope": negative_slope}), input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x above 0 and `alpha * (exp(x) - 1)` below."""
    return _maybe_in_place(inplace, lambda x: apply(_ELU, (x,), {"alpha": alpha, "scale": 1.0}), input)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return the scaled elu of Klambauer et al. (2017)."""
    return _maybe_in_place(inplace, lambda x: apply(_ELU, (x,), {"alpha": _ALPHA, "scale": _SCALE}), input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x above 0 and `alpha * (exp(x / alpha) - 1)` below."""
    return _maybe_in_place(inplace, lambda x: apply(_CELU, (x,), {"alpha": alpha}), input)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x times the normal distribution function of x; with "tanh", an approximation of it.

    Reference: Hendrycks and Gimpel (2016).
    """
    if approximate not in _GELU:
        raise RuntimeError("approximate argument must be either none or tanh.")
    return apply(_GELU[approximate], (input,))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x * sigmoid(x)."""
    return _maybe_in_place(inplace, lambda x: apply(_SILU, (x,)), input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x * tanh(softplus(x))."""
    return _maybe_in_place(inplace, lambda x: apply(_MISH, (x,)), input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + exp(beta * x)) / beta; x itself where beta * x is above `threshold`."""
    return apply(_SOFTPLUS, (input,), {"beta": beta, "threshold": threshold})


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + abs(x))."""
    return input / (1 + input.abs())


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return input.tanh()


def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x)."""
    return input - input.tanh()


def logsigmoid(input: Tensor) -> Tensor:
    """Return log(sigmoid(x)), without overflow."""
    return apply(_LOGSIGMOID, (input,))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x between two bounds; the derivative at a bound is 0."""
    return _maybe_in_place(
        inplace, lambda x: apply(_HARDTANH, (x,), {"low": min_val, "high": max_val}), input
    )


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x / 6 + 1 / 2, between 0 and 1."""
    return _maybe_in_place(inplace, lambda x: apply(_HARDSIGMOID, (x,)), input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x * hardsigmoid(x)."""
    return _maybe_in_place(inplace, lambda x: apply(_HARDSWISH, (x,)), input)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x where abs(x) is above `lambd`, else 0."""
    return apply(_HARDSHRINK, (input,), {"lambd": lambd})


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x moved by `lambd` toward 0, and 0 between."""
    return apply(_SOFTSHRINK, (input,), {"lambd": lambd})


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x above a threshold, and a number elsewhere."""
    params = {"threshold": threshold, "value": value}
    return _maybe_in_place(inplace, lambda x: apply(_THRESHOLD, (x,), params), input)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x above 0 and `weight * x` below, with one weight or one a channel (axis 1)."""
    if weight.numel() > 1 and input.ndim > 1:
        weight = weight.view(-1, *[1] * (input.ndim - 2))
    return apply(_PRELU, (input, weight))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return the first half along an axis times the sigmoid of the second."""
    if input.shape[dim] % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.ndim} is size {input.shape[dim]}"
        )
    return apply(_GLU, input.chunk(2, dim))


def _axis(dim: int | None, ndim: int) -> int:
    if dim is None:
        return 0 if ndim in (0, 1, 3) else 1
    return dim


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return exp(x) / sum(exp(x)) along an axis."""
    return reductions.softmax(input, _axis(dim, input.ndim), dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return log(softmax(x)) along an axis."""
    return reductions.log_softmax(input, _axis(dim, input.ndim), dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return softmax(-x) along an axis."""
    return reductions.softmax(-input, _axis(dim, input.ndim), dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, dim: int = -1) -> Tensor:
    """Return a sample of the Gumbel-softmax distribution (Jang et al., 2017); `hard` ones have one 1."""
    noise = -logits.detach().clone().exponential_().log()
    soft = reductions.softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    one_hot = soft.detach() * 0
    one_hot.scatter_(dim, soft.detach().argmax(dim, keepdim=True), 1.0)
    return one_hot - soft.detach() + soft
