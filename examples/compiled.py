"""jit: a logistic regression fitted by gradient descent, interpreted and compiled, and what was compiled."""

import time

import numpy as np

import funcgrad as fg


def loss(w, x, y):
    """The mean of log(1 + exp(-y x.w)), with a small penalty on w; y is -1 or 1."""
    return np.mean(np.logaddexp(0.0, -y * (x @ w))) + 0.01 * np.sum(w**2)


def fit(gradient, x, y, steps):
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w = w - 0.5 * gradient(w, x, y)
    return w


def main():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 5))
    truth = np.array([2.0, -1.0, 0.5, 0.0, 1.0])
    y = np.sign(x @ truth + rng.logistic(size=200))

    gradient = fg.grad(loss)
    compiled = fg.jit(gradient)
    results = {}
    for name, function in (("interpreted", gradient), ("compiled", compiled)):
        start = time.perf_counter()
        function(np.zeros(5), x, y)
        first = time.perf_counter() - start
        start = time.perf_counter()
        results[name] = fit(function, x, y, 1000)
        each = (time.perf_counter() - start) / 1000
        print(f"{name:>12}: the first gradient {1e3 * first:.1f} ms, each of 1000 steps {1e6 * each:.1f} us")
    np.testing.assert_allclose(results["compiled"], results["interpreted"], rtol=1e-10)
    print("weights:", np.round(results["compiled"], 3))

    lowered = compiled.lower(np.zeros(5), x, y)
    print("\nWhat runs:\n")
    print(lowered.loops)
    print("\nFor each call:", lowered.cost())
    print(compiled.explain())


if __name__ == "__main__":
    main()
