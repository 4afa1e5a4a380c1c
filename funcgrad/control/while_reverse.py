"""The reverse of a loop whose number of steps is found on the way: the loop runs again, and back along its carries."""

import numpy as np

from funcgrad.compile.compiler import compiler
from funcgrad.compile.derived import pushed
from funcgrad.compile.kept import kept
from funcgrad.control.bodies import strong
from funcgrad.control.scan_primitive import bind_scan, with_tangents
from funcgrad.core.check import check_body, check_number
from funcgrad.core.effects import without_effects
from funcgrad.core.interpret import replaced, run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind, concrete, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.errors import DerivativeError, ProgramError
from funcgrad.numpy.creation import zeros
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear
from funcgrad.transforms.vjp import vjp

__all__ = ["reversed_while", "while_reverse_p"]


class WhileReverse(Primitive):
    """The cotangents of a loop of `count` steps: it runs again, keeping each carry, and then goes back.

    Arguments are the count, what the body captures, the first carry, the cotangents of the last carry, and zeros to
    which those of the captured values are added; results are the cotangents of the first carry, and the sums.
    """

    name = "while_reverse"
    multiple = True
    may_not_end = True

    def type_rule(self, *types, body, pull, body_consts, carries):
        check_number("while_reverse", "body_consts", body_consts, len(types) - 1)
        check_number("while_reverse", "carries", carries, len(types) - 1 - body_consts)
        count, *args = types
        if count.shape or count.dtype != np.int64:
            raise ProgramError(f"while_reverse: expected a count of type int64[], got {count}.")
        forth, back = args[: body_consts + carries], args[body_consts + carries :]
        check_body("while_reverse", body, forth, forth[body_consts:])
        return check_body("while_reverse", pull, args, back)

    def pushforward_rule(self, x_dots, count, *args, body, pull, body_consts, carries):
        # The same loop, there and back, with tangents carried along: so it goes to any order.
        end = body_consts + carries
        active = tuple(
            is_inexact(dtype_of(x)) and (dot is not None or i >= body_consts)
            for i, (x, dot) in enumerate(zip(args, x_dots[1:], strict=True))
        )
        dots = [as_derivative(d, x) if a else None for d, x, a in zip(x_dots[1:], args, active, strict=True)]
        fixed, carry, back = (
            [d for d in part if d is not None]
            for part in (dots[:body_consts], dots[body_consts:end], dots[end:])
        )
        out = bind(
            self,
            count,
            *args[:body_consts],
            *fixed,
            *args[body_consts:end],
            *carry,
            *args[end:],
            *back,
            body=with_tangents(body, body_consts, carries, active[:end]),
            pull=_pull_with_tangents(pull, body_consts, carries, active),
            body_consts=body_consts + len(fixed),
            carries=carries + len(carry),
        )
        bars = len(args) - end
        return tuple(out[:bars]), tuple(out[bars:])

    def linear_rule(self, given, *types, body, pull, body_consts, carries):
        end = 1 + body_consts + carries
        return not any(given[:end]) and is_linear(pull, given[1:])

    def vjp_rule(self, needs, y_bars, ys, count, *args, **params):
        if is_concrete(count):
            places = [i for i, need in enumerate(needs[1:]) if need]

            def function(*changing):
                given = replaced(args, places, changing)
                return tuple(_by_scans(int(concrete(count)), given, **params))

            bars = tuple(as_derivative(bar, y) for bar, y in zip(y_bars, ys, strict=True))
            found = dict(zip(places, vjp(function, *(args[i] for i in places))[1](bars), strict=True))
            return [None, *(found.get(i) for i in range(len(args)))]
        raise DerivativeError(
            "while_loop: expected at most one reverse derivative of a loop whose number of steps is not known while the "
            "program is staged, got a second one.",
            hint="take the outer derivative forward (hvp, or jvp of grad), or give the number of steps with fori_loop or "
            "scan.",
        )

    def eval_rule(self, count, *args, body, pull, body_consts, carries):
        fixed, carry = args[:body_consts], list(args[body_consts : body_consts + carries])
        bars = list(args[body_consts + carries :])
        tape = []
        for _ in range(int(count)):
            tape.append(carry)
            carry = run(body, [*fixed, *carry])
        while tape:
            bars = run(pull, [*fixed, *tape.pop(), *bars])
        return tuple(np.array(x)[()] for x in bars)

    def lower_rule(self, lower, out, count, *args, body, pull, body_consts, carries):
        params = {"body_consts": body_consts, "carries": carries}
        return lower.control("while_reverse", (body, pull), out, (count, *args), spares=out, params=params)

    def samples(self):
        kinds = [ArrayType((), float), ArrayType((3,), float)]
        body = stage_flat(lambda a, c: [c * 1.7 + a], kinds, "body")
        params = {"body": body, "pull": _pull(body, 1), "body_consts": 1, "carries": 1}
        args = (box(()).array(), box((3,)).array(), np.ones(3), np.zeros(()))
        return [Sample((np.int64(n), *args), params, smooth=False) for n in (0, 1, 4)]


