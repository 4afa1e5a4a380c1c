"""torch.nn.functional: the functions that layers are made of."""

from funcgrad.torch.nn.functional.activations import *
from funcgrad.torch.nn.functional.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    unfold,
)
from funcgrad.torch.nn.functional.linear import *
from funcgrad.torch.nn.functional.losses import *
from funcgrad.torch.nn.functional.normalization import *
from funcgrad.torch.nn.functional.pooling import *
