"""Autograd: accumulation, writes and views, hooks, modes, and functions of one's own, as in PyTorch."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("histories"))
def test_agrees_with_pytorch(name):
    recorded.check("histories", name)
