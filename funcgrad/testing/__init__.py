"""Checks of derivatives: `check_grads` for users, and the battery for primitives."""

from funcgrad.testing.check_grads import check_grads

__all__ = ["check_grads"]
