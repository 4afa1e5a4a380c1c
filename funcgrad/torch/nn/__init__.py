"""torch.nn: modules, layers, losses and the functions they are made of."""

from funcgrad.torch.nn import functional, init, utils
from funcgrad.torch.nn.module import Module
from funcgrad.torch.nn.modules import activation, container, convolution, linear, loss, normalization
from funcgrad.torch.nn.modules.activation import *  # noqa: F403
from funcgrad.torch.nn.modules.container import *  # noqa: F403
from funcgrad.torch.nn.modules.convolution import *  # noqa: F403
from funcgrad.torch.nn.modules.linear import *  # noqa: F403
from funcgrad.torch.nn.modules.loss import *  # noqa: F403
from funcgrad.torch.nn.modules.normalization import *  # noqa: F403
from funcgrad.torch.nn.parameter import Buffer, Parameter

_GROUPS = (activation, container, convolution, linear, loss, normalization)

__all__ = [
    "Buffer",
    "Module",
    "Parameter",
    "functional",
    "init",
    "utils",
    *(name for group in _GROUPS for name in group.__all__),
]
