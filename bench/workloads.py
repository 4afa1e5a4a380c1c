"""The functions whose gradients are timed, written once for NumPy's namespace and once for PyTorch's."""

import importlib
from itertools import pairwise

import numpy as np

import funcgrad as fg

_rng = np.random.default_rng(0)


class Workload:
    """A scalar function of its first argument, and data.

    Args:
        name: of the table's row.
        numpy: the function, given a NumPy-like namespace first.
        torch: the function on tensors, given the torch module first.
        args: NumPy arrays; the gradient is by the first (a list of arrays counts as one argument).
    """

    def __init__(self, name, numpy, torch, args):
        self.name = name
        self.numpy = numpy
        self.torch = torch
        self.args = args


def rosenbrock(xp, x):
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def mlp(xp, weights, x, y):
    for w, b in weights[:-1]:
        x = xp.tanh(x @ w + b)
    w, b = weights[-1]
    return xp.sum((x @ w + b - y) ** 2)


def torch_rosenbrock(torch, x):
    return torch.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def torch_mlp(torch, weights, x, y):
    for w, b in weights[:-1]:
        x = torch.tanh(x @ w + b)
    w, b = weights[-1]
    return torch.sum((x @ w + b - y) ** 2)


def logsumexp_of(xp):
    """Return the system's own logsumexp."""
    if xp is np:
        return fg.scipy.special.logsumexp
    special = "autograd.scipy.special" if xp.__name__.startswith("autograd") else "jax.scipy.special"
    return importlib.import_module(special).logsumexp


_sizes = [100, 50, 50, 10]
_weights = [[_rng.standard_normal((m, n)) / np.sqrt(m), np.zeros(n)] for m, n in pairwise(_sizes)]

WORKLOADS = [
    Workload(
        "sum(tanh(x @ w)**2), 5x3",
        lambda xp, w, x: xp.sum(xp.tanh(x @ w) ** 2),
        lambda torch, w, x: torch.sum(torch.tanh(x @ w) ** 2),
        (_rng.standard_normal(3), _rng.standard_normal((5, 3))),
    ),
    Workload("Rosenbrock, n = 10", rosenbrock, torch_rosenbrock, (_rng.standard_normal(10),)),
    Workload("Rosenbrock, n = 1000", rosenbrock, torch_rosenbrock, (_rng.standard_normal(1000),)),
    Workload(
        "3-layer MLP, 64x100",
        mlp,
        torch_mlp,
        (_weights, _rng.standard_normal((64, 100)), _rng.standard_normal((64, 10))),
    ),
    Workload(
        "logsumexp, 1000x100",
        lambda xp, x: xp.sum(logsumexp_of(xp)(x, axis=1)),
        lambda torch, x: torch.sum(torch.logsumexp(x, dim=1)),
        (_rng.standard_normal((1000, 100)),),
    ),
]
