"""Writing to tensors: the value, the memory, what is counted, and what it costs."""

import tracemalloc
from operator import iadd, imul, isub, itruediv

import numpy as np
import pytest

import funcgrad.torch as torch

TABLE = {
    "+=": (iadd, lambda x, y: x + y),
    "-=": (isub, lambda x, y: x - y),
    "*=": (imul, lambda x, y: x * y),
    "/=": (itruediv, lambda x, y: x / y),
    "sub_": (lambda x, y: x.sub_(y), lambda x, y: x - y),
    "sub_(alpha)": (lambda x, y: x.sub_(y, alpha=3), lambda x, y: x - 3 * y),
    "exp_": (lambda x, y: x.exp_(), lambda x, y: x.exp()),
    "neg_": (lambda x, y: x.neg_(), lambda x, y: -x),
}
OTHERS = {
    "a tensor": torch.tensor([[4.0, 5.0, 8.0]] * 2),
    "a row": torch.tensor([4.0, 5.0, 8.0]),
    "no axes": torch.tensor(3.0),
    "a double without axes": torch.tensor(3.0, dtype=torch.float64),
    "integers": torch.tensor([[4, 5, 8]] * 2),
    "a number": 2.5,
    "an integer": 2,
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", TABLE)
def test_the_value_is_written_to_the_same_memory_and_counted(name, other):
    written, value = TABLE[name]
    x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 7.0]])
    memory = x.numpy()
    expected = value(x, OTHERS[other])
    version = x._version
    assert written(x, OTHERS[other]) is x
    assert x.numpy() is memory and x.dtype is torch.float32
    assert x._version == version + 1
    np.testing.assert_allclose(memory, expected.numpy(), rtol=1e-6)


def test_operands_that_overlap_are_read_before_they_are_written():
    x = torch.arange(6.0)
    x[1:] += x[:-1]
    assert x.tolist() == [0, 1, 3, 5, 7, 9]
    x.sub_(x)
    assert x.tolist() == [0] * 6


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_the_dtype_stays(dtype):
    x = torch.ones(3, dtype=getattr(torch, dtype))
    x -= 3
    assert x.dtype is getattr(torch, dtype) and x.tolist() == [-2, -2, -2]


def test_a_step_of_descent_needs_no_memory_but_for_its_product():
    w = torch.ones(1000, 1000, requires_grad=True)
    w.sum().backward()
    with torch.no_grad():
        step = 0.1 * w.grad
        tracemalloc.start()
        w -= step
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 100_000, most
    assert w[0, 0].item() == pytest.approx(0.9)


def test_what_may_not_be_written_to_is_refused_where_nothing_is_recorded():
    with torch.inference_mode():
        x = torch.ones(2)
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        x -= 1
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        torch.ones(1).expand(3).sub_(1.0)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        torch.ones(3).sub_(torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.ones(3, dtype=torch.int64).div_(2.0)
