"""Wrong programs raise what they raise in PyTorch, and in its words."""

import pytest

from tests.torch import recorded


@pytest.mark.parametrize("name", recorded.expected("misuse"))
def test_agrees_with_pytorch(name):
    recorded.check("misuse", name)
