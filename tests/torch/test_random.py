"""Random numbers are PyTorch's own: tests/data/torch/random.json holds what PyTorch drew."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from funcgrad import torch
from funcgrad.torch.box_muller import _joined

# What is made of single-precision numbers alone: those of other dtypes are other libraries' logarithms.
TO_THE_BIT = re.compile(r"((?!float16|float64|complex128|exponential|poisson|multinomial|get_rng).)*")
CASES = json.loads((Path(__file__).parent.parent / "data" / "torch" / "random.json").read_text())


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(7)


def numbers_of(value):
    if not isinstance(value, torch.Tensor):
        return [value]
    flat = value.reshape(-1).tolist()
    return [part for z in flat for part in (z.real, z.imag)] if value.is_complex() else [x + 0 for x in flat]


def is_close(own, given, places):
    """Whole numbers are equal, others to the digits of a float32, or of half a digit of a float16."""
    if isinstance(given, int):
        return own == given and isinstance(own, int)
    return own == pytest.approx(given, rel=places, abs=places)


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_numbers_and_errors_are_pytorchs(case):
    code, sums, some = case
    if isinstance(sums, str):
        with pytest.raises(Exception) as caught:
            eval(code)
        assert type(caught.value).__name__ == sums
        # What PyTorch appends (its list of signatures, its wish for a report) is its own.
        assert some.split("  (Could")[0].split(", but expected")[0].rstrip(":") in str(caught.value)
        return
    places = 2e-3 if "float16" in code else 1e-6
    for expression, total, expected in zip(code.split("; "), sums, some, strict=True):
        own = numbers_of(eval(expression))
        assert sum(own) == pytest.approx(total, rel=places, abs=places * (1 + len(own)))
        shown = own[:: max(1, len(own) // 24)]
        assert len(shown) == len(expected)
        assert all(is_close(x, y, places) for x, y in zip(shown, expected, strict=True)), (shown, expected)


EXACT = [case for case in CASES if not isinstance(case[1], str) and TO_THE_BIT.fullmatch(case[0])]


@pytest.mark.parametrize("case", EXACT, ids=[case[0] for case in EXACT])
def test_single_precision_is_pytorchs_to_the_last_bit(case):
    code, sums, some = case
    for expression, total, expected in zip(code.split("; "), sums, some, strict=True):
        own = numbers_of(eval(expression))
        assert sum(own) == total
        assert own[:: max(1, len(own) // 24)] == expected


def test_single_precision_was_compared():
    assert len(EXACT) > 40


@pytest.mark.parametrize(
    ("x", "y", "rounded"),
    [
        (1, 2.0**-24, 1.0),  # half way between 1 and the next: to the even one
        (1 + 2.0**-23, 2.0**-24, 1 + 2.0**-23),  # beyond the middle by 2**-47, which double precision drops
        (1 - 2.0**-24, 2.0**-24, 1.0),
    ],
)
def test_a_product_and_a_sum_are_rounded_once(x, y, rounded):
    out = _joined(np.float32([x]), np.float32([y]), np.float32([1]))
    assert out.dtype == np.float32 and out.tolist() == [rounded]


def test_a_state_brings_the_stream_back():
    torch.randn(3)  # leaves the second number of a pair
    state = torch.get_rng_state()
    first = [torch.randn(5).tolist(), torch.rand(700).tolist(), torch.randperm(9).tolist()]
    torch.set_rng_state(state)
    assert [torch.randn(5).tolist(), torch.rand(700).tolist(), torch.randperm(9).tolist()] == first
    for n in (0, 1, 623, 624, 625):
        generator = torch.Generator().manual_seed(3)
        torch.rand(n, generator=generator)
        twin = generator.clone_state()
        assert torch.rand(5, generator=twin).tolist() == torch.rand(5, generator=generator).tolist()
        assert twin.initial_seed() == 3


def test_a_damaged_state_is_refused():
    state = torch.get_rng_state()
    state[8] = 0
    state[9] = 200
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        torch.set_rng_state(state)


def test_fork_rng_leaves_the_stream_where_it_was():
    with torch.random.fork_rng():
        inside = torch.rand(3).tolist()
    assert torch.rand(3).tolist() == inside


def test_generators_do_not_disturb_each_other():
    own = torch.Generator().manual_seed(7)
    common = torch.rand(3).tolist()
    torch.rand(3)
    assert torch.rand(3, generator=own).tolist() == common
    with pytest.raises(TypeError, match=r"expected a torch\.Generator"):
        torch.rand(2, generator=3)


def test_seed_cannot_be_foreseen():
    assert torch.seed() != torch.seed()
    assert torch.initial_seed() != 7


def test_uniform_numbers_stay_below_the_upper_limit():
    assert torch.empty(200_000, dtype=torch.float16).uniform_(-1, 2).max().item() < 2
    assert torch.empty(20_000).uniform_(0, 1e-45).max().item() < 1e-45


@pytest.mark.parametrize("name", ["uniform_", "normal_", "random_", "bernoulli_", "exponential_"])
def test_numbers_written_in_place_cut_the_history(name):
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
        getattr(x, name)()
    y = x * 2
    version = y._version
    assert getattr(y, name)() is y
    assert y._version == version + 1
    (y.sum() + x.sum()).backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    with torch.no_grad():
        getattr(x, name)()
    assert x.is_leaf and x.requires_grad


@pytest.mark.parametrize(
    ("draw", "node"),
    [
        (lambda x: torch.bernoulli(x), "BernoulliBackward0"),
        (lambda x: torch.poisson(x), "PoissonBackward0"),
        (lambda x: torch.normal(x, 1.0), "NormalBackward1"),
        (lambda x: torch.normal(0.0, x), "NormalBackward2"),
        (lambda x: torch.normal(x, x * 2), "NormalBackward3"),
        (lambda x: (x * 1).random_(), "RandomBackward2"),
        (lambda x: (x * 1).random_(5), "RandomBackward1"),
        (lambda x: (x * 1).random_(0, 5), "RandomBackward0"),
        (lambda x: (x * 1).bernoulli_(), "BernoulliBackward2"),
        (lambda x: (x * 1).bernoulli_(torch.ones(3)), "BernoulliBackward1"),
    ],
)
def test_samples_have_no_gradient(draw, node):
    x = torch.ones(3, requires_grad=True)
    y = draw(x)
    assert type(y.grad_fn).__name__ == node
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_a_layer_starts_with_pytorchs_weights():
    layer = torch.nn.Linear(3, 2)
    expected = [[0.0403251, -0.3477921, 0.1838418], [0.1811613, -0.3085804, -0.0865316]]
    np.testing.assert_allclose(layer.weight.detach().numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(layer.bias.detach().numpy(), [-0.3382279, 0.1498066], atol=1e-6)
