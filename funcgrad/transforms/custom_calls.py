"""The primitives of functions with derivatives of the user's own. What such a function closes over comes last."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.closures import captured_by, standing_in
from funcgrad.core.interpret import owned, replaced
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import Tracer, closes_over_traced
from funcgrad.core.types import ArrayType, dtype_of, is_array, is_inexact, shape_of
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.linearity import is_linear
from funcgrad.transforms.vjp import vjp
from funcgrad.transforms.vmap import vmap

__all__ = ["Call", "custom_jvp_p", "custom_vjp_p", "stop_gradient_p"]


class Call:
    """One call of a custom function: its parts as functions of flat leaves, of which the last `captured` are not the
    user's arguments, but what the function closes over. The rules are of the arguments alone."""

    __slots__ = ("__weakref__", "backward", "captured", "forward", "function", "name", "out_tree", "rule")

    def __init__(self, name, function, *, rule=None, forward=None, backward=None, captured=0):
        self.name = name
        self.function = function
        self.rule = rule
        self.forward = forward
        self.backward = backward
        self.captured = captured
        self.out_tree = None

    def close(self, captured: Sequence[Tracer]) -> None:
        """Let the parts take the values of what they close over as further leaves."""
        if not captured:
            return
        own = -len(captured)
        function, rule, forward, backward = self.function, self.rule, self.forward, self.backward

        def standing(leaves):
            return standing_in(self.name, captured, leaves[own:])

        def closed_function(*leaves):
            with standing(leaves):
                return function(*leaves[:own])

        def closed_rule(leaves, dots):
            with standing(leaves):
                return rule(leaves[:own], dots)

        def closed_forward(*leaves):
            with standing(leaves):
                return forward(*leaves[:own])

        def closed_backward(residuals, bars, leaves):
            with standing(leaves):
                return backward(residuals, bars, leaves[:own])

        self.function, self.rule, self.forward, self.backward = (
            closed_function,
            closed_rule,
            closed_forward,
            closed_backward,
        )
        self.captured = len(captured)

    def __repr__(self):
        return self.name


class _CustomCall(Primitive):
    """The common part of both: evaluate the function, and infer its types by staging it."""

    multiple = True

    def eval_rule(self, *leaves, call):
        return tuple(owned(call.function(*leaves), leaves))

    def type_rule(self, *types, call):
        program = stage_flat(call.function, types, call.name)
        if any(type(value) is Tracer for _, value in program.constants):
            raise closes_over_traced(call.name)
        return tuple([t.strong() for t in program.out_types])

    def primal_rule(self, *types, call):
        try:
            program = stage_flat(call.function, types, call.name)
        except Exception:  # what the function needs values for, it gets when it is run
            return None
        return None if any(type(value) is Tracer for _, value in program.constants) else program

    def linear_rule(self, given, *types, call):
        return is_linear(stage_flat(call.function, types, call.name), given)


class CustomJVP(_CustomCall):
    """A function with a JVP rule of the user's own; by what it closes over it has the derivative it computes."""

    name = "custom_jvp"

    def jvp_rule(self, x_dots, ys, *leaves, call):
        own = len(leaves) - call.captured
        y_dots = None
        if not call.captured or any(d is not None for d in x_dots[:own]):
            dots = [
                as_derivative(dot, x) if is_inexact(dtype_of(x)) else np.zeros(shape_of(x))
                for dot, x in zip(x_dots[:own], leaves[:own], strict=True)
            ]
            y_dots = tuple(call.rule(leaves, dots))
        places = [i for i in _inexact(leaves, own) if x_dots[i] is not None]
        if not places:
            return y_dots if y_dots is not None else tuple(as_derivative(None, y) for y in ys)
        changing, dots = (tuple(items[i] for i in places) for items in (leaves, x_dots))
        _, found = jvp(_by_places(call, leaves, places), changing, dots)
        more = iter(found)
        found = [next(more) if is_inexact(dtype_of(y)) else as_derivative(None, y) for y in ys]
        return tuple(found) if y_dots is None else tuple(a + b for a, b in zip(y_dots, found, strict=True))

    def named_batch_rule(self, axis_name, size, batched, *leaves, call):
        axes = tuple(0 if b else None for b in batched)
        own = axes[: len(axes) - call.captured]
        examples = {"axis_name": axis_name, "axis_size": size}
        rule = vmap(lambda xs, dots: call.rule(xs, dots), in_axes=(axes, own), **examples)
        function = vmap(lambda *xs: call.function(*xs), in_axes=axes, **examples)
        inner = Call(
            call.name,
            function,
            rule=lambda xs, dots: rule(tuple(xs), tuple(dots)),
            captured=call.captured,
        )
        return self(*leaves, call=inner), True

    def samples(self):
        square = Call("battery", lambda x: [x * x], rule=lambda xs, dots: [2 * xs[0] * dots[0]])
        return [Sample((box((2, 3)),), {"call": square})]


