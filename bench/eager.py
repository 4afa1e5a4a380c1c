"""Eager gradients of small and middle-sized functions: funcgrad against its peers, without compilation.

Every system gets NumPy arrays converted to its own kind beforehand, and computes in float64.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad as fg
from bench.timing import formatted, interleaved, markdown
from bench.workloads import WORKLOADS, Workload


def funcgrad_runner(work: Workload) -> Callable[[], Any]:
    gradient = fg.grad(lambda x, *rest: work.numpy(np, x, *rest))
    return lambda: gradient(*work.args)


def autograd_runner(work: Workload) -> Callable[[], Any]:
    import autograd
    import autograd.numpy as anp

    gradient = autograd.grad(lambda x, *rest: work.numpy(anp, x, *rest))
    return lambda: gradient(*work.args)


def jax_runner(work: Workload) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    gradient = jax.grad(lambda x, *rest: work.numpy(jax.numpy, x, *rest))
    args = jax.tree.map(jax.numpy.asarray, list(work.args))
    return lambda: jax.block_until_ready(gradient(*args))


def torch_runner(work: Workload) -> Callable[[], Any]:
    import torch

    args = [_tensors(torch, a) for a in work.args]
    leaves = _leaves(args[0])
    for leaf in leaves:
        leaf.requires_grad_()

    def run():
        for leaf in leaves:
            leaf.grad = None
        work.torch(torch, *args).backward()
        return [leaf.grad for leaf in leaves]

    return run


def torch_func_runner(work: Workload) -> Callable[[], Any]:
    import torch

    args = [_tensors(torch, a) for a in work.args]
    gradient = torch.func.grad(lambda x, *rest: work.torch(torch, x, *rest))
    return lambda: gradient(*args)


def _tensors(torch, x):
    return [_tensors(torch, item) for item in x] if isinstance(x, list) else torch.from_numpy(x.copy())


def _leaves(x):
    return [leaf for item in x for leaf in _leaves(item)] if isinstance(x, list) else [x]


SYSTEMS = {
    "funcgrad": (None, funcgrad_runner),
    "PyTorch eager": ("torch", torch_runner),
    "torch.func": ("torch", torch_func_runner),
    "autograd": ("autograd", autograd_runner),
    "JAX without jit": ("jax", jax_runner),
}


def main() -> None:
    """Print the table: the time of a gradient, and its ratio to funcgrad's."""
    present = {
        n: run for n, (module, run) in SYSTEMS.items() if module is None or importlib.util.find_spec(module)
    }
    rows = []
    for work in WORKLOADS:
        runners = {name: make(work) for name, make in present.items()}
        _check(work, runners)
        times = interleaved(runners)
        ours = times["funcgrad"]
        cells = [formatted(ours)]
        cells += [f"{formatted(t)} ({t / ours:.2f}x)" for name, t in times.items() if name != "funcgrad"]
        rows.append([work.name, *cells])
    print(markdown(["gradient of", *present], rows))
    missing = sorted(
        {module for module, _ in SYSTEMS.values() if module and not importlib.util.find_spec(module)}
    )
    if missing:
        print(f"\nnot installed, so skipped: {', '.join(missing)}")


def _check(work, runners):
    want = np.concatenate([np.ravel(g) for g in fg.tree.leaves(runners["funcgrad"]())])
    for name, run in runners.items():
        got = np.concatenate([np.ravel(np.asarray(g)) for g in fg.tree.leaves(run())])
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10, err_msg=f"{name} on {work.name}")
