"""checkpoint: a function whose derivative runs it again rather than keeping all it computed."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import Body, stage_body, strong
from funcgrad.control.branching import switch_p
from funcgrad.core.check import check_body
from funcgrad.core.decisions import Decisions
from funcgrad.core.interpret import owned, replaced, run
from funcgrad.core.linear import Linear
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program, Var, pruned
from funcgrad.core.staging import leaf_type, stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, dtype_of, is_array, is_inexact, shape_of
from funcgrad.errors import DTypeError
from funcgrad.programs.batch import batched_program
from funcgrad.programs.dataflow import activity
from funcgrad.programs.differentiate import forward_and_backward, inexact_inputs, pushforward_program
from funcgrad.programs.memo import memoized
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear

__all__ = ["checkpoint", "checkpoint_name"]


class Named(Linear):
    """y = x, with a name by which a policy can keep it."""

    name = "named"
    by_parts = True
    pointwise = True

    def type_rule(self, x, *, label):
        return x.strong()

    def eval_rule(self, x, *, label):
        return np.array(x)[()]

    def transpose_rule(self, y_bar, x, *, label):
        return y_bar

    def batch_rule(self, size, batched, x, *, label):
        return named_p(x, label=label), True

    def lower_rule(self, lower, out, x, *, label):
        return lower.map(out, x.at)

    def samples(self):
        return [Sample((box((2, 3)),), {"label": "x"}), Sample((box(()),), {"label": "x"})]


named_p = Named()


def checkpoint_name(x: Any, name: str) -> Any:
    """Return `x`, with a name by which `checkpoint(f, policy=[name])` keeps it."""
    return named_p(x, label=str(name))


class Checkpoint(Primitive):
    """The outputs of a program, of which a backward pass keeps what the policy says, and computes the rest again."""

    name = "checkpoint"
    multiple = True

    def type_rule(self, *types, program, policy):
        return check_body("checkpoint", program, types)

    def eval_rule(self, *xs, program, policy):
        return tuple(owned(run(program, xs), xs))

    def decompose_rule(self, *xs, program, policy):
        return tuple(run(program, xs))

    def jvp_rule(self, x_dots, ys, *xs, program, policy):
        active = tuple(d is not None and is_inexact(dtype_of(x)) for d, x in zip(x_dots, xs, strict=True))
        tangent = pushforward_program(program, active)
        return bind(
            self, *xs, *(d for d, a in zip(x_dots, active, strict=True) if a), program=tangent, policy=policy
        )

    def forward_rule(self, *xs, program, policy):
        forward, _ = _parts(program, policy)
        out = run(forward, xs)
        count = len(program.outputs)
        return tuple(out[:count]), (out[:count], out[count:])

    def result_types(self, saved, *xs, program, policy):
        return [ArrayType(shape_of(y), dtype_of(y)) for y in saved[0]]

    def vjp_rule(self, needs, y_bars, saved, *xs, program, policy):
        _, backward = _parts(program, policy)
        bars = [
            as_derivative(bar, t)
            for bar, t in zip(y_bars, program.out_types, strict=True)
            if is_inexact(t.dtype)
        ]
        # A choice among one: nothing that is computed again is taken for what was computed before.
        out = bind(switch_p, np.int64(0), *xs, *saved[1], *bars, branches=(backward,))
        found = dict(zip(inexact_inputs(program), out, strict=True))
        return [found.get(i) if need else None for i, need in enumerate(needs)]

    def activity_rule(self, active, *, program, policy):
        return activity(program, active)

    def linear_rule(self, given, *types, program, policy):
        return is_linear(program, given)

    def batch_rule(self, size, batched, *xs, program, policy):
        wide = batched_program(program, size, tuple(map(bool, batched)))
        return bind(self, *xs, program=wide, policy=policy), True

    def samples(self):
        square = stage_flat(lambda x: [np.sin(np.sin(x))], [ArrayType((2, 3), float)], "battery")
        return [Sample((box((2, 3)).array(),), {"program": square, "policy": p}) for p in ("nothing", ("x",))]


checkpoint_p = Checkpoint()


def _keeps(policy: Any, equation: Any) -> bool:
    if policy == "dots":
        return equation.primitive.name == "dot"
    return equation.primitive is named_p and equation.params["label"] in policy


@memoized
def _parts(program: Program, policy: Any) -> tuple[Program, Program]:
    """Return the program that gives the results and what is kept, and the one from the arguments, what was kept and
    the cotangents to those of the arguments."""
    forward, backward = forward_and_backward(program, inexact_inputs(program))
    count, inputs = len(program.outputs), len(program.inputs)
    makers = {v: e for e in forward.equations for v in e.outputs}
    chosen = (
        [] if policy == "nothing" else [v for e in forward.equations if _keeps(policy, e) for v in e.outputs]
    )
    residuals = forward.outputs[count:]
    needed = [v for v in residuals if isinstance(v, Var) and v not in chosen]
    # Of what is chosen, what the residuals that are not kept are computed from, and those that are kept themselves.
    again, _ = pruned([e for e in forward.equations if not set(e.outputs) & set(chosen)], (), needed)
    read = {a for e in again for a in e.inputs if isinstance(a, Var)} | set(residuals)
    saved = [v for v in chosen if v in read and v in makers]
    first = forward.replaced(outputs=(*forward.outputs[:count], *saved))
    between = forward.replaced(inputs=(*forward.inputs, *saved), equations=again, outputs=residuals)
    bar_types = backward.in_types[inputs + len(residuals) :]

    def whole(*flat):
        xs, values, bars = flat[:inputs], flat[inputs : inputs + len(saved)], flat[inputs + len(saved) :]
        return run(backward, [*xs, *run(between, [*xs, *values]), *bars])

    types = [*program.in_types, *(v.type for v in saved), *bar_types]
    return first, stage_flat(whole, strong(types), f"backward of {program.name}")


def checkpoint(
    function: Callable, *, policy: str | Iterable[str] = "nothing", static_argnums: int | Sequence[int] = ()
) -> Callable:
    """Return a function of the same value whose reverse derivative keeps little, and runs it again for the rest.

    Args:
        function: a pure function of arrays in any containers. It is staged for the way it goes: a Python `if` on a value
            is decided where it could be without checkpoint. Arguments that are no arrays, and bools, are what they are.
        policy: what of its intermediate values is kept beside the arguments: "nothing"; "dots", the products of
            matrices, which cost most; names given with `checkpoint_name`; or "everything" (the function as it is).
        static_argnums: positions of arguments that are passed as they are: a whole number for a `range`, say.

    Raises:
        DTypeError: for another policy.

    Cost: memory of the arguments, the results and what the policy keeps, in place of every intermediate value; the
    time of computing the others once more.

    Reference: Griewank and Walther, Evaluating Derivatives (2008), chapter 12.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(fg.checkpoint(lambda x: np.sum(np.sin(np.sin(x)))))(np.zeros(2))
    array([1., 1.])
    """
    if isinstance(policy, str):
        if policy not in ("nothing", "dots", "everything"):
            raise DTypeError(
                f'checkpoint: expected policy "nothing", "dots", "everything" or names, got {policy!r}.',
                hint="names come in a list: policy=['hidden'].",
            )
    else:
        policy = tuple(map(str, policy))
    if policy == "everything":
        return function

    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)

    @wraps(function)
    def again(*args: Any, **kwargs: Any) -> Any:
        static = {n % len(args) for n in numbers if -len(args) <= n < len(args)}
        given = [None if i in static else x for i, x in enumerate(args)]
        pairs, treedef = tree.flatten_with_paths((given, kwargs))
        leaves = [x for _, x in pairs]
        places = [i for i, x in enumerate(leaves) if is_array(x) and not isinstance(x, bool)]
        changing = [leaves[i] for i in places]
        types = [
            leaf_type(leaves[i], "checkpoint", partial("arguments{}".format, pairs[i][0])) for i in places
        ]

        def flat(*tracers):
            own, kwargs = tree.unflatten(treedef, replaced(leaves, places, tracers))
            return function(*(args[i] if i in static else x for i, x in enumerate(own)), **kwargs)

        body = _decided(flat, changing, types)
        out = bind(checkpoint_p, *body.consts, *changing, program=body.program, policy=policy)
        return tree.unflatten(body.out_tree, out)

    return again


def _decided(function: Callable, leaves: Sequence[Any], types: Sequence[ArrayType]) -> Body:
    """Stage a function for the way it goes with these leaves, one decision after another."""
    decisions = Decisions(leaves=leaves)
    in_tree = tree.structure(tuple(leaves))
    return stage_body(function, in_tree, types, "checkpoint", repeated="", decisions=decisions)
