"""torch.autograd: backward, grad, functions with a backward of their own, and checks."""

from funcgrad.torch.autograd import functional
from funcgrad.torch.autograd.backward import backward, grad
from funcgrad.torch.autograd.function import Function
from funcgrad.torch.autograd.gradcheck import gradcheck, gradgradcheck
from funcgrad.torch.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from funcgrad.torch.typed import Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
