"""Tensors print as PyTorch prints them: the texts of tests/data/torch/printed.json are PyTorch's own."""

import json
from pathlib import Path

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import torch

CASES = json.loads((Path(__file__).parent.parent / "data" / "torch" / "printed.json").read_text())


@pytest.fixture(autouse=True)
def options_as_at_the_start():
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize(("code", "text"), CASES, ids=[code for code, _ in CASES])
def test_text_is_pytorchs(code, text):
    *statements, expression = code.split("; ")
    for statement in statements:
        exec(statement)
    assert str(eval(expression)) == text


def test_a_tensor_with_axes_has_no_format():
    with pytest.raises(TypeError, match=r"unsupported format string passed to Tensor.__format__"):
        format(torch.ones(2), ".2f")
    with pytest.raises(TypeError, match=r"unsupported format string passed to Parameter.__format__"):
        format(torch.nn.Parameter(torch.tensor(1.0)), ".2f")


def test_a_subclass_of_ones_own_prints_its_name():
    class Mine(torch.Tensor):
        pass

    assert repr(Mine([1.0, 2.0])) == "Mine([1., 2.])"


def test_unknown_profiles_change_nothing():
    torch.set_printoptions(precision=2)
    torch.set_printoptions(profile="nonsense")
    assert repr(torch.tensor([1.2345])) == "tensor([1.23])"


def test_a_traced_tensor_prints_its_tracer():
    texts = []

    def f(a):
        texts.append(repr(torch.tensors.wrap(a)))
        return (a * a).sum()

    fg.grad(f)(np.ones(2))
    fg.jit(f)(np.ones(2))
    assert texts[0].startswith("tensor(Tracer<[1., 1.]") and texts[0].endswith("dtype=torch.float64)")
    assert texts[1].startswith("tensor(Tracer<float64[2]") and texts[1].endswith("dtype=torch.float64)")
