"""torch.nn: layers and what they are made of."""

from funcgrad.torch.nn import functional