@kept
def _pull(body: Program, body_consts: int) -> Program:
    """Return one step back: (consts, carry, cotangents of the next carry, sums) to (cotangents of the carry, sums)."""
    places = [i for i, t in enumerate(body.in_types) if is_inexact(t.dtype)]
    sums = [i for i in places if i < body_consts]
    carried = [i for i in places if i >= body_consts]
    types = [*body.in_types, *(body.in_types[i] for i in carried), *(body.in_types[i] for i in sums)]

    def step(*flat):
        args, bars = flat[: len(body.inputs)], flat[len(body.inputs) :]

        def function(*changing):
            given = replaced(args, places, changing)
            return [y for y in run(body, given) if is_inexact(dtype_of(y))]

        pulled = vjp(function, *(args[i] for i in places))[1](list(bars[: len(carried)]))
        found = dict(zip(places, pulled, strict=True))
        totals = bars[len(carried) :]
        return [*(found[i] for i in carried), *(t + found[i] for t, i in zip(totals, sums, strict=True))]

    return compiler().tidied(stage_flat(step, strong(types), f"vjp of {body.name}"))


@kept
def _pull_with_tangents(pull: Program, consts: int, carries: int, active: tuple[bool, ...]) -> Program:
    """Return the step back that carries tangents along: each group of arguments and results has them behind it."""
    end = consts + carries
    groups = [slice(0, consts), slice(consts, end), slice(end, None)]
    types = []
    for group in groups:
        own = list(zip(pull.in_types[group], active[group], strict=True))
        types += [t for t, _ in own] + [t.strong() for t, a in own if a]

    def joint(*flat):
        rest = list(flat)
        xs, dots = [], []
        for group in groups:
            own, more = len(active[group]), sum(active[group])
            xs += rest[:own]
            dots += rest[own : own + more]
            rest = rest[own + more :]
        ys, y_dots = pushed(pull, xs, active, dots)
        return [*ys, *(as_derivative(d, y) for d, y in zip(y_dots, ys, strict=True))]

    return compiler().tidied(stage_flat(joint, types, f"jvp of {pull.name}"))


def _by_scans(count, args, *, body, pull, body_consts, carries):
    """Do the same by two scans, for a number of steps that is known: they can be differentiated again."""
    end = body_consts + carries
    fixed, carry, bars = args[:body_consts], args[body_consts:end], args[end:]
    keeping = Program(
        body.inputs,
        body.constants,
        body.equations,
        (*body.outputs, *body.inputs[body_consts:]),
        name=body.name,
    )
    kept_carries = bind_scan(keeping, fixed, carry, [], count, False)[carries:]
    # As a scan has it: the cotangents are the carry, and the carries are gone through.
    inputs = (*pull.inputs[:body_consts], *pull.inputs[end:], *pull.inputs[body_consts:end])
    back = Program(inputs, pull.constants, pull.equations, pull.outputs, name=pull.name)
    return bind_scan(back, fixed, bars, kept_carries, count, True)


while_reverse_p = WhileReverse()


def reversed_while(body, count, fixed, carry, bars):
    """Return the cotangents of what the body captures and of the first carry, for a traced number of steps."""
    body = without_effects(body)  # its prints and checks were made when the loop ran first
    pull = _pull(body, len(fixed))
    sums = [i for i, x in enumerate(fixed) if is_inexact(dtype_of(x))]
    start = [zeros(shape_of(fixed[i]), dtype_of(fixed[i])) for i in sums]
    params = {"body": body, "pull": pull, "body_consts": len(fixed), "carries": len(carry)}
    out = iter(bind(while_reverse_p, count, *fixed, *carry, *bars, *start, **params))
    carry_bars = [next(out) if is_inexact(dtype_of(x)) else None for x in carry]
    found = dict(zip(sums, out, strict=True))
    return [*(found.get(i) for i in range(len(fixed))), *carry_bars]
