"""A two-layer network, trained with a gradient written by hand and with `value_and_grad`.

    h = X W1;  y_hat = max(h, 0) W2;  loss = sum (y_hat - y)^2

Both ways start from the same weights and must give the same 500 losses. The curve is saved as a
picture; `python examples/two_layer_network.py [FILE.png]`.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np

import funcgrad as fg

matplotlib.use("Agg")
import matplotlib.pyplot as plt

N, D_IN, HIDDEN, D_OUT = 64, 1000, 100, 10
RATE, STEPS = 1e-6, 500

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((N, D_IN)), rng.standard_normal((N, D_OUT))
START = (rng.standard_normal((D_IN, HIDDEN)), rng.standard_normal((HIDDEN, D_OUT)))


def by_hand():
    """Forward and backward pass written out, as one did before automatic differentiation."""
    w1, w2 = (w.copy() for w in START)
    for _ in range(STEPS):
        h = X @ w1
        h_relu = np.maximum(h, 0)
        y_hat = h_relu @ w2
        yield np.sum((y_hat - Y) ** 2)
        y_bar = 2 * (y_hat - Y)
        h_bar = y_bar @ w2.T
        h_bar[h < 0] = 0
        w1 -= RATE * (X.T @ h_bar)
        w2 -= RATE * (h_relu.T @ y_bar)


def loss(weights):
    w1, w2 = weights
    return np.sum((np.maximum(X @ w1, 0) @ w2 - Y) ** 2)


def by_funcgrad():
    """The forward pass alone: funcgrad differentiates it."""
    step = fg.value_and_grad(loss)
    weights = START
    for _ in range(STEPS):
        value, gradients = step(weights)
        yield value
        weights = fg.tree.map(lambda w, g: w - RATE * g, weights, gradients)


def main(path: Path) -> None:
    hand, ours = np.array(list(by_hand())), np.array(list(by_funcgrad()))
    print(f"first loss {ours[0]:.6g}, last loss {ours[-1]:.6g}")
    difference = np.max(np.abs(ours / hand - 1))
    print(f"largest relative difference from the gradient by hand: {difference:.1e}")
    assert difference < 1e-6

    plt.semilogy(ours)
    plt.xlabel("step")
    plt.ylabel("sum of squared errors")
    plt.title("A two-layer network, by gradient descent")
    plt.savefig(path, dpi=120)
    print(f"saved {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
