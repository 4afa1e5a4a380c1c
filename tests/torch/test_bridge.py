"""Modules as pure functions, and compiled functions and modules: values, gradients, and training through them."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
import funcgrad.torch as torch
from funcgrad.torch import nn

RNG = np.random.default_rng(5)
X = RNG.standard_normal((6, 3)).astype(np.float32)
Y = RNG.standard_normal((6, 2)).astype(np.float32)


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def loss_of(f, params, x, y):
    return ((f(params, x) - y) ** 2).sum()


def stateful_gradients(net, x=X, y=Y):
    net.zero_grad()
    loss = ((net(torch.from_numpy(x)) - torch.from_numpy(y)) ** 2).sum()
    loss.backward()
    return loss.item(), {name: p.grad.numpy() for name, p in net.named_parameters()}


def assert_close(a, b):
    assert sorted(a) == sorted(b)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=2e-5, atol=1e-6)


# torch.functional


def test_a_pure_function_gives_what_the_module_gives():
    net = model()
    f, params = torch.functional(net)
    out = f(params, X)
    assert type(out) is np.ndarray and sorted(params) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    np.testing.assert_allclose(out, net(torch.from_numpy(X)).detach().numpy(), rtol=1e-6)


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit], ids=["eager", "jit"])
def test_its_gradient_is_what_backward_accumulates(transform):
    net = model()
    f, params = torch.functional(net)
    value, grads = transform(fg.value_and_grad(lambda p: loss_of(f, p, X, Y)))(params)
    expected, accumulated = stateful_gradients(net)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert_close(grads, accumulated)


def test_it_is_batched_by_vmap():
    net = model()
    f, params = torch.functional(net)
    np.testing.assert_allclose(fg.vmap(f, in_axes=(None, 0))(params, X), f(params, X), rtol=1e-5)
    each = fg.vmap(fg.grad(lambda p, x, y: loss_of(f, p, x, y)), in_axes=(None, 0, 0))(params, X, Y)
    for name, total in stateful_gradients(net)[1].items():
        assert each[name].shape == (6, *total.shape)
        np.testing.assert_allclose(each[name].sum(0), total, rtol=1e-4, atol=1e-5)


def test_an_ensemble_is_batched_over_its_parameters():
    f, params = torch.functional(model())
    several = {name: np.stack([a, 2 * a]) for name, a in params.items()}
    out = fg.jit(fg.vmap(f, in_axes=(0, None)))(several, X)
    np.testing.assert_allclose(out[0], f(params, X), rtol=1e-5)
    np.testing.assert_allclose(out[1], f({n: 2 * a for n, a in params.items()}, X), rtol=1e-5)


def test_the_module_is_left_as_it_was():
    net = model()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    f, params = torch.functional(net)
    fg.jit(fg.grad(lambda p: loss_of(f, p, X, Y)))({name: 0 * a for name, a in params.items()})
    params["0.weight"][:] = 9
    for name, p in net.named_parameters():
        assert torch.equal(p, before[name]) and p.grad is None


def test_training_the_pure_function_is_training_the_module():
    net = model()
    f, params = torch.functional(net)
    step = fg.jit(fg.value_and_grad(lambda p: loss_of(f, p, X, Y)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(20):
        value, grads = step(params)
        params = {name: a - np.float32(0.01) * grads[name] for name, a in params.items()}
        expected, _ = stateful_gradients(net)
        optimizer.step()
        assert float(value) == pytest.approx(expected, rel=1e-4)


# torch.compile


def test_a_compiled_function_gives_the_same_value_and_gradient():
    def f(x, y):
        return torch.tanh(x @ y).pow(2).sum()

    results = []
    for g in (f, torch.compile(f)):
        x, y = (torch.tensor(a, requires_grad=True) for a in (X, Y.T.copy()[:, :3].T))
        out = g(x, y)
        out.backward()
        results.append((out.item(), x.grad.numpy(), y.grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_compiled_function_takes_and_gives_containers():
    f = torch.compile(lambda pair, *, scale: {"sum": pair[0] + pair[1], "scaled": [pair[0] * scale]})
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    out = f((a, torch.tensor([3.0, 4.0])), scale=2.0)
    assert out["sum"].tolist() == [4, 6] and out["scaled"][0].tolist() == [2, 4]
    (out["sum"].sum() + out["scaled"][0].sum()).backward()
    assert a.grad.tolist() == [3, 3]


def test_a_compiled_function_may_decorate():
    @torch.compile
    def f(x):
        """Double."""
        return 2 * x

    @torch.compile(dynamic=True)
    def g(x):
        return 3 * x

    assert f.__name__ == "f" and f.__doc__ == "Double."
    assert f(torch.ones(2)).tolist() == [2, 2] and g(torch.ones(2)).tolist() == [3, 3]


def test_a_shape_is_compiled_once():
    traced = []

    @torch.compile
    def f(x):
        traced.append(tuple(x.shape))
        return (x * x).sum()

    for n in (3, 3, 5, 3, 5):
        x = torch.arange(float(n)).requires_grad_()
        f(x).backward()
        assert x.grad.tolist() == [2.0 * i for i in range(n)]
    assert set(traced) == {(3,), (5,)}
    count = len(traced)
    for n in (3, 5):
        f(torch.arange(float(n)).requires_grad_()).backward()
    assert len(traced) == count


def test_compiled_gradients_can_be_differentiated_again():
    f = torch.compile(lambda x: (x**3).sum())
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(f(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert first.tolist() == [3, 12] and second.tolist() == [6, 12]
    assert torch.autograd.gradcheck(f, x)


def test_gradients_reach_the_parameters_of_a_compiled_module():
    net = model()
    compiled = torch.compile(net)
    expected = stateful_gradients(net)[1]
    expected = {name: g.copy() for name, g in expected.items()}
    net.zero_grad()
    ((compiled(torch.from_numpy(X)) - torch.from_numpy(Y)) ** 2).sum().backward()
    assert_close({name: p.grad.numpy() for name, p in net.named_parameters()}, expected)


def test_a_compiled_module_sees_what_training_does_to_its_parameters():
    nets = [model(), model()]
    losses = []
    for used in (nets[0], torch.compile(nets[1])):
        optimizer = torch.optim.Adam(used.parameters(), lr=0.05)
        losses.append([])
        for _ in range(30):
            loss = nn.functional.mse_loss(used(torch.from_numpy(X)), torch.from_numpy(Y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    assert losses[1][-1] < 0.5 * losses[1][0]
    for p, q in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-2, atol=1e-3)


def test_a_compiled_module_takes_other_shapes():
    net = model()
    compiled = torch.compile(net)
    for n in (6, 2, 1):
        x = torch.from_numpy(X[:n])
        np.testing.assert_allclose(
            compiled(x).detach().numpy(), net(x).detach().numpy(), rtol=1e-5, atol=1e-6
        )


def test_a_compiled_module_can_be_part_of_another():
    net = model()
    both = nn.Sequential(torch.compile(net), nn.Linear(2, 1))
    both(torch.from_numpy(X)).sum().backward()
    assert all(p.grad is not None for p in both.parameters()) and len(list(both.parameters())) == 6


def test_nothing_is_recorded_without_gradients():
    compiled = torch.compile(model())
    with torch.no_grad():
        assert not compiled(torch.from_numpy(X)).requires_grad


def test_numpy_and_funcgrad_functions_may_be_compiled_with_tensors_in_them():
    net = model()
    f, params = torch.functional(net)
    both = fg.jit(lambda p, x: fnp.sin(f(p, x)).sum())
    assert float(both(params, X)) == pytest.approx(float(np.sin(f(params, X)).sum()), rel=1e-5)


# Random numbers: what is traced once would give each call the same ones


DRAWS = {
    "rand": lambda x: x * torch.rand(3),
    "dropout": lambda x: nn.functional.dropout(x),
    "normal_": lambda x: x + torch.empty(3).normal_(),
    "a generator": lambda x: x * torch.randn(3, generator=torch.Generator()),
    "randperm": lambda x: x[torch.randperm(3)],
    "a layer is made": lambda x: nn.Linear(3, 2)(x),
}
REFUSED = r"expected none to be drawn .* Call eval\(\) on the module .* pass the numbers as an argument"


@pytest.mark.parametrize("name", DRAWS)
def test_compiled_functions_refuse_to_draw(name):
    with pytest.raises(RuntimeError, match=REFUSED):
        torch.compile(DRAWS[name])(torch.ones(3))
    assert not torch.equal(torch.rand(3), torch.rand(3))  # the refusal ends with the call


def test_a_compiled_function_without_arguments_refuses_to_draw():
    with pytest.raises(RuntimeError, match=REFUSED):
        torch.compile(lambda: torch.rand(2))()


def test_dropout_is_refused_in_training_and_compiled_in_eval():
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
    x = torch.from_numpy(X)
    f, params = torch.functional(net)
    for call in (
        lambda: torch.compile(net)(x),
        lambda: fg.jit(f)(params, X),
        lambda: fg.jit(fg.grad(lambda p: f(p, X).sum()))(params),
    ):
        with pytest.raises(RuntimeError, match=REFUSED):
            call()
    net.eval()
    for out in (torch.compile(net)(x).detach().numpy(), fg.jit(f)(params, X)):
        np.testing.assert_allclose(out, net(x).detach().numpy(), rtol=1e-5)


def test_dropout_draws_anew_in_each_call_that_is_not_traced_once():
    f, params = torch.functional(nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.5)))
    outs = [f(params, X), f(params, X)]
    grads = [fg.grad(lambda p: f(p, X).sum())(params)["0.bias"] for _ in range(2)]
    assert not np.array_equal(*outs) and not np.array_equal(*grads)


def test_numbers_drawn_outside_are_arguments():
    @torch.compile
    def dropped(x, kept):
        return x * kept * 2

    for _ in range(3):
        kept = torch.empty(8).bernoulli_(0.5)
        assert torch.equal(dropped(torch.ones(8), kept), 2 * kept)


@pytest.mark.parametrize("name", ["rand", "dropout"])
def test_vmap_draws_as_it_is_told(name):
    x = torch.ones(40, 3)
    with pytest.raises(RuntimeError, match="vmap: called random operation while in randomness error mode"):
        torch.func.vmap(DRAWS[name])(x)
    out = torch.func.vmap(DRAWS[name], randomness="same")(x)
    assert torch.equal(out, out[:1].expand(40, 3))
    with pytest.raises(NotImplementedError, match="draw outside of vmap"):
        torch.func.vmap(DRAWS[name], randomness="different")
    with pytest.raises(RuntimeError, match="Only allowed values for randomness are"):
        torch.func.vmap(DRAWS[name], randomness="none")


def test_gradients_of_functions_that_draw():
    torch.manual_seed(1)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(torch.func.grad(lambda x: DRAWS["rand"](x).sum())(torch.ones(3)), drawn)


def test_a_compiled_module_follows_train_and_eval():
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
    compiled, x = torch.compile(net), torch.from_numpy(X)
    net.eval()
    compiled(x)
    net.train()
    with pytest.raises(RuntimeError, match=REFUSED):
        compiled(x)
    compiled.eval()
    np.testing.assert_allclose(compiled(x).detach().numpy(), net(x).detach().numpy(), rtol=1e-5)


def test_the_statistics_of_a_compiled_module_are_kept():
    nets, x = [], torch.from_numpy(X).double()
    for change in (lambda net: net, torch.compile):
        torch.manual_seed(2)
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()
        used = change(net)
        for _ in range(3):
            used(x).exp().sum().backward()
        net.eval()
        nets.append({**net.state_dict(), "grad": net[0].weight.grad, "out": used(x).detach()})
    for name, value in nets[0].items():
        np.testing.assert_allclose(nets[1][name].numpy(), value.numpy(), rtol=1e-9, atol=1e-9)
    assert nets[1]["1.num_batches_tracked"].item() == 3


def test_parameters_from_outside_of_a_compiled_function_are_refused():
    net = model()
    with pytest.raises(
        RuntimeError, match=r"to be arguments of the compiled function, .* torch.compile\(module\)"
    ):
        torch.compile(lambda x: net(x).sum())(torch.from_numpy(X))
    with torch.no_grad(), pytest.raises(RuntimeError, match="would stay as it is now"):
        torch.compile(lambda x: net(x).sum())(torch.from_numpy(X))
