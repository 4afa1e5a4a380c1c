"""From modules and tensors to pure functions of arrays, and back: where the two manners meet.

A tensor can hold a traced value in place of an array. Then operations leave no nodes of their own:
funcgrad's transformations see everything, and differentiate, batch or compile it.
"""

import functools
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

import funcgrad as fg
from funcgrad import stop_gradient, tree
from funcgrad.extend import Tracer, is_concrete
from funcgrad.torch.inplace import write
from funcgrad.torch.modes import MODE, compiling, enable_grad, no_draws
from funcgrad.torch.nn.module import Module
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["as_arrays", "as_tensors", "compile", "functional", "functional_call", "on_arrays"]


_DRAWN = (
    "random numbers: expected none to be drawn in a function that is compiled or batched, because it is traced once "
    "and every call or example would get the same ones. Call eval() on the module (Dropout), or draw outside and pass "
    "the numbers as an argument."
)


def as_arrays(x: Any) -> Any:
    """Return a container with arrays in place of tensors."""
    return tree.map(lambda leaf: _taken(leaf._array) if isinstance(leaf, Tensor) else leaf, x)


def _taken(array):
    """Return an array, as a constant where it is traced and nothing is recorded now."""
    return array if MODE.grad or type(array) is np.ndarray else stop_gradient(array)


def as_tensors(x: Any) -> Any:
    """Return a container with tensors in place of arrays (and of NumPy's numbers)."""
    return tree.map(
        lambda leaf: wrap(_array(leaf)) if isinstance(leaf, (np.ndarray, np.generic, Tracer)) else leaf, x
    )


def _array(leaf):
    return leaf if isinstance(leaf, Tracer) else np.asarray(leaf)


def on_arrays(function: Callable, unless_known: str = _DRAWN) -> Callable:
    """Return a function of tensors as one of arrays, which funcgrad can transform.

    Args:
        unless_known: the error when random numbers are drawn while arguments are staged or batched; "" draws them.
    """

    @functools.wraps(function)
    def of_arrays(*args: Any, **kwargs: Any) -> Any:
        drawn = not unless_known or all(map(is_concrete, tree.leaves((args, kwargs))))
        with enable_grad(), nullcontext() if drawn else no_draws(unless_known):
            return as_arrays(function(*as_tensors(args), **as_tensors(kwargs)))

    return of_arrays


@contextmanager
def _replaced(module: Module, values: Mapping[str, Any]):
    """Let parameters and buffers of a module have other values for a while."""
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    unknown = [name for name in values if name not in own]
    if unknown:
        raise KeyError(
            f"functional_call: expected names of parameters or buffers, got {unknown}; there are {list(own)}"
        )
    before = []
    try:
        for name, value in values.items():
            path, _, last = name.rpartition(".")
            holder = module.get_submodule(path)
            registry = holder._parameters if last in holder._parameters else holder._buffers
            before.append((registry, last, registry[last]))
            registry[last] = value
        yield
    finally:
        for registry, last, value in reversed(before):
            registry[last] = value


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict | None = None
) -> Any:
    """Call a module with other values for its parameters and buffers; it is left as it was.

    Args:
        parameter_and_buffer_dicts: values by name, or several dictionaries of them.
        args: the arguments, a tuple or one alone.
    """
    dicts = parameter_and_buffer_dicts
    values = dict(dicts) if isinstance(dicts, Mapping) else {k: v for d in dicts for k, v in d.items()}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, values):
        return module(*arguments, **(kwargs or {}))


