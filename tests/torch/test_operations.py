"""Functions of tensors give PyTorch's values, dtypes, nodes and gradients."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("operations"))
def test_operations(name):
    recorded.check("operations", name)


@pytest.mark.parametrize("name", recorded.expected("promotion"))
def test_promotion(name):
    recorded.check("promotion", name)


@pytest.mark.parametrize("name", recorded.expected("decompositions"))
def test_linalg(name):
    recorded.check("decompositions", name)
