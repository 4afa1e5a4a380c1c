"""The primitive of scan: a loop of a known number of steps, with a carry and stacked inputs and outputs."""

from typing import Any, NamedTuple

import numpy as np

from funcgrad.control.bodies import hoisted, strong
from funcgrad.control.eager_jit import called_natively, worth_compiling
from funcgrad.core.check import check_body, check_number
from funcgrad.core.dataflow import carried
from funcgrad.core.interpret import run
from funcgrad.core.parts import flat_parts, grouped, width
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program, Var
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.errors import ProgramError
from funcgrad.numpy.creation import zeros
from funcgrad.numpy.shaping import broadcast_to, moveaxis
from funcgrad.programs.batch import batched_program
from funcgrad.programs.complex_split import with_parts
from funcgrad.programs.dataflow import activity, depends_on
from funcgrad.programs.differentiate import forward_and_backward, inexact_inputs, jvp_of_program
from funcgrad.programs.memo import memoized
from funcgrad.programs.optimize import optimized
from funcgrad.programs.rolling.skeleton import skeleton, with_numbers
from funcgrad.programs.trim import passed, trimmed_scan
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear

__all__ = ["bind_scan", "scan_forward_and_backward", "scan_p", "with_tangents"]


class Scan(Primitive):
    """carry, y[i] = body(consts, carry, x[i]) for each i.

    Arguments are `consts` captured values, `carries` parts of the carry, and arrays stacked along axis 0; results
    are the last carry and the stacked y.
    """

    name = "scan"
    repeats = True
    multiple = True
    residuals_in_reverse_only = True

    def type_rule(self, *types, body, consts, carries, length, reverse):
        check_number("scan", "consts", consts, len(types))
        check_number("scan", "carries", carries, len(types) - consts)
        check_number("scan", "length", length)
        if type(reverse) is not bool:
            raise ProgramError(f"scan: expected reverse to be True or False, got {reverse!r}.")
        stacked = types[consts + carries :]
        if any(t.shape[:1] != (length,) for t in stacked):
            raise ProgramError(f"scan: expected {length} slices, got {', '.join(map(str, stacked))}.")
        slices = [ArrayType(t.shape[1:], t.dtype) for t in stacked]
        out = check_body("scan", body, [*types[: consts + carries], *slices])
        check_body("scan", body, body.in_types, [*types[consts : consts + carries], *out[carries:]])
        return (*out[:carries], *(ArrayType((length, *t.shape), t.dtype) for t in out[carries:]))

    def eval_rule(self, *args, body, consts, carries, length, reverse):
        params = {"body": body, "consts": consts, "carries": carries, "length": length, "reverse": reverse}
        if worth_compiling(len(body.equations), length, args):
            return called_natively(self, args, params)
        fixed, carry, xs = args[:consts], list(args[consts : consts + carries]), args[consts + carries :]
        ys = [np.empty((length, *t.shape), t.dtype) for t in body.out_types[carries:]]
        for i in reversed(range(length)) if reverse else range(length):
            out = run(body, [*fixed, *carry, *(x[i] for x in xs)])
            carry = out[:carries]
            for y, part in zip(ys, out[carries:], strict=True):
                y[i] = part
        return (*map(_own, carry), *ys)

    def pushforward_rule(self, x_dots, *args, body, consts, carries, length, reverse):
        groups = _Groups(body, consts, carries)
        given = [d is not None and is_inexact(dtype_of(x)) for d, x in zip(x_dots, args, strict=True)]
        active, reached = carried(activity, body, consts, carries, given)
        both = with_tangents(body, consts, carries, active)
        dots = [as_derivative(d, x) if a else None for d, x, a in zip(x_dots, args, active, strict=True)]
        parts = [[x for x in part if x is not None] for part in groups.split(dots)]
        fixed, carry, xs = groups.split(args)
        out = list(
            bind_scan(both, [*fixed, *parts[0]], [*carry, *parts[1]], [*xs, *parts[2]], length, reverse)
        )
        active_carry = active[consts : consts + carries]
        first, count = carries + sum(active_carry), len(body.outputs) - carries
        carry_dots, y_dots = iter(out[carries:first]), iter(out[first + count :])
        return (*out[:carries], *out[first : first + count]), (
            *(next(carry_dots) if a else None for a in active_carry),
            *(next(y_dots) if r else None for r in reached[carries:]),
        )

    def activity_rule(self, active, *, body, consts, carries, length, reverse):
        given, reached = carried(activity, body, consts, carries, active)
        return (*given[consts : consts + carries], *reached[carries:])

    def linear_rule(self, given, *types, body, consts, carries, length, reverse):
        active, _ = carried(activity, body, consts, carries, given)
        return is_linear(body, active)

    def forward_rule(self, *args, body, consts, carries, length, reverse):
        forward, _, _ = scan_forward_and_backward(body, consts, carries)
        groups = _Groups(body, consts, carries)
        out = bind_scan(forward, *groups.split(args), length, reverse)
        count = len(body.outputs)
        return tuple(out[:count]), (out[:count], out[count:])

    def result_types(self, saved, *args, **params):
        return [ArrayType(shape_of(y), dtype_of(y)) for y in saved[0]]

    def vjp_rule(self, needs, y_bars, saved, *args, body, consts, carries, length, reverse):
        _, backward, uses_x = scan_forward_and_backward(body, consts, carries)
        groups = _Groups(body, consts, carries)
        fixed, _, xs = groups.split(args)
        kinds = body.out_types
        bars = [
            as_derivative(bar, y) for bar, y in zip(y_bars, saved[0], strict=True) if is_inexact(dtype_of(y))
        ]
        smooth = sum(is_inexact(t.dtype) for t in kinds[:carries])
        sums = [i for i in range(consts) if is_inexact(dtype_of(fixed[i]))]
        wanted = tuple(bool(needs[i]) for i in sums)
        pruned = _only_needed(backward, smooth, wanted, consts)
        start = [
            zeros(shape_of(fixed[i]), dtype_of(fixed[i]))
            for i, want in zip(sums, wanted, strict=True)
            if want
        ]
        stacked = [*saved[1], *(x for x, use in zip(xs, uses_x, strict=True) if use), *bars[smooth:]]
        out = iter(bind_scan(pruned, fixed, [*bars[:smooth], *start], stacked, length, not reverse))
        carry_bars = [next(out) if is_inexact(t.dtype) else None for t in kinds[:carries]]
        sums_found = {i: next(out) for i, want in zip(sums, wanted, strict=True) if want}
        x_bars = [next(out) if is_inexact(dtype_of(x)) else None for x in xs]
        return [*(sums_found.get(i) for i in range(consts)), *carry_bars, *x_bars]

    def positions_rule(self, *types, body, **rest):
        structure, numbers = skeleton(body)
        return (structure, tuple(sorted(rest.items()))), numbers

    def moving_rule(self, positions, *args, body, consts, **rest):
        moving = [type(x) is Tracer for x in positions]
        wide = with_numbers(body, moving, consts)
        values = [x for x, m in zip(positions, moving, strict=True) if m]
        args = (*args[:consts], *values, *args[consts:])
        return bind(self, *args, body=wide, consts=consts + len(values), **rest)

    def trim_rule(self, wanted, *, body, consts, carries, length, reverse):
        return trimmed_scan(body, wanted, consts, carries)

    def passed_rule(self, *, body, consts, carries, **rest):
        kept = [[k] if k == consts + i else [] for i, k in enumerate(passed(body)[:carries])]
        sliced = [[k] if k is not None and k >= consts + carries else [] for k in passed(body)[carries:]]
        return [*kept, *sliced]

    def parts_rule(self, *args, body, consts, carries, **rest):
        fixed, carry, _ = _Groups(body, consts, carries).split(args)
        params = {"body": with_parts(body), "consts": width(fixed), "carries": width(carry), **rest}
        return grouped(bind(self, *flat_parts(args), **params), body.out_types)

    def batch_rule(self, size, batched, *args, body, consts, carries, length, reverse):
        groups = _Groups(body, consts, carries)
        fixed, carry, xs = groups.split(args)
        flags, results = carried(depends_on, body, consts, carries, batched)
        results = (*flags[consts : consts + carries], *results[carries:])
        carry = [
            broadcast_to(x, (size, *shape_of(x))) if wide and not b else x
            for x, wide, b in zip(carry, results, batched[consts:], strict=False)
        ]
        xs = [moveaxis(x, 0, 1) if b else x for x, b in zip(xs, batched[consts + carries :], strict=True)]
        out = bind_scan(batched_program(body, size, flags, results), fixed, carry, xs, length, reverse)
        ys = [moveaxis(y, 1, 0) if b else y for y, b in zip(out[carries:], results[carries:], strict=True)]
        return (*out[:carries], *ys), results

    def lower_rule(self, lower, out, *args, body, consts, carries, length, reverse):
        params = {"consts": consts, "carries": carries, "length": length, "reverse": reverse}
        return lower.control("scan", (body,), out, args, spares=out[:carries], params=params)

    def samples(self):
        step = stage_flat(
            lambda a, c, x: [np.tanh(a * c + x), c * x],
            [ArrayType((), float)] + [ArrayType((3,), float)] * 2,
            "step",
        )
        details = {"body": step, "consts": 1, "carries": 1, "length": 4}
        args = (box(()).array(), box((3,)).array(), box((4, 3)).array())
        return [Sample(args, {**details, "reverse": False}), Sample(args, {**details, "reverse": True})]