class CustomVJP(_CustomCall):
    """A function with a forward part that keeps residuals and a backward part that uses them; by what it closes over
    it has the derivative it computes."""

    name = "custom_vjp"

    def forward_rule(self, *leaves, call):
        ys, residuals = call.forward(*leaves)
        return tuple(ys), (residuals, [ArrayType(shape_of(y), dtype_of(y)) for y in ys])

    def result_types(self, saved, *leaves, call):
        return saved[1]

    def vjp_rule(self, needs, y_bars, saved, *leaves, call):
        residuals, types = saved
        own = len(leaves) - call.captured
        bars = [as_derivative(bar, t) for bar, t in zip(y_bars, types, strict=True)]
        x_bars: list[Any] = [None] * len(leaves)
        if not call.captured or any(needs[:own]):
            x_bars[:own] = call.backward(residuals, bars, leaves)
        places = [i for i in _inexact(leaves, own) if needs[i]]
        if places:
            smooth = [bar for bar, t in zip(bars, types, strict=True) if is_inexact(t.dtype)]
            _, pullback = vjp(_by_places(call, leaves, places), *(leaves[i] for i in places))
            found = dict(zip(places, pullback(tuple(smooth)), strict=True))
            x_bars[own:] = [found.get(i) for i in range(own, len(leaves))]
        return x_bars

    def named_batch_rule(self, axis_name, size, batched, *leaves, call):
        axes = tuple(0 if b else None for b in batched)
        own = len(axes) - call.captured
        examples = {"axis_name": axis_name, "axis_size": size}
        function = vmap(lambda *xs: call.function(*xs), in_axes=axes, **examples)

        def forward(*xs):
            kept = _Kept()

            def one(*xs):
                ys, residuals = call.forward(*xs)
                return ys, kept.arrays_of(residuals)

            ys, arrays = vmap(one, in_axes=axes, **examples)(*xs)
            return ys, (kept, arrays)

        def backward(residuals, bars, xs):
            kept, arrays = residuals

            def one(arrays, bars, xs):
                own_arrays, values = arrays
                with kept.standing(call.name, values):
                    x_bars = call.backward(kept.joined(own_arrays), bars, xs)
                return [as_derivative(b, x) for b, x in zip(x_bars, xs[:own], strict=True)]

            x_bars = vmap(one, in_axes=(0, 0, axes), **examples)(arrays, list(bars), tuple(xs))
            # An argument shared by the examples collects the cotangents of all.
            return [b if wide else np.sum(b, 0) for b, wide in zip(x_bars, batched[:own], strict=True)]

        inner = Call(call.name, function, forward=forward, backward=backward, captured=call.captured)
        return self(*leaves, call=inner), True

    def samples(self):
        square = Call(
            "battery",
            lambda x: [x * x],
            forward=lambda x: ([x * x], x),
            backward=lambda x, bars, leaves: [2 * x * bars[0]],
        )
        return [Sample((box((2, 3)),), {"call": square})]


class _Kept:
    """Residuals of one example, kept until all are pulled back: arrays apart, and what other objects (a pullback, say)
    close over apart, so that the objects serve for every example."""

    def arrays_of(self, residuals):
        """Take residuals apart; return what of them there is one of for each example."""
        leaves, self._treedef = tree.flatten(residuals)
        self._others = [None if is_array(x) else x for x in leaves]
        self._captured = captured_by(self._others)
        return [x for x in leaves if is_array(x)], self._captured

    def standing(self, owner, values):
        """Return a context in which `values` stand in for what the other objects close over."""
        return standing_in(owner, self._captured, values)

    def joined(self, arrays):
        """Return the residuals of one example, put together again."""
        rest = iter(arrays)
        return tree.unflatten(self._treedef, [next(rest) if x is None else x for x in self._others])


def _inexact(leaves, own):
    return [i for i in range(own, len(leaves)) if is_inexact(dtype_of(leaves[i]))]


def _by_places(call, leaves, places):
    """Return the function of some of the leaves, which are captured, with its floating results."""
    own = len(leaves) - call.captured

    def function(*changing):
        # The arguments are constants, but traced: the function may write into arrays like them.
        lift = changing[0].tracing.lift
        given = [lift(x) if is_inexact(dtype_of(x)) else x for x in leaves[:own]]
        ys = call.function(*replaced([*given, *leaves[own:]], places, changing))
        return tuple(y for y in ys if is_inexact(dtype_of(y)))

    return function


class StopGradient(Primitive):
    """y = x, with derivative zero."""

    name = "stop_gradient"
    pointwise = True
    differentiable = False

    def primal_rule(self, x):
        return stage_flat(lambda x: [x], [x], self.name)

    def type_rule(self, x):
        return x

    def eval_rule(self, x):
        return x

    def batch_rule(self, size, batched, x):
        return stop_gradient_p(x), True

    def samples(self):
        return [Sample((box((2, 3)),)), Sample((box(()),))]


custom_jvp_p = CustomJVP()
custom_vjp_p = CustomVJP()
stop_gradient_p = StopGradient()
