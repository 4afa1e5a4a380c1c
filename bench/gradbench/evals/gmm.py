"""gmm: the log-posterior of a Gaussian mixture with a Wishart prior."""

import math

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def _log_gamma_of(a, d):
    return d * (d - 1) / 4 * math.log(math.pi) + sum(math.lgamma(a + (1 - i) / 2) for i in range(1, d + 1))


def logsumexp(x, axis):
    top = fg.stop_gradient(fnp.max(x, axis=axis, keepdims=True))
    return fnp.squeeze(top, axis) + fnp.log(fnp.sum(fnp.exp(x - top), axis=axis))


def objective(d, k, n, m, gamma):
    rows, columns = np.tril_indices(d, -1)
    place = np.zeros((d, d), int)  # of each entry in l, which goes column by column
    place[rows, columns] = columns * d - columns * (columns + 1) // 2 + rows - columns - 1
    below = np.tri(d, k=-1, dtype=bool)
    nu = d + m + 1
    constant = -n * d / 2 * math.log(2 * math.pi) + k * (
        nu * d * (math.log(gamma) - 0.5 * math.log(2)) - _log_gamma_of(nu / 2, d)
    )

    def posterior(params, x):
        alpha, mu, q, l = params["alpha"], params["mu"], params["q"], params["l"]
        scales, sums = fnp.exp(q), fnp.sum(q, axis=1)
        factors = fnp.where(below, l[:, place], scales[:, None, :] * np.eye(d))
        turned = (x - mu[:, None, :]) @ factors.swapaxes(1, 2)  # k, n, d
        beta = alpha[:, None] + sums[:, None] - 0.5 * fnp.sum(turned * turned, axis=2)
        prior = 0.5 * gamma**2 * (fnp.sum(scales * scales) + fnp.sum(l * l)) - m * fnp.sum(sums)
        return constant + fnp.sum(logsumexp(beta, 0)) - n * logsumexp(alpha, 0) - prior

    return posterior


_sizes = ("d", "k", "n", "m", "gamma")
_objective, _jacobian = pair(inputs.gmm, objective, lambda *sizes: fg.grad(objective(*sizes)), *_sizes)
FUNCTIONS = {"objective": _objective, "jacobian": _jacobian}
