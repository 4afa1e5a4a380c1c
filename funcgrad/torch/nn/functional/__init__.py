"""torch.nn.functional: the functions that layers are made of."""

from funcgrad.torch.nn.functional import (
    activations,
    convolution,
    embeddings,
    linear_maps,
    losses,
    normalization,
    pooling,
)
from funcgrad.torch.nn.functional.activations import *  # noqa: F403
from funcgrad.torch.nn.functional.convolution import *  # noqa: F403
from funcgrad.torch.nn.functional.embeddings import *  # noqa: F403
from funcgrad.torch.nn.functional.linear_maps import *  # noqa: F403
from funcgrad.torch.nn.functional.losses import *  # noqa: F403
from funcgrad.torch.nn.functional.normalization import *  # noqa: F403
from funcgrad.torch.nn.functional.pooling import *  # noqa: F403

_GROUPS = (activations, convolution, embeddings, linear_maps, losses, normalization, pooling)

__all__ = [name for group in _GROUPS for name in group.__all__]
