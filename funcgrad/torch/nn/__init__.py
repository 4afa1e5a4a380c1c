"""torch.nn: modules, layers, losses and the functions they are made of."""

from funcgrad.torch.nn import functional, init, utils
from funcgrad.torch.nn.module import Module
from funcgrad.torch.nn.modules.activation import *
from funcgrad.torch.nn.modules.container import *
from funcgrad.torch.nn.modules.convolution import *
from funcgrad.torch.nn.modules.linear import *
from funcgrad.torch.nn.modules.loss import *
from funcgrad.torch.nn.modules.normalization import *
from funcgrad.torch.nn.parameter import Buffer, Parameter
