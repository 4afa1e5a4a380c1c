"""torch.nn.functional gives PyTorch's values, nodes and gradients."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("neural"))
def test_agrees_with_pytorch(name):
    recorded.check("neural", name)
