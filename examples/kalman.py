"""Find the noise of a moving object and of its sensor by the likelihood a Kalman filter gives.

    python examples/kalman.py

The filter is a scan; its gradient, compiled, is a native loop there and back.
"""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp

STEP = np.array([[1.0, 0.1], [0.0, 1.0]])  # position and speed, every tenth of a second
SEEN = np.array([[1.0, 0.0]])


def simulated(steps, push, blur, seed=0):
    """Positions as a sensor sees them."""
    rng = np.random.default_rng(seed)
    state, seen = np.zeros(2), []
    for _ in range(steps):
        state = STEP @ state + push * np.array([0.0, 1.0]) * rng.standard_normal()
        seen.append(SEEN @ state + blur * rng.standard_normal(1))
    return np.array(seen)


def negative_log_likelihood(log_noise, ys):
    """Minus the log-likelihood of the observations, given the logarithms of both noises."""
    push, blur = fnp.exp(2 * log_noise[0]), fnp.exp(2 * log_noise[1])
    pushed = push * np.diag([0.0, 1.0])

    def step(carry, y):
        mean, cov = carry
        mean, cov = STEP @ mean, STEP @ cov @ STEP.T + pushed
        gap = y - SEEN @ mean
        variance = (SEEN @ cov @ SEEN.T)[0, 0] + blur
        gain = (cov @ SEEN.T)[:, 0] / variance
        cost = 0.5 * (gap[0] ** 2 / variance + fnp.log(2 * np.pi * variance))
        return (mean + gain * gap[0], cov - gain[:, None] * (SEEN @ cov)), cost

    return fg.scan(step, (np.zeros(2), np.eye(2)), ys)[1].sum()


def main():
    ys = simulated(2000, push=0.3, blur=0.5)
    both = fg.jit(fg.value_and_grad(negative_log_likelihood))
    hessian = fg.jit(fg.hessian(negative_log_likelihood))
    x = np.zeros(2)
    for _ in range(15):  # Newton's method, with the exact Hessian through the filter
        value, slope = both(x, ys)
        x = x - np.linalg.solve(hessian(x, ys), slope)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian(x, ys))))
    for name, log, error, truth in zip(["push", "blur"], x, errors, [0.3, 0.5], strict=True):
        print(f"{name}: {np.exp(log):.3f} +- {np.exp(log) * error:.3f}  (true: {truth})")
        assert abs(log - np.log(truth)) < 4 * error
    print(f"negative log-likelihood {value:.2f}, gradient {np.abs(slope).max():.0e}")


if __name__ == "__main__":
    main()
