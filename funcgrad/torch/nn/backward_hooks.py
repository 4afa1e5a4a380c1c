"""Backward hooks of modules: the gradients at a module's arguments and results are seen on the way."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from funcgrad.torch.autograd.function import Function
from funcgrad.torch.tensors import Tensor

__all__ = ["called_with_hooks"]


class BackwardHookFunction(Function):
    """The identity, which shows the gradients that pass it to a function."""

    @staticmethod
    def forward(ctx: Any, seen: Callable, *tensors: Tensor) -> tuple:
        ctx.seen = seen
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple:
        changed = ctx.seen(gradients)
        return (None, *(gradients if changed is None else changed))


def called_with_hooks(
    module: Any, args: tuple, run: Callable, pre_hooks: OrderedDict, hooks: OrderedDict
) -> Any:
    """Run a module so that its hooks see the gradients of its results, and then those of its arguments."""
    at_outputs: list[tuple] = []

    def reached_outputs(gradients):
        for hook in tuple(pre_hooks.values()):
            changed = hook(module, gradients)
            if changed is not None:
                gradients = changed if isinstance(changed, tuple) else (changed,)
        at_outputs.append(gradients)
        if not inputs:
            reached_inputs((None,))
        return gradients

    def reached_inputs(gradients):
        for hook in tuple(hooks.values()):
            changed = hook(module, gradients, at_outputs[-1])
            if changed is not None:
                gradients = changed if isinstance(changed, tuple) else (changed,)
        return gradients

    inputs = [n for n, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
    if inputs:
        passed = list(args)
        for n, x in zip(
            inputs, BackwardHookFunction.apply(reached_inputs, *(args[n] for n in inputs)), strict=True
        ):
            passed[n] = x
        args = tuple(passed)
    out = run(args)
    outputs = out if isinstance(out, tuple) else (out,)
    watched = [n for n, y in enumerate(outputs) if isinstance(y, Tensor) and y.requires_grad]
    if not watched:
        return out
    results = list(outputs)
    for n, y in zip(
        watched, BackwardHookFunction.apply(reached_outputs, *(outputs[n] for n in watched)), strict=True
    ):
        results[n] = y
    return tuple(results) if isinstance(out, tuple) else results[0]
