"""Each row of the source documents, in the stateful form and in the functional one."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
import funcgrad.torch as torch
from tests.torch import recorded

RNG = np.random.default_rng(3)


# D0: several losses, and backward with weights


def test_a_leaf_accumulates():
    x = torch.tensor(2.0, requires_grad=True)
    y, z = x**2, x
    y.backward()
    assert repr(x.grad) == "tensor(4.)"
    z.backward()
    assert repr(x.grad) == "tensor(5.)" and z is x


@pytest.fixture
def dotted():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)
    z = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    return x, y, z, x + y


def test_a_dot_product(dotted):
    x, y, z, t = dotted
    loss = t.dot(z)
    loss.backward(retain_graph=True)
    assert torch.equal(x.grad, z) and torch.equal(y.grad, z) and torch.equal(z.grad, t)
    with pytest.warns(
        UserWarning, match=r"The \.grad attribute of a Tensor that is not a leaf Tensor is being"
    ):
        assert t.grad is None
    assert repr(loss) == "tensor(13.5000, grad_fn=<DotBackward0>)"
    assert repr(t) == "tensor([5., 7., 9.], grad_fn=<AddBackward0>)"
    assert repr(z) == "tensor([ 0.5000, -1.0000,  2.0000], requires_grad=True)"


def test_weights_in_place_of_a_loss(dotted):
    x, y, z, t = dotted
    t.backward(z, retain_graph=True)
    assert torch.equal(x.grad, z) and torch.equal(y.grad, z) and z.grad is None and z.is_leaf
    x.grad.data.zero_()
    z.backward(t)
    assert torch.equal(z.grad, t) and torch.equal(y.grad, z)
    assert repr(x.grad) == "tensor([0., 0., 0.])"


def test_several_roots():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    a = x * x
    b = x.sum()
    torch.autograd.backward([a, b], [torch.tensor([1.0, 10.0]), None])
    assert x.grad.tolist() == [3.0, 41.0]


def test_the_dot_product_as_functions():
    x, y, z = np.array([1.0, 2, 3]), np.array([4.0, 5, 6]), np.array([0.5, -1, 2])
    _, pullback = fg.vjp(lambda x, y: x + y, x, y)
    for x_bar in pullback(z):
        np.testing.assert_array_equal(x_bar, z)
    by_x, by_y, by_z = fg.grad(lambda x, y, z: fnp.dot(x + y, z), argnums=(0, 1, 2))(x, y, z)
    np.testing.assert_array_equal([by_x, by_y, by_z], [z, z, x + y])


# D1: leaves, and the network written six ways


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_gradients_of_leaves_and_of_others(retained):
    x = torch.tensor(2.0, requires_grad=True)
    y = torch.pow(x, 2)
    z = torch.add(y, 3)
    if retained:
        y.retain_grad()
    z.backward()
    assert (repr(x.grad), repr(y.grad)) == ("tensor(4.)", "tensor(1.)" if retained else "None")
    with pytest.raises(
        RuntimeError, match=r"you can only change requires_grad flags of leaf variables\. If you want"
    ):
        y.requires_grad_(False)


def test_nodes():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y.mean()
    assert x.grad_fn is None
    assert repr(y.grad_fn).startswith("<MulBackward0 object at")
    assert repr(z.grad_fn).startswith("<MeanBackward0 object at")
    assert z.grad_fn.next_functions[0][0] is y.grad_fn


STEPS = 60


@pytest.fixture(scope="module", params=["float32", "float64"])
def network(request):
    """The data, and the losses of the network written by hand in NumPy."""
    data = [
        RNG.standard_normal(s).astype(request.param) for s in ((64, 1000), (64, 10), (1000, 100), (100, 10))
    ]
    x, y, w1, w2 = (a.copy() for a in data)
    losses = []
    for _ in range(STEPS):
        h = x @ w1
        a = np.maximum(h, 0)
        d = a @ w2 - y
        losses.append((d * d).sum())
        y_bar = 2 * d
        h_bar = y_bar @ w2.T
        h_bar[h < 0] = 0
        w1 -= 1e-6 * (x.T @ h_bar)
        w2 -= 1e-6 * (a.T @ y_bar)
    return data, np.array(losses), 1e-9 if request.param == "float64" else 2e-4


def functional_losses(data, transform):
    x, y, w1, w2 = data

    def loss(w1, w2):
        return ((np.maximum(x @ w1, 0) @ w2 - y) ** 2).sum()

    step = transform(fg.value_and_grad(loss, argnums=(0, 1)))
    rate = x.dtype.type(1e-6)
    for _ in range(STEPS):
        value, (g1, g2) = step(w1, w2)
        yield value
        w1, w2 = w1 - rate * g1, w2 - rate * g2


def stateful_losses(data):
    x, y, w1, w2 = (torch.from_numpy(a.copy()) for a in data)
    w1.requires_grad_()
    w2.requires_grad_()
    for _ in range(STEPS):
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        yield loss.item()
        loss.backward()
        with torch.no_grad():
            w1 -= 1e-6 * w1.grad
            w2 -= 1e-6 * w2.grad
            w1.grad.zero_()
            w2.grad.zero_()


def losses_by_hand(data):
    x, y, w1, w2 = (torch.from_numpy(a.copy()) for a in data)
    for _ in range(STEPS):
        h = x.mm(w1)
        a = h.clamp(min=0)
        d = a.mm(w2) - y
        yield d.pow(2).sum().item()
        y_bar = 2.0 * d
        grad_h = y_bar.mm(w2.t()).clone()
        grad_h[h < 0] = 0
        grad_w2 = a.t().mm(y_bar)
        w1 -= 1e-6 * x.t().mm(grad_h)
        w2 -= 1e-6 * grad_w2


def module_losses(data):
    x, y, w1, w2 = (torch.from_numpy(a.copy()) for a in data)
    model = torch.nn.Sequential(
        torch.nn.Linear(1000, 100, bias=False), torch.nn.ReLU(), torch.nn.Linear(100, 10, bias=False)
    ).to(x.dtype)
    with torch.no_grad():
        model[0].weight.copy_(w1.t())
        model[2].weight.copy_(w2.t())
    loss_of = torch.nn.MSELoss(reduction="sum")
    for _ in range(STEPS):
        loss = loss_of(model(x), y)
        yield loss.item()
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for param in model.parameters():
                param -= 1e-6 * param.grad


class TwoLayerNet(torch.nn.Module):
    def __init__(self, w1, w2):
        super().__init__()
        self.linear1 = torch.nn.Linear(1000, 100, bias=False, dtype=w1.dtype)
        self.linear2 = torch.nn.Linear(100, 10, bias=False, dtype=w1.dtype)
        self.linear1.weight.data = w1.t().contiguous()
        self.linear2.weight.data = w2.t().contiguous()

    def forward(self, x):
        return self.linear2(self.linear1(x).clamp(min=0))


def optimizer_losses(data):
    x, y, w1, w2 = (torch.from_numpy(a.copy()) for a in data)
    model = TwoLayerNet(w1, w2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    for _ in range(STEPS):
        loss = torch.nn.functional.mse_loss(model(x), y, reduction="sum")
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


WAYS = {
    "functions": lambda data: functional_losses(data, lambda f: f),
    "compiled functions": lambda data: functional_losses(data, fg.jit),
    "tensors": stateful_losses,
    "tensors, backward by hand": losses_by_hand,
    "layers": module_losses,
    "a module and an optimizer": optimizer_losses,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_network_takes_the_same_steps(network, way):
    data, losses, tolerance = network
    np.testing.assert_allclose(list(WAYS[way](data)), losses, rtol=tolerance)


@pytest.mark.parametrize("name", recorded.expected("networks"))
def test_500_steps_have_pytorchs_losses(name):
    recorded.check("networks", name, tolerance=1e-9 if "float64" in name else 1e-4)


@pytest.mark.parametrize("name", recorded.expected("summaries"))
def test_a_summary_is_torchsummarys(name):
    recorded.check("summaries", name)


# D2: the Jacobian


def test_a_jacobian_row_by_row():
    x = torch.tensor([[2, 3]], dtype=torch.float, requires_grad=True)
    J, y = torch.zeros(2, 2), torch.zeros(1, 2)
    y[0, 0] = x[0, 0] ** 2 + 3 * x[0, 1]
    y[0, 1] = x[0, 1] ** 2 + 2 * x[0, 0]
    y.backward(torch.Tensor([[1, 0]]), retain_graph=True)
    J[0] = x.grad
    x.grad = torch.zeros_like(x.grad)
    y.backward(torch.Tensor([[0, 1]]))
    J[1] = x.grad
    assert repr(J) == "tensor([[4., 3.],\n        [2., 6.]])"
    assert repr(y) == "tensor([[13., 13.]], grad_fn=<CopySlices>)"


def test_the_jacobian_in_one_call():
    def stacked(x):
        return fnp.stack([x[0] ** 2 + 3 * x[1], x[1] ** 2 + 2 * x[0]])

    def assigned(x):
        y = fnp.zeros_like(x)
        y[0] = x[0] ** 2 + 3 * x[1]
        y[1] = x[1] ** 2 + 2 * x[0]
        return y

    for f in (stacked, assigned):
        np.testing.assert_array_equal(fg.jacobian(f)(np.array([2.0, 3.0])), [[4, 3], [2, 6]])


def test_the_slip_of_the_pen():
    with pytest.raises(IndexError, match="index 1 is out of bounds for dimension 1 with size 1"):
        torch.tensor([[2.3]])[0, 1]


# D3: backward twice


def test_backward_twice():
    x = torch.tensor([1, 2], dtype=(float), requires_grad=True)
    A = torch.tensor([2, 3], dtype=(float))
    y = A @ (x * x)
    assert repr(y) == "tensor(14., dtype=torch.float64, grad_fn=<DotBackward0>)"
    for expected in ([4.0, 12.0], [8.0, 24.0], [12.0, 36.0]):
        y.backward(retain_graph=True)
        assert x.grad.tolist() == expected
    for _ in range(2):
        x.grad.zero_()
        y.backward(retain_graph=True)
        assert repr(x.grad) == "tensor([ 4., 12.], dtype=torch.float64)"
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


# D4: tensors and the dynamic graph


def test_four_ways_to_a_leaf():
    a = np.ones((2, 2))
    shared = torch.from_numpy(a)
    shared.requires_grad = True
    leaves = [
        torch.randn(2, 2, requires_grad=True),
        torch.autograd.Variable(torch.Tensor([2, 3]), requires_grad=True),
        torch.tensor([2, 3], requires_grad=True, dtype=torch.float64),
        shared,
    ]
    assert all(x.is_leaf and x.requires_grad and x.grad is None and x.grad_fn is None for x in leaves)
    a[0, 0] = 7
    assert shared[0, 0].item() == 7
    assert torch.Tensor([2, 3]).dtype is torch.float32 and torch.tensor([2, 3]).dtype is torch.int64


def test_flags_of_a_small_graph():
    x, y = torch.autograd.Variable(torch.randn(2, 2)), torch.autograd.Variable(torch.randn(2, 2))
    z = torch.autograd.Variable(torch.randn(2, 2), requires_grad=True)
    a = x + y
    b = a + z
    assert [t.requires_grad for t in (x, y, z, a, b)] == [False, False, True, False, True]
    assert [t.is_leaf for t in (a, b, z)] == [True, False, True]


def test_a_mean_of_squares():
    a = torch.autograd.Variable(torch.FloatTensor([2, 3]), requires_grad=True)
    b = a + 3
    out = (b * b * 3).mean()
    out.backward(retain_graph=True)
    assert repr(a.grad) == "tensor([15., 18.])"
    assert repr(out) == "tensor(91.5000, grad_fn=<MeanBackward0>)"


def test_elements_written_one_by_one():
    m = torch.autograd.Variable(torch.FloatTensor([2, 3]), requires_grad=True)
    n = torch.autograd.Variable(torch.zeros(2))
    n[0] = m[0] ** 2
    n[1] = m[1] ** 3
    n.backward(gradient=torch.Tensor([1, 1]), retain_graph=True)
    assert repr(m.grad) == "tensor([ 4., 27.])"
    assert repr(n) == "tensor([ 4., 27.], grad_fn=<CopySlices>)"
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        n.backward()
    message = (
        r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\) and output\[0\] has a shape"
    )
    with pytest.raises(RuntimeError, match=message):
        n.backward(gradient=torch.ones(3))


def test_what_may_not_be_written():
    q = torch.ones(2, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"a leaf Variable that requires grad is being used in an in-place operation\."
    ):
        q += 1
    r = q * 1
    s = r * r
    r += 1
    message = (
        r"one of the variables needed for gradient computation has been modified by an inplace operation: "
        r"\[torch.FloatTensor \[2\]\], which is output 0 of "
    )
    with pytest.raises(RuntimeError, match=message):
        s.sum().backward()
    with pytest.raises(
        RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"
    ):
        torch.ones(2).sum().backward()
    with pytest.raises(
        RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"
    ):
        torch.tensor([2, 3], requires_grad=True)
