"""The reverse of a loop whose number of steps is found on the way: the loop runs again, and back along what it keeps."""

import numpy as np

from funcgrad.control.scan_primitive import bind_scan, scan_forward_and_backward, with_tangents
from funcgrad.core.check import check_body, check_number
from funcgrad.core.effects import without_effects
from funcgrad.core.interpret import replaced, run
from funcgrad.core.parts import flat_parts, grouped, width
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind, concrete, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.errors import DerivativeError, ProgramError
from funcgrad.numpy.creation import zeros
from funcgrad.programs.complex_split import with_parts
from funcgrad.programs.dataflow import activity
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear
from funcgrad.transforms.vjp import vjp

__all__ = ["reversed_while", "while_reverse_p"]


class WhileReverse(Primitive):
    """The cotangents of a loop of `count` steps: it runs again, keeping what the way back reads, and then goes back.

    Arguments are the count, what the body captures, the first carry, the cotangents of the last carry, and zeros to
    which those of the captured values are added; results are the cotangents of the first carry, and the sums. The body
    gives the next carry and what is kept of the step; `pull` takes the captured values, the cotangents and the sums, and
    what was kept: as the bodies of `scan_forward_and_backward`.
    """

    name = "while_reverse"
    repeats = True
    multiple = True
    may_not_end = True

    def type_rule(self, *types, body, pull, body_consts, carries):
        check_number("while_reverse", "body_consts", body_consts, len(types) - 1)
        check_number("while_reverse", "carries", carries, len(types) - 1 - body_consts)
        count, *args = types
        if count.shape or count.dtype != np.int64:
            raise ProgramError(f"while_reverse: expected a count of type int64[], got {count}.")
        forth, back = args[: body_consts + carries], args[body_consts + carries :]
        out = check_body("while_reverse", body, forth)
        check_body("while_reverse", body, forth, [*forth[body_consts:], *out[carries:]])
        return check_body("while_reverse", pull, [*forth[:body_consts], *back, *out[carries:]], back)

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
        kept_active = activity(body, active[:end])[carries:]
        bars = len(args) - end
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
            pull=with_tangents(pull, body_consts, bars, (*active[:body_consts], *active[end:], *kept_active)),
            body_consts=body_consts + len(fixed),
            carries=carries + len(carry),
        )
        return tuple(out[:bars]), tuple(out[bars:])

    def linear_rule(self, given, *types, body, pull, body_consts, carries):
        end = 1 + body_consts + carries
        kept_values = len(body.outputs) - carries
        own = (*given[1 : 1 + body_consts], *given[end:], *(False,) * kept_values)
        return not any(given[:end]) and is_linear(pull, own)

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
            out = run(body, [*fixed, *carry])
            carry = out[:carries]
            tape.append(out[carries:])
        while tape:
            bars = run(pull, [*fixed, *bars, *tape.pop()])
        return tuple(np.array(x)[()] for x in bars)

    def parts_rule(self, count, *args, body, pull, body_consts, carries):
        fixed, carry = args[:body_consts], args[body_consts : body_consts + carries]
        out = bind(
            self,
            count,
            *flat_parts(args),
            body=with_parts(body),
            pull=with_parts(pull),
            body_consts=width(fixed),
            carries=width(carry),
        )
        return grouped(out, pull.out_types)

    def lower_rule(self, lower, out, count, *args, body, pull, body_consts, carries):
        params = {"body_consts": body_consts, "carries": carries}
        return lower.control("while_reverse", (body, pull), out, (count, *args), spares=out, params=params)

    def samples(self):
        kinds = [ArrayType((), float), ArrayType((3,), float)]
        body = stage_flat(lambda a, c: [c * c * 0.3 + a], kinds, "body")
        keeping, pull, _ = scan_forward_and_backward(body, 1, 1)
        params = {"body": keeping, "pull": pull, "body_consts": 1, "carries": 1}
        args = (box(()).array(), box((3,)).array(), np.ones(3), np.zeros(()))
        return [Sample((np.int64(n), *args), params, smooth=False) for n in (0, 1, 4)]


def _by_scans(count, args, *, body, pull, body_consts, carries):
    """Do the same by two scans, for a number of steps that is known: they can be differentiated again."""
    end = body_consts + carries
    fixed, carry, bars = args[:body_consts], args[body_consts:end], args[end:]
    kept_values = bind_scan(body, fixed, carry, [], count, False)[carries:]
    return bind_scan(pull, fixed, bars, kept_values, count, True)


while_reverse_p = WhileReverse()


def reversed_while(body, count, fixed, carry, bars):
    """Return the cotangents of what the body captures and of the first carry, for a traced number of steps."""
    body = without_effects(body)  # its prints and checks were made when the loop ran first
    keeping, pull, _ = scan_forward_and_backward(body, len(fixed), len(carry))
    sums = [i for i, x in enumerate(fixed) if is_inexact(dtype_of(x))]
    start = [zeros(shape_of(fixed[i]), dtype_of(fixed[i])) for i in sums]
    params = {"body": keeping, "pull": pull, "body_consts": len(fixed), "carries": len(carry)}
    out = iter(bind(while_reverse_p, count, *fixed, *carry, *bars, *start, **params))
    carry_bars = [next(out) if is_inexact(dtype_of(x)) else None for x in carry]
    found = dict(zip(sums, out, strict=True))
    return [*(found.get(i) for i in range(len(fixed))), *carry_bars]
