"""The systems that run programs: each turns a program, or its derivative, into a call with NumPy in and out.

`COMPILED` compile first; `EAGER` run operation by operation, on arrays already converted to their own kind.
"""

from collections.abc import Callable, Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench import by_hand, namespaces
from bench.model import Call, Case
from bench.programs import WARM_UP, Program

__all__ = ["COMPILED", "EAGER", "asked", "cases_of", "warm_up"]

Make = Callable[[Program, str], Call]

_UNROLLED = 10  # steps


def cases_of(suite: str, programs: Iterable[Program], systems: dict[str, Make], **options: Any) -> list[Case]:
    """Return the cases of programs, each once for the function and once for its derivative."""
    return [
        Case(suite, p.name, p.size, kind, {s: partial(make, p, kind) for s, make in systems.items()}, p.n, **options)
        for p in programs
        for kind in ("function", p.derivative)
    ]  # fmt: skip


def asked(library: Any, program: Program, kind: str, xp: SimpleNamespace) -> Callable:
    """Return the program's function or derivative, by the library's transformations."""

    def function(*args):
        return program.function(xp, *args)

    if kind == "function":
        return library.vmap(function) if program.derivative == "jacobians" else function
    if kind == "gradient":
        gradient = library.grad(function, program.argnums)
        return (lambda *args: gradient(*args)[0]) if len(program.argnums) == 1 else gradient
    if kind == "hessian":
        return library.hessian(function)
    if kind == "jacobian":
        return library.jacrev(function)
    return library.vmap(library.jacrev(function, program.argnums))


def funcgrad(program: Program, kind: str, backend: str = "native") -> Call:
    import funcgrad as fg

    args = program.args
    compiled = fg.jit(asked(fg, program, kind, namespaces.of_numpy()), backend=backend)
    return Call(lambda: compiled(*args))


def jax(program: Program, kind: str) -> Call:
    import jax

    args = program.args
    compiled = jax.jit(asked(jax, program, kind, namespaces.of_jax()))
    return Call(lambda: jax.tree.map(np.asarray, compiled(*args)))


def torch_compile(program: Program, kind: str) -> Call:
    import torch

    if program.name == "scan over steps" and program.n > _UNROLLED:
        raise NotImplementedError("a loop of Python's, unrolled: minutes to compile")
    args = program.args
    torch._dynamo.reset()  # it gives up compiling after eight functions of the same code
    compiled = torch.compile(asked(torch.func, program, kind, namespaces.of_torch()))

    def run():
        out = compiled(*_mapped(_tensor, args))
        return [y.numpy() for y in out] if isinstance(out, (tuple, list)) else out.numpy()

    return Call(run)


def pytensor(program: Program, kind: str) -> Call:
    import pytensor
    import pytensor.tensor as pt

    if program.derivative != "gradient" or not all(isinstance(x, np.ndarray) for x in program.args):
        raise NotImplementedError("no batched Jacobians, and no arguments in containers")
    symbols = [pt.TensorType(x.dtype.name, x.shape)() for x in program.args]
    out = program.function(namespaces.of_pytensor(), *symbols)
    if kind == "gradient":
        out = pytensor.grad(out, [symbols[i] for i in program.argnums])
    args = program.args
    compiled = pytensor.function(symbols, out, on_unused_input="ignore")
    return Call(lambda: compiled(*args))


def numpy_by_hand(program: Program, kind: str) -> Call:
    function, args = _by_hand(by_hand.NUMPY, program, kind), program.args
    return Call(lambda: function(*args))


def numba_by_hand(program: Program, kind: str) -> Call:
    import numba

    source, args = _by_hand(by_hand.NUMBA, program, kind), program.args
    function = numba.njit(fastmath={"reassoc"}, error_model="numpy")(source)
    return Call(lambda: function(*args))


def _by_hand(written: dict[str, Callable], program: Program, kind: str) -> Callable:
    if kind != "gradient" or program.name not in written:
        raise NotImplementedError("not written by hand")
    return written[program.name]


def eager(program: Program, kind: str) -> Call:
    import funcgrad as fg

    return _eager(fg, program, kind, namespaces.of_numpy(), program.args)


def autograd(program: Program, kind: str) -> Call:
    import autograd

    if program.derivative == "jacobians":
        raise NotImplementedError("no vmap")
    library = SimpleNamespace(grad=autograd.grad, hessian=autograd.hessian, jacrev=autograd.jacobian)
    return _eager(library, program, kind, namespaces.of_autograd(), program.args)


def jax_eager(program: Program, kind: str) -> Call:
    import jax

    call = _eager(jax, program, kind, namespaces.of_jax(), _mapped(jax.numpy.asarray, program.args))
    return Call(lambda: jax.block_until_ready(call.run()))


def torch_func(program: Program, kind: str) -> Call:
    import torch

    return _eager(torch.func, program, kind, namespaces.of_torch(), _mapped(_tensor, program.args))


def torch_backward(program: Program, kind: str) -> Call:
    import torch

    if kind not in ("function", "gradient"):
        raise NotImplementedError("backward is of scalars")
    args = _mapped(partial(_tensor, copy=True), program.args)
    function = _eager(torch.func, program, "function", namespaces.of_torch(), args)
    if kind == "function":
        return function
    leaves = [leaf for i in program.argnums for leaf in _leaves(args[i])]
    for leaf in leaves:
        leaf.requires_grad_()

    def run():
        for leaf in leaves:
            leaf.grad = None
        function.run().backward()
        return [leaf.grad for leaf in leaves]

    return Call(run)


def _eager(library: Any, program: Program, kind: str, xp: SimpleNamespace, args: tuple) -> Call:
    function = asked(library, program, kind, xp)
    return Call(lambda: function(*args))


def _tensor(x: Any, copy: bool = False) -> Any:
    import torch

    return torch.from_numpy(np.array(x, copy=copy or None))


def _mapped(convert: Callable, x: Any) -> Any:
    return type(x)(_mapped(convert, item) for item in x) if isinstance(x, (list, tuple)) else convert(x)


def _leaves(x: Any) -> list:
    return [leaf for item in x for leaf in _leaves(item)] if isinstance(x, list) else [x]


COMPILED: dict[str, Make] = {
    "funcgrad": funcgrad,
    "interpreted": partial(funcgrad, backend="numpy"),
    "NumPy by hand": numpy_by_hand,
    "Numba by hand": numba_by_hand,
    "JAX": jax,
    "torch.compile": torch_compile,
    "PyTensor": pytensor,
}

EAGER: dict[str, Make] = {
    "funcgrad": eager,
    "PyTorch eager": torch_backward,
    "torch.func": torch_func,
    "autograd": autograd,
    "JAX without jit": jax_eager,
}


def warm_up(system: str) -> None:
    """Let a system that compiles import and start what it needs, on a program that is not measured."""
    if system in COMPILED:
        COMPILED[system](WARM_UP, "gradient").run()
