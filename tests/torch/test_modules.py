"""Modules print, name their parameters, compute and differentiate as PyTorch's do."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("modules"))
def test_agrees_with_pytorch(name):
    recorded.check("modules", name)
