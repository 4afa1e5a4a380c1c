"""torch.func and torch.compile: whole-number targets, what is constant, and what is written in training."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.torch as torch
from tests.torch import recorded

F = torch.nn.functional


@pytest.mark.parametrize("name", recorded.expected("transformed"))
def test_agrees_with_pytorch(name):
    recorded.check("transformed", name)


def normalizing():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    return module, np.cos(np.arange(18.0, dtype=np.float32)).reshape(6, 3)


@pytest.mark.parametrize("transformed", [lambda f: f, fg.jit])
def test_buffers_are_given_back(transformed):
    module, x = normalizing()
    f, params, buffers = torch.functional(module, buffers=True)

    def loss(params, buffers, x):
        y, buffers = f(params, buffers, x)
        return (y * y).sum(), buffers

    for _ in range(2):
        (value, buffers), gradient = transformed(fg.value_and_grad(loss, has_aux=True))(params, buffers, x)
    assert module[1].num_batches_tracked.item() == 0
    for _ in range(2):
        y = (module(torch.tensor(x)) ** 2).sum()
    y.backward()
    for name, buffer in module.named_buffers():
        np.testing.assert_allclose(buffers[name], buffer.numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(value, y.item(), rtol=1e-5)
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(gradient[name], parameter.grad.numpy(), rtol=1e-3, atol=1e-4)


def test_an_ensemble_has_buffers_of_its_own():
    module, x = normalizing()
    f, params, buffers = torch.functional(module, buffers=True)
    params, buffers = ({k: np.stack([v, 2 * v]) for k, v in d.items()} for d in (params, buffers))
    _, new = fg.vmap(f, in_axes=(0, 0, None))(params, buffers, x)
    assert new["1.num_batches_tracked"].tolist() == [1, 1]
    np.testing.assert_allclose(new["1.running_mean"][1], 2 * new["1.running_mean"][0], rtol=1e-5)


def test_gradients_leave_buffers_as_training_does():
    """The values are known, and the module is trained: as calling it would have done."""
    module, x = normalizing()
    f, params = torch.functional(module)
    fg.grad(lambda p: f(p, x).sum())(params)
    twin, _ = normalizing()
    twin(torch.tensor(x))
    assert module[1].running_mean.tolist() == pytest.approx(twin[1].running_mean.tolist())
    assert module[1].num_batches_tracked.item() == 1


def test_what_would_be_lost_is_refused():
    module, x = normalizing()
    f, params = torch.functional(module)
    with pytest.raises(RuntimeError, match="buffers=True"):
        fg.jit(f)(params, x)
    with pytest.raises(RuntimeError, match="would write what depends on the function's arguments"):
        torch.func.vmap(module)(torch.tensor(np.stack([x, x])))
    with pytest.raises(RuntimeError, match="are copies"):
        torch.func.grad(lambda v: (v.detach().add_(1) * v).sum())(torch.ones(2))
    with pytest.raises(RuntimeError, match="expected num_classes"):
        torch.func.vmap(lambda i: F.one_hot(i))(torch.tensor([0, 1]))
    with pytest.raises(RuntimeError, match="max_norm"):
        torch.func.vmap(lambda i: F.embedding(i, torch.ones(2, 2), max_norm=1.0))(torch.tensor([0, 1]))


@pytest.mark.parametrize(
    "code",
    [
        "x.sort(0)[0]", "x.argsort()", "x.topk(1)[0]", "torch.zeros_like(x) + x", "torch.ones_like(x.t()) * x.t()",
        "torch.full_like(x, 2.0) * x", "x.clone()", "x.t().contiguous()", "x.t().contiguous(memory_format=torch.contiguous_format)",
        "x.to(torch.float64)", "x.flip(0)", "x[:, [0, 1]]", "x[0, [0, 1]]", "F.max_pool1d(x, 2)", "x.is_contiguous() * x",
        "torch.cat([x, x]).view(-1)", "x.roll(1, 0)", "torch.einsum('ij,kj->ik', x, x)",
    ],
)  # fmt: skip
def test_layout_asks_nothing_of_traced_values(code):
    def f(x):
        return eval(code, {"x": x, "torch": torch, "F": F})

    x = torch.arange(12.0).reshape(2, 2, 3).sin()
    expected = torch.stack([f(x[0]), f(x[1])])
    assert torch.allclose(torch.func.vmap(f)(x), expected)
    assert torch.allclose(torch.compile(f)(x[1]), expected[1])


def test_a_part_is_written_to_in_no_grad():
    def f(x):
        y = x * 1
        with torch.no_grad():
            y[0] = 5.0
        return y * 2

    assert torch.func.vmap(f)(torch.ones(2, 2)).tolist() == [[10.0, 2.0], [10.0, 2.0]]
