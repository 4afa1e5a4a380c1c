"""D1, second part: one two-layer network written six ways, which agree step by step.

    python examples/documents/two_layer_networks.py [losses.png]

The networks start from the same weights and see the same data, so their losses must be the same numbers.
"""

import sys

import numpy as np

import funcgrad as fg
import funcgrad.torch as torch

N, D_IN, H, D_OUT = 64, 1000, 100, 10
STEPS, RATE = 500, 1e-6
_rng = np.random.default_rng(0)
X, Y = _rng.standard_normal((N, D_IN)), _rng.standard_normal((N, D_OUT))
W1, W2 = _rng.standard_normal((D_IN, H)), _rng.standard_normal((H, D_OUT))


def by_hand():
    """NumPy, with the derivative worked out on paper."""
    w1, w2 = W1.copy(), W2.copy()
    for _ in range(STEPS):
        h = X @ w1
        positive = np.maximum(h, 0)
        difference = positive @ w2 - Y
        yield (difference**2).sum()
        y_bar = 2 * difference
        h_bar = (y_bar @ w2.T) * (h > 0)
        w2 -= RATE * positive.T @ y_bar
        w1 -= RATE * X.T @ h_bar


def functional(transform=lambda f: f):
    """funcgrad on plain arrays: the loss is written, its gradient is not."""

    def loss(w1, w2):
        return ((np.maximum(X @ w1, 0) @ w2 - Y) ** 2).sum()

    step = transform(fg.value_and_grad(loss, argnums=(0, 1)))
    w1, w2 = W1.copy(), W2.copy()
    for _ in range(STEPS):
        value, (w1_bar, w2_bar) = step(w1, w2)
        yield value
        w1, w2 = w1 - RATE * w1_bar, w2 - RATE * w2_bar


def compiled():
    """The same, as one native call a step."""
    return functional(fg.jit)


def with_backward():
    """PyTorch's tensors, with backward."""
    x, y = torch.tensor(X), torch.tensor(Y)
    w1, w2 = torch.tensor(W1, requires_grad=True), torch.tensor(W2, requires_grad=True)
    for _ in range(STEPS):
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        yield loss.item()
        loss.backward()
        with torch.no_grad():
            w1 -= RATE * w1.grad
            w2 -= RATE * w2.grad
            w1.grad.zero_()
            w2.grad.zero_()


def with_backward_by_hand():
    """PyTorch's tensors, with the derivative worked out on paper."""
    x, y = torch.tensor(X), torch.tensor(Y)
    w1, w2 = torch.tensor(W1), torch.tensor(W2)
    for _ in range(STEPS):
        h = x.mm(w1)
        positive = h.clamp(min=0)
        y_bar = 2.0 * (positive.mm(w2) - y)
        yield (positive.mm(w2) - y).pow(2).sum().item()
        h_bar = y_bar.mm(w2.t()).clone()
        h_bar[h < 0] = 0
        w2_bar = positive.t().mm(y_bar)
        w1 -= RATE * x.t().mm(h_bar)
        w2 -= RATE * w2_bar


def with_modules():
    """PyTorch's modules."""
    model = torch.nn.Sequential(
        torch.nn.Linear(D_IN, H, bias=False), torch.nn.ReLU(), torch.nn.Linear(H, D_OUT, bias=False)
    ).double()
    model.load_state_dict({"0.weight": torch.tensor(W1.T.copy()), "2.weight": torch.tensor(W2.T.copy())})
    loss_of = torch.nn.MSELoss(reduction="sum")
    x, y = torch.tensor(X), torch.tensor(Y)
    for _ in range(STEPS):
        loss = loss_of(model(x), y)
        yield loss.item()
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= RATE * parameter.grad


def with_optimizer():
    """PyTorch's modules and an optimizer."""

    class TwoLayerNet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear1 = torch.nn.Linear(D_IN, H, bias=False)
            self.linear2 = torch.nn.Linear(H, D_OUT, bias=False)

        def forward(self, x):
            return self.linear2(self.linear1(x).clamp(min=0))

    model = TwoLayerNet().double()
    with torch.no_grad():
        model.linear1.weight.copy_(torch.tensor(W1.T))
        model.linear2.weight.copy_(torch.tensor(W2.T))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    x, y = torch.tensor(X), torch.tensor(Y)
    for _ in range(STEPS):
        loss = torch.nn.functional.mse_loss(model(x), y, reduction="sum")
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


NETWORKS = [by_hand, functional, compiled, with_backward, with_backward_by_hand, with_modules, with_optimizer]


def main():
    reference = np.array(list(by_hand()))
    for network in NETWORKS:
        losses = np.array(list(network()))
        difference = np.abs(losses / reference - 1).max()
        print(
            f"{network.__name__:22} loss {losses[0]:.6e} to {losses[-1]:.6e}, off by {difference:.0e} at most"
        )
        assert difference < 1e-6
    if len(sys.argv) > 1:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        plt.semilogy(reference)
        plt.xlabel("step")
        plt.ylabel("sum of squared errors")
        plt.savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
