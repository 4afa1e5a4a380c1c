"""Activations as modules: each is a function of `nn.functional` with its parameters kept."""

import inspect
from collections.abc import Callable
from typing import Any

from funcgrad.torch.nn import functional as F
from funcgrad.torch.nn.module import Module
from funcgrad.torch.nn.parameter import Parameter
from funcgrad.torch.operations.creation import full
from funcgrad.torch.tensors import Tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Functional(Module):
    """A module that calls one function with the parameters it was made with."""

    function: Callable
    signature: inspect.Signature
    shown: Callable

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            setattr(self, name, value)

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, **{name: getattr(self, name) for name in self.signature.parameters})

    def extra_repr(self) -> str:
        return type(self).shown(self)


def _all_shown(self):
    return ", ".join(
        _text(self, name) for name in self.signature.parameters if name != "inplace" or self.inplace
    )


def _text(self, name):
    value = getattr(self, name)
    return f"{name}={value!r}" if isinstance(value, str) else f"{name}={value}"


def _only_in_place(self):
    return "inplace=True" if self.inplace else ""


def _module(
    name: str, function: Callable, *parameters: str, shown: Callable = _all_shown, **defaults: Any
) -> Any:
    """Return the module class of a function.

    Args:
        parameters: those without a default; `defaults`: those with one, in order.
        shown: what is printed between the parentheses.
    """
    kinds = [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in parameters]
    kinds += [
        inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=d) for p, d in defaults.items()
    ]
    members = {
        "function": staticmethod(function),
        "signature": inspect.Signature(kinds),
        "shown": staticmethod(shown),
        "__doc__": function.__doc__,
        "__module__": __name__,
    }
    return type(name, (_Functional,), members)


CELU = _module("CELU", F.celu, alpha=1.0, inplace=False)
ELU = _module("ELU", F.elu, alpha=1.0, inplace=False)
GELU = _module("GELU", F.gelu, approximate="none")
GLU = _module("GLU", F.glu, dim=-1)
SELU = _module("SELU", F.selu, inplace=False)
Hardshrink = _module("Hardshrink", F.hardshrink, lambd=0.5, shown=lambda self: str(self.lambd))
Hardsigmoid = _module("Hardsigmoid", F.hardsigmoid, inplace=False, shown=lambda self: "")
Hardswish = _module("Hardswish", F.hardswish, inplace=False, shown=lambda self: "")
Hardtanh = _module("Hardtanh", F.hardtanh, min_val=-1.0, max_val=1.0, inplace=False)
LeakyReLU = _module("LeakyReLU", F.leaky_relu, negative_slope=0.01, inplace=False)
LogSigmoid = _module("LogSigmoid", F.logsigmoid)
LogSoftmax = _module("LogSoftmax", F.log_softmax, dim=None)
Mish = _module("Mish", F.mish, inplace=False)
ReLU = _module("ReLU", F.relu, inplace=False)
ReLU6 = _module("ReLU6", F.relu6, inplace=False, shown=_only_in_place)
SiLU = _module("SiLU", F.silu, inplace=False)
Sigmoid = _module("Sigmoid", F.sigmoid)
Softmax = _module("Softmax", F.softmax, dim=None)
Softmin = _module("Softmin", F.softmin, dim=None)
Softplus = _module("Softplus", F.softplus, beta=1.0, threshold=20.0)
Softshrink = _module("Softshrink", F.softshrink, lambd=0.5, shown=lambda self: str(self.lambd))
Softsign = _module("Softsign", F.softsign)
Tanh = _module("Tanh", F.tanh)
Tanhshrink = _module("Tanhshrink", F.tanhshrink)
Threshold = _module("Threshold", F.threshold, "threshold", "value", inplace=False)


class PReLU(Module):
    """x above 0 and `weight * x` below, with one weight or one a channel."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None):
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(full((num_parameters,), init, device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
