"""Results lie in memory as PyTorch's do, so that `view` works after an operation where it works there."""

import pytest

import funcgrad.torch as torch
from tests.torch import recorded
from tests.torch.cases.layouts import ARRANGED, CASES

RECORDED = {code: x for code, x in recorded.expected("layouts").items() if "error" not in x}


@pytest.mark.parametrize("with_history", [False, True], ids=["alone", "recorded"])
@pytest.mark.parametrize("code", RECORDED)
def test_strides_are_pytorchs(code, with_history):
    own = CASES[code](torch, with_history)
    for arrangement, strides in RECORDED[code].items():
        if strides != "raises":
            assert own[arrangement] == strides, arrangement


# What PyTorch's AccumulateGrad keeps to: a gradient lies as its leaf does, where that has no gaps and overlaps.
@pytest.mark.parametrize(("arrangement", "strides"), [
    ("in order", (3, 1)), ("turned", (1, 2)), ("spaced", (3, 1)), ("expanded", (3, 1)),
])  # fmt: skip
@pytest.mark.parametrize(
    "code", ["x.sum()", "(x.t() * y).sum()", "(x @ y).sum()", "x[0].sum()", "x.t().reshape(-1).prod()"]
)
def test_gradients_lie_as_their_leaves_do(arrangement, strides, code):
    x = ARRANGED[arrangement](torch.arange(6.0).reshape(2, 3)).detach().requires_grad_()
    y = torch.arange(6.0).reshape(3, 2)
    for _ in range(2):
        eval(code, {"x": x, "y": y}).backward()
        assert x.grad.stride() == strides


def test_a_generator_of_images_can_be_viewed():
    """As half of the GANs do: what convolutions, and transposed ones, give is viewed as rows."""
    x = torch.randn(2, 5, 1, 1)
    net = torch.nn.Sequential(
        torch.nn.ConvTranspose2d(5, 4, 4), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3)
    )
    assert net(x).view(2, -1).shape == (2, 4)
    with torch.no_grad():
        assert net(x).view(-1).shape == (8,)
    assert x.squeeze().t().contiguous().view(-1).shape == (10,)