scan_p = Scan()


class _Groups(NamedTuple):
    body: Program
    consts: int
    carries: int

    def split(self, items: Any) -> tuple[list, list, list]:
        """Return what belongs to the captured values, to the carry, and to the stacked inputs."""
        items = list(items)
        end = self.consts + self.carries
        return items[: self.consts], items[self.consts : end], items[end:]


def _own(x: Any) -> Any:
    return np.array(x) if isinstance(x, np.ndarray) and x.base is not None else x


def bind_scan(body: Program, fixed: list, carry: list, xs: list, length: int, reverse: bool) -> list[Any]:
    """Bind scan, with what does not change from step to step computed before it."""
    body, fixed = hoisted(body, fixed, len(fixed))
    params = {"body": body, "consts": len(fixed), "carries": len(carry), "length": length, "reverse": reverse}
    return list(bind(scan_p, *fixed, *carry, *xs, **params))


@memoized
def with_tangents(body: Program, consts: int, carries: int, active: tuple[bool, ...]) -> Program:
    """Return the body that carries tangents along: each group of arguments and results has them behind it.

    Args:
        active: the arguments that have tangents, as `carried(activity, ...)` finds them: results that cannot have one are
            without.
    """
    groups = _Groups(body, consts, carries)
    types, flags = groups.split(body.in_types), groups.split(active)
    dots = [
        [t.strong() for t, a in zip(ts, fs, strict=True) if a] for ts, fs in zip(types, flags, strict=True)
    ]
    in_types = [t for own, more in zip(types, dots, strict=True) for t in (*own, *more)]
    reached = (*active[consts : consts + carries], *activity(body, active)[carries:])

    def joint(*flat):
        rest = list(flat)
        primals, tangents = [], []
        for own, more in zip(types, dots, strict=True):
            primals += rest[: len(own)]
            tangents += rest[len(own) : len(own) + len(more)]
            rest = rest[len(own) + len(more) :]
        ys, y_dots = jvp_of_program(body, primals, active, tangents)
        found = [as_derivative(d, y) if r else None for d, y, r in zip(y_dots, ys, reached, strict=True)]
        return [
            *ys[:carries], *(d for d in found[:carries] if d is not None),
            *ys[carries:], *(d for d in found[carries:] if d is not None),
        ]  # fmt: skip

    return stage_flat(joint, in_types, f"jvp of {body.name}")


