"""The suite `turns`: what the first call of a Python loop takes as it gets longer, and its tracing alone.

`python -m bench.turns TURNS` prints the seconds of a first call of so many turns, and the peak of the process's memory.
"""

import contextlib
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from bench import namespaces
from bench.machine import peak_memory
from bench.model import Call, Case, Sample
from bench.plain import PlainProgram
from bench.python_loops import garch, hidden_markov, lotka_volterra, polynomial_of_sines
from bench.startup import output_of

__all__ = ["cases"]

# A system is not tried with more turns where that would take more seconds, growing in proportion (it may be the square).
LIMIT = 5.0


def cases(quick: bool) -> list[Case]:
    """The first call of the gradient of a Python loop, tracing included, against turns; and tracing alone."""
    lengths = (10, 30) if quick else (10, 30, 100, 300, 1000, 3000, 10_000)
    systems = {"funcgrad": _funcgrad, "JAX": _jax} | ({} if quick else {"torch.compile": _torch})
    longest = polynomial_of_sines(1000 if quick else 100_000)
    alone = {"funcgrad": partial(_alone, longest)}
    growing = [
        Case(
            "turns", p.name, p.size, kind, {name: partial(made[kind], p) for name, made in chosen.items()},
            n=n, tolerance=None, self_timed=True, limit=LIMIT,
        )
        for make in (polynomial_of_sines, garch, hidden_markov, lotka_volterra)
        for n in lengths
        for p in [make(n)]
        for kind in ("compilation", "tracing")
        for chosen in [{name: made for name, made in systems.items() if kind in made}]
    ]  # fmt: skip
    kind = "first call, a process of its own"
    return [*growing, Case("turns", longest.name, longest.size, kind, alone, tolerance=None, self_timed=True)]


def _alone(program: PlainProgram) -> Call:
    turns = program.size.split()[0].replace(",", "")

    def run():
        seconds, memory = output_of([sys.executable, "-m", "bench.turns", turns]).split()
        return Sample(float(seconds), int(memory))

    return Call(run)


def _timed(prepared: Callable[[], Callable[[], object]]) -> Call:
    def run():
        once = prepared()
        gc.collect()
        start = time.perf_counter()
        once()
        return Sample(time.perf_counter() - start)

    return Call(run)


def _by_funcgrad(traced: bool, program: PlainProgram) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    def prepared():
        fg.clear_caches()
        gradient = fg.grad(lambda *args: program.function(fnp, *args))
        return partial(fg.trace(gradient) if traced else fg.jit(gradient), *program.args)

    return _timed(prepared)


def _by_jax(traced: bool, program: PlainProgram) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)

    def prepared():
        compiled = jax.jit(jax.grad(lambda *args: program.function(jax.numpy, *args)))
        return partial(compiled.trace if traced else compiled, *program.args)

    return _timed(prepared)


def _by_torch(program: PlainProgram) -> Call:
    import torch
    import torch._inductor.config

    xp = namespaces.of_torch_plain()
    folders = contextlib.ExitStack()  # of what it keeps: each time an empty one

    def prepared():
        torch._dynamo.reset()
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folders.enter_context(tempfile.TemporaryDirectory())
        torch._inductor.config.force_disable_caches = True
        args = [torch.as_tensor(x) for x in program.args]
        gradient = torch.func.grad(lambda *args: program.function(xp, *args))
        return partial(torch.compile(gradient, fullgraph=True), *args)  # rather than leave parts to Python

    return _timed(prepared)


_funcgrad = {"compilation": partial(_by_funcgrad, False), "tracing": partial(_by_funcgrad, True)}
_jax = {"compilation": partial(_by_jax, False), "tracing": partial(_by_jax, True)}
_torch = {"compilation": _by_torch}


if __name__ == "__main__":
    print(_by_funcgrad(False, polynomial_of_sines(int(sys.argv[1]))).run().seconds, peak_memory())
