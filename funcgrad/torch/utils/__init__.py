"""torch.utils: data sets and loaders."""

from funcgrad.torch.utils import data

__all__ = ["data"]
