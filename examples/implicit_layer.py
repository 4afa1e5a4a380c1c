"""A layer that is the solution of an equation: z = tanh(W z + U x + b), trained through its fixed point.

    python examples/implicit_layer.py

The derivative is that of the equation (a deep equilibrium model, Bai et al., 2019): no iteration is kept or gone
through backward.
"""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (64, 2))
Y = np.sign(X[:, 0] * X[:, 1])  # "exclusive or", which no linear layer can tell


def layer(params, x):
    """The fixed point for one example; the factor keeps the map a contraction."""
    w = 0.9 * params["w"] / fnp.maximum(fnp.sqrt(fnp.sum(params["w"] ** 2)), 0.9)

    def f(z):
        return fnp.tanh(w @ z + params["u"] @ x + params["b"])

    return fg.custom_fixed_point(f, np.zeros(8), tolerance=1e-9)


def loss(params):
    scores = fg.vmap(lambda x: params["v"] @ layer(params, x))(X)
    return fnp.mean(fnp.logaddexp(0.0, -Y * scores))


def main():
    params = {
        "w": rng.standard_normal((8, 8)) * 0.1,
        "u": rng.standard_normal((8, 2)),
        "b": np.zeros(8),
        "v": rng.standard_normal(8) * 0.1,
    }
    step = fg.jit(fg.value_and_grad(loss))
    velocity = fg.tree.map(np.zeros_like, params)
    for n in range(60):
        value, slope = step(params)
        velocity = fg.tree.map(lambda v, g: 0.9 * v - 0.3 * g, velocity, slope)
        params = fg.tree.map(lambda p, v: p + v, params, velocity)
        if n % 20 == 0:
            print(f"step {n:3}: loss {value:.4f}")
    scores = np.array([params["v"] @ layer(params, x) for x in X])
    right = np.mean(np.sign(scores) == Y)
    print(f"loss {loss(params):.4f}, {right:.0%} of the examples right")
    assert right > 0.9


if __name__ == "__main__":
    main()
