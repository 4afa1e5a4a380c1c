"""Data sets, samplers and loaders give PyTorch's batches, in PyTorch's order for a seed."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("loading"))
def test_agrees_with_pytorch(name):
    recorded.check("loading", name)
