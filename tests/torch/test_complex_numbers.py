"""Complex gradients are PyTorch's (dL/dRe + i dL/dIm), and gradcheck finds what PyTorch's finds."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("complex_numbers"))
def test_agrees_with_pytorch(name):
    recorded.check("complex_numbers", name)
