"""while_loop and fori_loop: loops whose number of steps is found on the way, or given."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import check_carry, leaves_of, stage_body, strong, typed
from funcgrad.control.eager_jit import called_natively, worth_compiling
from funcgrad.control.scan_primitive import bind_scan, with_tangents
from funcgrad.control.scanning import check_length, scan_for
from funcgrad.control.sequential_batching import one_by_one, shows
from funcgrad.control.while_reverse import reversed_while
from funcgrad.core.check import check_body, check_number
from funcgrad.core.dataflow import carried
from funcgrad.core.interpret import replaced, run
from funcgrad.core.parts import flat_parts, grouped, width
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program, has_effect
from funcgrad.core.staging import name_of, stage_flat
from funcgrad.core.tracer import bind, concrete, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, fits, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.selection import where
from funcgrad.numpy.shaping import broadcast_to
from funcgrad.programs.batch import batched_program
from funcgrad.programs.complex_split import with_parts
from funcgrad.programs.dataflow import activity, depends_on
from funcgrad.programs.memo import memoized
from funcgrad.programs.trim import trimmed_while
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear
from funcgrad.transforms.vjp import vjp

__all__ = ["fori_loop", "while_loop", "while_p"]

# After how many iterations one by one it is considered whether to go on as native code.
TRIAL_ITERATIONS = 64


class While(Primitive):
    """While cond(cond_consts, carry): carry = body(body_consts, carry). The results are the carry.

    Arguments are what the condition captures, what the body captures, and the carry.
    """

    name = "while"
    repeats = True
    multiple = True
    may_not_end = True
    residuals_in_reverse_only = True

    def type_rule(self, *types, cond, body, cond_consts, body_consts):
        check_number("while", "cond_consts", cond_consts, len(types))
        check_number("while", "body_consts", body_consts, len(types) - cond_consts)
        first, carry = types[:cond_consts], types[cond_consts + body_consts :]
        check_body("while", cond, [*first, *carry], [ArrayType((), bool)])
        return check_body("while", body, types[cond_consts:], carry)

    def eval_rule(self, *args, cond, body, cond_consts, body_consts):
        mine, fixed = args[:cond_consts], args[cond_consts : cond_consts + body_consts]
        carry = list(args[cond_consts + body_consts :])
        count = 0
        while bool(run(cond, [*mine, *carry])[0]):
            carry = run(body, [*fixed, *carry])
            count += 1
            if count == TRIAL_ITERATIONS and worth_compiling(1, 1 << 20, args):
                params = {"cond": cond, "body": body, "cond_consts": cond_consts, "body_consts": body_consts}
                return called_natively(self, [*mine, *fixed, *carry], params)
        return tuple(np.array(x)[()] for x in carry)

    def pushforward_rule(self, x_dots, *args, cond, body, cond_consts, body_consts):
        mine, rest, dots = args[:cond_consts], args[cond_consts:], x_dots[cond_consts:]
        carries = len(rest) - body_consts
        given = [d is not None and is_inexact(dtype_of(x)) for d, x in zip(dots, rest, strict=True)]
        active, _ = carried(activity, body, body_consts, carries, given)
        both = with_tangents(body, body_consts, carries, active)
        found = [as_derivative(d, x) for d, x, a in zip(dots, rest, active, strict=True) if a]
        fixed = sum(active[:body_consts])
        more = [type_of(rest[i]).strong() for i in range(body_consts, len(rest)) if active[i]]
        wide_cond = _with_unread(cond, more)
        out = bind(
            self,
            *mine,
            *rest[:body_consts],
            *found[:fixed],
            *rest[body_consts:],
            *found[fixed:],
            cond=wide_cond,
            body=both,
            cond_consts=cond_consts,
            body_consts=body_consts + fixed,
        )
        tangents = iter(out[carries:])
        return out[:carries], tuple(next(tangents) if a else None for a in active[body_consts:])

    def activity_rule(self, active, *, cond, body, cond_consts, body_consts):
        given, _ = carried(activity, body, body_consts, len(body.outputs), active[cond_consts:])
        return given[body_consts:]

    def linear_rule(self, given, *types, cond, body, cond_consts, body_consts):
        active, _ = carried(activity, body, body_consts, len(body.outputs), given[cond_consts:])
        asked = (*given[:cond_consts], *active[body_consts:])
        return is_linear(body, active) and not any(depends_on(cond, asked))

    def forward_rule(self, *args, cond, body, cond_consts, body_consts):
        counting, counted = _counting(cond, body, cond_consts, body_consts)
        out = bind(
            self,
            *args,
            np.int64(0),
            cond=counting,
            body=counted,
            cond_consts=cond_consts,
            body_consts=body_consts,
        )
        return tuple(out[:-1]), (out[-1], [type_of(y).strong() for y in out[:-1]])

    def result_types(self, saved, *args, **params):
        return saved[1]

    def vjp_rule(self, needs, y_bars, saved, *args, cond, body, cond_consts, body_consts):
        count = saved[0]
        fixed, carry = args[cond_consts : cond_consts + body_consts], args[cond_consts + body_consts :]
        bars = [as_derivative(b, t) for b, t in zip(y_bars, saved[1], strict=True) if is_inexact(t.dtype)]
        wanted = [
            bool(n) and is_inexact(dtype_of(x))
            for n, x in zip(needs[cond_consts:], args[cond_consts:], strict=True)
        ]
        if is_concrete(count):
            found = _by_scan(body, int(concrete(count)), fixed, carry, bars)
        else:
            found = reversed_while(body, count, fixed, carry, bars)
        return [*(None,) * cond_consts, *(x if want else None for x, want in zip(found, wanted, strict=True))]

    def trim_rule(self, wanted, *, cond, body, cond_consts, body_consts):
        return trimmed_while(body, cond, wanted, cond_consts, body_consts)

    def parts_rule(self, *args, cond, body, cond_consts, body_consts):
        mine, fixed = args[:cond_consts], args[cond_consts : cond_consts + body_consts]
        out = bind(
            self,
            *flat_parts(args),
            cond=with_parts(cond),
            body=with_parts(body),
            cond_consts=width(mine),
            body_consts=width(fixed),
        )
        return grouped(out, body.out_types)

    def batch_rule(self, size, batched, *args, cond, body, cond_consts, body_consts):
        mine, fixed = args[:cond_consts], args[cond_consts : cond_consts + body_consts]
        mine_b = tuple(map(bool, batched[:cond_consts]))
        fixed_b = tuple(map(bool, batched[cond_consts : cond_consts + body_consts]))
        carry, carry_b = args[cond_consts + body_consts :], batched[cond_consts + body_consts :]
        flags, _ = carried(depends_on, body, body_consts, len(carry), batched[cond_consts:])
        stay = flags[body_consts:]
        alike = not any(depends_on(cond, (*mine_b, *stay)))  # all examples go on, or none does
        if (not alike and (shows(cond) or shows(body))) or any(
            map(has_effect, (*cond.equations, *body.equations))
        ):
            params = {"cond": cond, "body": body, "cond_consts": cond_consts, "body_consts": body_consts}
            return one_by_one(self, size, batched, args, params), True
        carry = [
            broadcast_to(x, (size, *shape_of(x))) if not b and (wide or not alike) else x
            for x, b, wide in zip(carry, carry_b, stay, strict=True)
        ]
        if alike:
            out = bind(
                self, *mine, *fixed, *carry, cond=batched_program(cond, size, (*mine_b, *stay), (False,)),
                body=batched_program(body, size, flags, stay), cond_consts=cond_consts, body_consts=body_consts,
            )  # fmt: skip
            return tuple(out), stay
        wide_cond, wide_body = _batched_loop(cond, body, size, mine_b, fixed_b)
        out = bind(
            self,
            *mine,
            *mine,
            *fixed,
            *carry,
            cond=wide_cond,
            body=wide_body,
            cond_consts=cond_consts,
            body_consts=cond_consts + body_consts,
        )
        return tuple(out), True

    def lower_rule(self, lower, out, *args, cond, body, cond_consts, body_consts):
        params = {"cond_consts": cond_consts, "body_consts": body_consts}
        return lower.control("while", (cond, body), out, args, spares=out, params=params)

    def samples(self):
        kinds = [ArrayType((), float), ArrayType((3,), float)]
        cond = stage_flat(lambda c: [np.sum(c * c) < 50.0], kinds[1:], "cond")
        body = stage_flat(lambda a, c: [c * 1.7 + a], kinds, "body")
        params = {"cond": cond, "body": body, "cond_consts": 0, "body_consts": 1}
        return [Sample((box((), 0.1, 0.3).array(), box((3,), 0.5, 1.0).array()), params)]


while_p = While()


def _with_unread(program: Program, types: list[ArrayType]) -> Program:
    """Return a condition that takes further parts of the carry, unread."""
    return stage_flat(
        lambda *xs: run(program, xs[: len(program.inputs)]), [*program.in_types, *types], program.name
    )


@memoized
def _counting(cond: Program, body: Program, cond_consts: int, body_consts: int) -> tuple[Program, Program]:
    """Return condition and body of the loop that counts its steps as well."""
    number = ArrayType((), np.int64)
    counted = stage_flat(lambda *xs: [*run(body, xs[:-1]), xs[-1] + 1], [*body.in_types, number], body.name)
    return _with_unread(cond, [number]), counted


@memoized
def _batched_loop(
    cond: Program, body: Program, size: int, mine: tuple, fixed: tuple
) -> tuple[Program, Program]:
    """Return the loop of several examples: it runs until all are done, and those that are stay as they are."""
    carries = len(cond.inputs) - len(mine)
    alive = batched_program(cond, size, (*mine, *(True,) * carries))
    step = batched_program(body, size, (*fixed, *(True,) * carries))

    def going(*xs):
        return [np.any(run(alive, xs)[0])]

    def stepped(*flat):
        conds, rest = flat[: len(mine)], flat[len(mine) :]
        carry = rest[len(fixed) :]
        still = run(alive, [*conds, *carry])[0]
        # The body runs on what examples that are done have reached: where its derivative there is not finite,
        # the one that was not chosen counts as zero.
        new = run(step, rest)
        return [
            where(still.reshape((size, *(1,) * (len(shape_of(y)) - 1))), y, x)
            for x, y in zip(carry, new, strict=True)
        ]

    cond_types = [
        ArrayType((size, *t.shape), t.dtype) if b else t
        for t, b in zip(cond.in_types, (*mine, *(True,) * carries), strict=True)
    ]
    body_types = [
        ArrayType((size, *t.shape), t.dtype) if b else t
        for t, b in zip(body.in_types, (*fixed, *(True,) * carries), strict=True)
    ]
    return (
        stage_flat(going, cond_types, cond.name),
        stage_flat(stepped, [*cond_types[: len(mine)], *body_types], body.name),
    )


def _by_scan(body, count, fixed, carry, bars):
    """Return the cotangents of what the body captures and of the first carry, by a scan of as many steps."""
    places = [i for i, x in enumerate((*fixed, *carry)) if is_inexact(dtype_of(x))]

    def function(*changing):
        args = replaced([*fixed, *carry], places, changing)
        out = bind_scan(body, args[: len(fixed)], args[len(fixed) :], [], count, False)
        return [y for y in out if is_inexact(dtype_of(y))]

    everything = [*fixed, *carry]
    found = dict(zip(places, vjp(function, *(everything[i] for i in places))[1](bars), strict=True))
    return [found.get(i) for i in range(len(everything))]


def while_loop(cond_fun: Callable, body_fun: Callable, init: Any) -> Any:
    """Run `carry = body_fun(carry)` as long as `cond_fun(carry)` is true; return the last carry.

    Args:
        cond_fun: gives one boolean.
        body_fun: gives the next carry, in the same containers, shapes and dtypes.
        init: the first carry, arrays in any containers.

    Raises:
        TreeError, ShapeError, DTypeError: when the carry changes, or the condition is not one boolean.

    Derivative: in both directions, of what the loop computed; the number of steps counts as fixed. In reverse
    mode the loop is run once more, what its way back reads kept, and then gone through backward. Inside jit, or
    another loop, a reverse derivative of a while_loop has forward derivatives (`hvp`), and no reverse derivative
    itself: use fori_loop or scan there. Outside it has both.

    >>> import funcgrad as fg
    >>> def newton(a):
    ...     return fg.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)
    >>> round(float(fg.grad(newton)(2.0)), 6)
    0.353553
    """
    owner = f"while_loop of {name_of(body_fun)}" if name_of(body_fun) != "lambda" else "while_loop"
    carry, types, treedef = leaves_of(init, owner, "init")
    one = tree.structure((tree.unflatten(treedef, carry),))
    kinds = types
    body = stage_body(body_fun, one, kinds, owner)
    if any(t.weak for t in types) and body.out_tree == treedef:
        # A Python number takes the dtype the body gives it.
        kinds = [
            out.strong() if t.weak and t.shape == out.shape else t.strong()
            for t, out in zip(types, body.program.out_types, strict=True)
        ]
        body = stage_body(body_fun, one, kinds, owner)
    check_carry(owner, "carry", kinds, treedef, strong(body.program.out_types), body.out_tree)
    cond = stage_body(cond_fun, one, kinds, owner)
    result = cond.program.out_types
    if len(result) != 1 or result[0].shape or result[0].dtype.kind != "b":
        found = ", ".join(map(str, result))
        raise DTypeError(
            f"{owner}: expected a condition that is one boolean, got {found}.",
            hint="reduce it with .any() or .all(), or compare: x != 0.",
        )
    flat = [typed(x, t) for x, t in zip(carry, kinds, strict=True)]
    out = bind(
        while_p,
        *cond.consts,
        *body.consts,
        *flat,
        cond=cond.program,
        body=body.program,
        cond_consts=len(cond.consts),
        body_consts=len(body.consts),
    )
    return tree.unflatten(treedef, out)


def fori_loop(lower: Any, upper: Any, body_fun: Callable, init: Any) -> Any:
    """Run `carry = body_fun(i, carry)` for i from `lower` up to `upper`; return the last carry.

    Args:
        lower, upper: whole numbers. Where both are known now it is a `scan`, which differentiates to any order
            and in every transformation; else it is a `while_loop`.
        body_fun, init: as in `while_loop`.

    >>> import funcgrad as fg
    >>> fg.grad(lambda x: fg.fori_loop(0, 3, lambda i, c: c * x, 1.0))(2.0)
    np.float64(12.0)
    """
    for name, bound in (("lower", lower), ("upper", upper)):
        if type_of(bound).shape or type_of(bound).dtype.kind not in "iu":
            raise DTypeError(
                f"fori_loop: expected bounds that are whole numbers, got {name}: {type_of(bound)}."
            )
    if is_concrete(lower) and is_concrete(upper):
        first, last = int(concrete(lower)), int(concrete(upper))
        length = check_length("fori_loop", max(last - first, 0))
        if not fits(first, np.dtype(np.int64)) or not fits(last, np.dtype(np.int64)):
            raise ShapeError(f"fori_loop: expected bounds within 64 bits, got {first} and {last}.")
        step = _numbered(body_fun, init)
        out = scan_for("fori_loop", lambda c, _: (step(c), None), (np.int64(first), init), None, length)
        return out[0][1]
    start = (lower + upper * 0, init)
    return while_loop(lambda c: c[0] < upper, _numbered(body_fun, init), start)[1]


def _numbered(body_fun: Callable, init: Any) -> Callable:
    """Return a body of (i, carry), which refuses in the words of fori_loop a carry that changes its type."""
    _, types, treedef = leaves_of(init, "fori_loop", "init")

    def step(state):
        i, carry = state
        out = body_fun(i, carry)
        _, found, out_tree = leaves_of(out, "fori_loop", "carry")
        # A Python number takes the dtype the body gives it.
        given = [b if a.weak and a.shape == b.shape else a for a, b in zip(types, found, strict=False)]
        check_carry(
            "fori_loop", "carry", given if out_tree == treedef else types, treedef, strong(found), out_tree
        )
        return i + 1, out

    return step
