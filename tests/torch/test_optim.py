"""Optimizers and schedules take the steps PyTorch's take, to 1e-7."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("optimizers"))
def test_agrees_with_pytorch(name):
    recorded.check("optimizers", name, tolerance=1e-7)