def functional(module: Module, *, buffers: bool = False) -> tuple:
    """Return a module as a pure function `f(params, *args)` of arrays, with its parameters as arrays.

    The function can be given to any transformation of funcgrad: a stateful model is trained by
    `fg.jit(fg.value_and_grad(lambda params, x, y: loss(f(params, x), y)))`. Buffers keep the values they
    have now. Random numbers (Dropout) are drawn anew in each call, and refused where a call is traced once.

    Args:
        buffers: give a function `f(params, buffers, *args)` that returns its result and the new buffers, with
            the buffers as arrays: for what BatchNorm writes in training, with `has_aux=True`.

    Returns:
        `f` and the parameters by name; and the buffers by name, where they are asked for.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> import funcgrad.torch as torch
    >>> f, params = torch.functional(torch.nn.Linear(2, 1))
    >>> sorted(fg.grad(lambda p, x: f(p, x).sum())(params, np.ones((3, 2), np.float32)))
    ['bias', 'weight']
    """
    params = {name: p._array.copy() for name, p in module.named_parameters()}
    if buffers:
        written = on_arrays(
            lambda values, state, args, kwargs: with_written(module, values, state, args, kwargs)
        )

        def stateful(
            params: Mapping[str, Any], buffers: Mapping[str, Any], *args: Any, **kwargs: Any
        ) -> tuple[Any, dict[str, Any]]:
            out, new = written(dict(params), dict(buffers), args, kwargs)
            return out, {**buffers, **new}

        return stateful, params, {name: b._array.copy() for name, b in module.named_buffers()}
    pure = on_arrays(lambda values, args, kwargs: functional_call(module, values, args, kwargs))

    def function(params: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return pure(dict(params), args, kwargs)

    return function, params


def with_written(module: Module, parameters: dict, buffers: dict, args: tuple, kwargs: dict) -> tuple:
    """Return what the module gives, and the buffers it has written to."""
    copies = {name: buffer.clone() for name, buffer in buffers.items()}
    out = functional_call(module, {**parameters, **copies}, args, kwargs)
    return out, {name: copy for name, copy in copies.items() if copy._version}


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | None = None,
    mode: str | None = None,
    options: dict | None = None,
    name: str | None = None,
    disable: bool = False,
) -> Any:
    """Return a function or module of tensors compiled by `fg.jit`; gradients flow through it.

    Each shape and dtype is compiled once, and a module once for `train()` and once for `eval()`; its
    parameters are arguments, so training goes on seeing them, and its buffers are written to. A function
    must not write to its arguments, or to anything outside of it.

    Args:
        disable: return the function or module as it is.
        fullgraph, dynamic, backend, mode, options, name: PyTorch's, to tune its compiler. There is one here, which
            compiles the whole function or raises.

    Raises:
        TypeError: for a backend that is a function, which would not be called.
        RuntimeError: when random numbers are drawn, or a tensor from outside requires gradients: they
            would stay as they were when the function was traced.

    >>> from funcgrad import torch
    >>> f = torch.compile(lambda x: (x * x).sum())
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> f(x).backward()
    >>> x.grad
    tensor([2., 4.])
    """
    if callable(backend):
        raise TypeError(
            "compile: expected the name of a backend, got a function: functions are compiled by fg.jit."
        )
    if model is None:
        return lambda model: compile(model, disable=disable)
    if disable:
        return model
    if isinstance(model, Module):
        return _CompiledModule(model)
    return functools.wraps(model)(_Compiled(on_arrays(model)))


class _Compiled:
    """A compiled function of tensors: one operation, whose record is the jitted program."""

    def __init__(self, function: Callable):
        self._jitted = fg.jit(compiling()(no_draws(_DRAWN)(function)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return compiled_call(self._jitted, args, kwargs)


class _CompiledModule(Module):
    """A module whose forward is compiled."""

    def __init__(self, module: Module):
        super().__init__()
        self._orig_mod = module
        object.__setattr__(self, "_jitted", {})  # by what is in training, which the program depends on

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        module = self._orig_mod
        training = tuple(part.training for part in module.modules())
        if training not in self._jitted:
            pure = on_arrays(functools.partial(with_written, module))
            self._jitted[training] = fg.jit(compiling()(no_draws(_DRAWN)(pure)))
        parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
        copies = {name: buffer.clone() for name, buffer in buffers.items()}  # the record keeps them
        out, written = compiled_call(self._jitted[training], (parameters, copies, args, kwargs), {})
        for name, value in written.items():
            write(buffers[name], value._array)
        return out


def compiled_call(jitted: Callable, args: tuple, kwargs: dict) -> Any:
    """Call a jitted function of arrays on tensors, as one operation of the graph."""
    leaves, treedef = tree.flatten((args, kwargs))
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    structures: list[Any] = []  # of the results: known once the body has run

    def body(*arrays):
        values = iter(arrays)
        given, named = tree.unflatten(treedef, [next(values) if isinstance(x, Tensor) else x for x in leaves])
        outs, structure = tree.flatten(jitted(*given, **named))
        structures.append(structure)
        return tuple(outs)

    outs = apply(Operation("CompiledFunctionBackward", body), tensors)
    return tree.unflatten(structures[0], list(outs))