@memoized
def scan_forward_and_backward(
    body: Program, consts: int, carries: int
) -> tuple[Program, Program, tuple[bool, ...]]:
    """Return the bodies of the loops forward and backward.

    Forward is the body, which stacks what the other one needs as well. Backward goes the other way: its carry are
    the cotangents of the carry and the sums of those of the captured values; stacked it takes what was kept, the
    inputs it reads (the third result says which), and the cotangents of y; and it stacks those of the inputs.
    """
    groups = _Groups(body, consts, carries)
    active = inexact_inputs(body)
    forward, backward = forward_and_backward(body, active, consts)
    count = len(body.inputs)
    read = {a for e in backward.equations for a in e.inputs if isinstance(a, Var)} | {
        a for a in backward.outputs if isinstance(a, Var)
    }
    uses = [v in read for v in backward.inputs[:count]]
    _, carry_used, x_used = groups.split(uses)
    _, carry_vars, _ = groups.split(forward.inputs)
    residuals = len(forward.outputs) - len(body.outputs)
    kept_carry = [v for v, use in zip(carry_vars, carry_used, strict=True) if use]
    keeping = forward.replaced(outputs=(*forward.outputs, *kept_carry))
    smooth_carry = [i for i in active if consts <= i < consts + carries]
    sums = [i for i in active if i < consts]
    types = body.in_types
    saved = [*forward.out_types[len(body.outputs) :], *(v.type for v in kept_carry)]
    used_xs = [t for t, use in zip(types[consts + carries :], x_used, strict=True) if use]
    y_bar_types = [t for t in body.out_types[carries:] if is_inexact(t.dtype)]
    in_types = [
        *types[:consts],
        *(types[i] for i in smooth_carry),
        *(types[i] for i in sums),
        *saved,
        *used_xs,
        *y_bar_types,
    ]

    def step(*flat):
        rest = list(flat)

        def take(n):
            taken = rest[:n]
            del rest[:n]
            return taken

        fixed, carry_bars, totals = take(consts), take(len(smooth_carry)), take(len(sums))
        kept_values, carry, xs = take(residuals), iter(take(len(kept_carry))), iter(take(len(used_xs)))
        given = [
            *fixed,
            *(
                next(carry) if use else zeros(t.shape, t.dtype)
                for use, t in zip(carry_used, groups.split(types)[1], strict=True)
            ),
            *(
                next(xs) if use else zeros(t.shape, t.dtype)
                for use, t in zip(x_used, groups.split(types)[2], strict=True)
            ),
        ]
        bars = dict(zip(active, run(backward, [*given, *kept_values, *carry_bars, *rest]), strict=True))
        return [
            *(bars[i] for i in smooth_carry),
            *(total + bars[i] for total, i in zip(totals, sums, strict=True)),
            *(bars[i] for i in active if i >= consts + carries),
        ]

    whole = optimized(stage_flat(step, strong(in_types), f"backward of {body.name}"), differentiable=True)
    return keeping, whole, tuple(x_used)


@memoized
def _only_needed(backward: Program, smooth: int, wanted: tuple[bool, ...], consts: int) -> Program:
    """Return the backward body without the sums that are not wanted."""
    drop = {smooth + k for k, want in enumerate(wanted) if not want}
    if not drop:
        return backward
    outputs = tuple(a for k, a in enumerate(backward.outputs) if k not in drop)
    inputs = tuple(v for k, v in enumerate(backward.inputs) if k - consts not in drop)
    return backward.computing(outputs, inputs=inputs)
