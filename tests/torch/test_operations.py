"""Functions of tensors give PyTorch's values, dtypes, nodes and gradients."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("operations"))
def test_operation_agrees_with_pytorch(name):
    recorded.check("operations", name)


@pytest.mark.parametrize("name", recorded.expected("promotion"))
def test_promotion_agrees_with_pytorch(name):
    recorded.check("promotion", name)
