"""Functions with a backward of the user's own where funcgrad traces: it is handed the backward as a rule.

`forward` runs once, and what it gives is a constant, which a second function passes on: to that one belongs the
rule. Of what `forward` left in `ctx`, tensors are the residuals of the rule, and the rest is as it was.
"""

import copy
from typing import Any

import funcgrad as fg
from funcgrad.torch.modes import enable_grad
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["given_backward"]


def given_backward(cls: type, ctx: Any, args: tuple, out: Any) -> Any:
    """Return what `forward` gave of traced tensors, with the derivative that `backward` says.

    Raises:
        RuntimeError: where `forward` wrote to an argument.
    """
    if ctx._dirty:
        raise RuntimeError(
            f"{cls.__name__}: mark_dirty is not there in functions that torch.func or torch.compile transforms: return a "
            "new tensor."
        )
    ys = out if isinstance(out, tuple) else (out,)
    places = [n for n, x in enumerate(args) if isinstance(x, Tensor)]
    kept = _tensors_of(ctx)
    which = {
        name: n for name, x in kept.items() for n, y in enumerate(ys) if x is y
    }  # of results, which it is
    others = {name: x._array for name, x in kept.items() if name not in which}

    def backward(residuals, y_bars):
        with enable_grad():
            x_bars = cls.backward(_with_tensors(ctx, residuals), *map(wrap, y_bars))  # type: ignore[attr-defined]
        x_bars = x_bars if isinstance(x_bars, tuple) else (x_bars,)
        return tuple(None if x_bars[n] is None else x_bars[n]._array for n in places), None, None

    @fg.custom_vjp
    def passed(xs, values, others):
        return values

    def forward(xs, values, others):
        # By itself, so that a second derivative knows the rule too, and what was saved of the results.
        results = passed(xs, values, others)
        return results, {**others, **{name: results[n] for name, n in which.items()}}

    passed.defvjp(forward, backward)
    values = tuple(fg.stop_gradient(y._array) for y in ys)
    arrays = passed(tuple(args[n]._array for n in places), values, others)
    results = tuple(
        wrap(value if any(y is x for x in ctx._constant) else array)
        for y, value, array in zip(ys, values, arrays, strict=True)
    )
    return results if isinstance(out, tuple) else results[0]


def _tensors_of(ctx: Any) -> dict[Any, Tensor]:
    """Return the tensors in a context: those saved, by number, and those set as attributes, by name."""
    saved = {n: x for n, (x, _) in enumerate(ctx._saved) if x is not None}
    return {**saved, **{name: x for name, x in vars(ctx).items() if isinstance(x, Tensor)}}


def _with_tensors(ctx: Any, arrays: dict[Any, Any]) -> Any:
    """Return a copy of a context with these arrays for its tensors."""
    out = copy.copy(ctx)
    out._saved = tuple((wrap(arrays[n]), 0) if n in arrays else (None, None) for n in range(len(ctx._saved)))
    for name, x in arrays.items():
        if isinstance(name, str):
            setattr(out, name, wrap(x))
    return out
