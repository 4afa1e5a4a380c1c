"""torch.autograd: backward, grad, custom functions, checks."""

from funcgrad.torch.autograd.backward import backward, grad
from funcgrad.torch.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from funcgrad.torch.tensors import Tensor as Variable

__all__ = [
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
