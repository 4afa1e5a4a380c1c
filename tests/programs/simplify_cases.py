"""One program, or several, for each rule of simplification: the function, arguments, and what is left of it."""

from typing import Any

import numpy as np

from funcgrad.core.primitive import primitive_named
from funcgrad.primitives.indexing import Key

__all__ = ["CASES", "COMPLEX", "SPECIAL"]

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.1, -3.0, 5e-324, -5e-324, 1e-310, 1e308, -1e308, np.inf, -np.inf, np.nan]
)
COMPLEX = np.array([complex(a, b) for a in SPECIAL for b in SPECIAL])
SINGLE = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.1, -3.0, 1e-45, -1e-45, 1e-40, 1e38, -1e38, np.inf, -np.inf, np.nan], np.float32
)
INTS = np.array([0, 1, -1, 127, -128, 5], np.int8)
LONGS = np.array([0, 1, -1, 2**63 - 1, -(2**63), 7])
WORDS = np.array([0, 1, 255, 7], np.uint8)
BOOLS = np.array([True, False, True])
ALL, FIRST = slice(None), slice(0, 1)


class _Primitives:
    def __getattr__(self, name: str) -> Any:
        try:
            return primitive_named(name)
        except KeyError:
            raise AttributeError(name) from None


p = _Primitives()

REALS = [SPECIAL, SINGLE]
NUMBERS = [SPECIAL, SINGLE, COMPLEX, INTS, LONGS, WORDS]
WHOLE = [INTS, LONGS, WORDS]
SIGNED = [SPECIAL, SINGLE, INTS, LONGS]


def unary(xs, function, *left):
    return [(function, (x,), left) for x in xs]


def binary(xs, function, *left):
    """On each value with each."""
    return [(function, tuple(g.ravel() for g in np.meshgrid(x, x)), left) for x in xs]


def branches(function, *left):
    condition = np.array([0.0, -0.0, 1.0, np.nan, np.inf])[:, None]
    return [
        (function, (condition, x, x[::-1], np.roll(x, 1)), left) for x in (SPECIAL, SINGLE, COMPLEX, LONGS)
    ]


MATRIX = np.arange(24.0).reshape(2, 3, 4)
ROWS = np.array([[1.0, -0.0, np.nan], [np.inf, 5.0, -2.0]])
_f8, _c16, _f4 = np.dtype(float), np.dtype(complex), np.dtype(np.float32)
_one = {"axes": (1,), "keepdims": False}
_kept = {"axes": (0, 2), "keepdims": True}
_none = {"axes": (), "keepdims": False}
_dot = {"contract": ((1,), (0,)), "batch": ((), ())}


def key(*items):
    return Key(items)


CASES: dict[str, list[tuple[Any, tuple, tuple[str, ...]]]] = {
    "positive": unary(NUMBERS, lambda x: p.positive(x)),
    "times one": [
        *unary([SPECIAL, SINGLE, *WHOLE], lambda x: x * 1),
        *unary(REALS, lambda x: 1.0 * x),
        *unary([SPECIAL], lambda x: x * np.ones(len(SPECIAL))),
        *unary([SINGLE], lambda x: x * np.float32(1)),
    ],
    "times minus one": unary(SIGNED, lambda x: x * -1, "negative"),
    "minus zero": [*unary([*REALS, COMPLEX], lambda x: x - 0.0), *unary(WHOLE, lambda x: x - 0)],
    "plus minus zero": unary(REALS, lambda x: -0.0 + x),
    "plus zero": unary(WHOLE, lambda x: x + 0),
    "by one": unary(REALS, lambda x: x / 1),
    "by minus one": unary(REALS, lambda x: x / -1.0, "negative"),
    "one by": unary(REALS, lambda x: 1 / x, "reciprocal"),
    "double negative": unary(NUMBERS, lambda x: p.negative(-x)),
    "plus negative": [
        *binary([SPECIAL, SINGLE, COMPLEX[:60], *WHOLE], lambda x, y: x + (-y), "subtract"),
        *binary([SPECIAL], lambda x, y: -x + y, "subtract"),
    ],
    "minus negative": binary([SPECIAL, SINGLE, COMPLEX[:60], *WHOLE], lambda x, y: x - (-y), "add"),
    "two negatives": binary([SPECIAL, SINGLE, *WHOLE], lambda x, y: (-x) * (-y), "multiply"),
    "negative by negative": binary(REALS, lambda x, y: (-x) / (-y), "divide"),
    "negative times number": [
        *unary(REALS, lambda x: -x * 0.3, "multiply"),
        *unary(REALS, lambda x: 0 * -x, "multiply"),
    ],
    "negated times number": unary(REALS, lambda x: -(x * 3), "multiply"),
    "negative by number": unary(REALS, lambda x: -x / 3, "divide"),
    "negated by number": unary(REALS, lambda x: -(x / 0.3), "divide"),
    "number by negative": unary(REALS, lambda x: 0.3 / -x, "divide"),
    "number by, negated": unary(REALS, lambda x: -(0 / x), "divide"),
    "times itself": unary([*REALS, *WHOLE], lambda x: x * x, "square"),
    "zeroth power": [
        *unary([*REALS, *WHOLE], lambda x: x**0, "broadcast_to"),
        (lambda x: x**0, (np.float64(np.nan),), ()),
    ],
    "first power": unary([*REALS, *WHOLE], lambda x: x**1),
    "second power": [
        *unary([*REALS, *WHOLE], lambda x: x**2, "square"),
        *unary(REALS, lambda x: x**2.0, "square"),
    ],
    "power minus one": unary(REALS, lambda x: x**-1, "reciprocal"),
    "power one half": unary(REALS, lambda x: x**0.5, "sqrt"),
    "square of negative": unary([*REALS, *WHOLE], lambda x: p.square(-x), "square"),
    "square of absolute": unary([*REALS, *WHOLE], lambda x: p.square(abs(x)), "square"),
    "absolute of negative": unary(SIGNED, lambda x: abs(-x), "absolute"),
    "absolute twice": unary(SIGNED, lambda x: abs(abs(x)), "absolute"),
    "maximum of same": unary([*REALS, *WHOLE, BOOLS], lambda x: p.maximum(x, x)),
    "minimum of same": unary([*REALS, *WHOLE, BOOLS], lambda x: p.minimum(x, x)),
    "maximum with -inf": unary(REALS, lambda x: p.maximum(x, -np.inf)),
    "minimum with inf": unary(REALS, lambda x: p.minimum(x, np.inf)),
    "not not": unary([BOOLS], lambda x: p.logical_not(p.logical_not(x))),
    "and same": unary([BOOLS], lambda x: p.logical_and(x, x)),
    "or same": unary([BOOLS], lambda x: p.logical_or(x, x)),
    "and true": unary([BOOLS], lambda x: p.logical_and(True, x)),
    "or false": unary([BOOLS], lambda x: p.logical_or(x, False)),
    "and false": unary([BOOLS, SPECIAL], lambda x: p.logical_and(x, False), "broadcast_to"),
    "or true": unary([BOOLS, SPECIAL], lambda x: p.logical_or(x, True), "broadcast_to"),
    "bits and same": unary([*WHOLE, BOOLS], lambda x: p.bitwise_and(x, x)),
    "bits or same": unary([*WHOLE, BOOLS], lambda x: p.bitwise_or(x, x)),
    "invert twice": unary([*WHOLE, BOOLS], lambda x: p.invert(p.invert(x))),
    "select by not": branches(lambda c, x, y, z: p.select(p.logical_not(c), x, y), "select"),
    "select twice, first": branches(lambda c, x, y, z: p.select(c, p.select(c, x, y), z), "select"),
    "select twice, second": branches(lambda c, x, y, z: p.select(c, x, p.select(c, y, z)), "select"),
    "conjugate of real": unary([SPECIAL, SINGLE, INTS], lambda x: p.conjugate(x)),
    "conjugate twice": unary([COMPLEX], lambda x: p.conjugate(p.conjugate(x))),
    "by a power of two": [
        *unary(REALS, lambda x: x / 4, "multiply"),
        *unary(REALS, lambda x: x / -0.125, "multiply"),
        *unary([SPECIAL], lambda x: x / 2.0**1020, "multiply"),
    ],
    "select with a known condition": [
        *branches(lambda c, x, y, z: p.select(True, x, y)),
        (lambda x, y: p.select(np.zeros(3, bool), x, y), (1.0, np.arange(3.0)), ()),
        (lambda x, y: p.select(np.array([False]), x, y), (ROWS, np.arange(3.0)), ("broadcast_to",)),
        (lambda x: p.select(False, x, 2), (SPECIAL,), ("broadcast_to",)),
    ],
    "select of the same": branches(lambda c, x, y, z: p.select(c, x, x), "broadcast_to"),
    "guard without need": [
        *unary(REALS, lambda x: p.guarded_multiply(2.0, p.exp(x)), "exp", "multiply"),
        *unary(
            [SPECIAL[:9]], lambda x: p.guarded_multiply(x, np.array([2.0, -1.0])[:, None]), "multiply"
        ),
        *unary(REALS, lambda x: p.guarded_multiply(np.nan, x), "guarded_multiply"),
        (lambda x, n: p.guarded_multiply(x, abs(p.convert(n, dtype=_f8))), (SPECIAL[:6], LONGS),
         ("convert", "absolute", "guarded_multiply")),
        (lambda m, n: p.guarded_multiply(p.convert(m, dtype=_f8), abs(p.convert(n, dtype=_f8))), (LONGS, LONGS),
         ("convert", "convert", "absolute", "multiply")),
        (lambda x, y: p.guarded_multiply(x, p.select(p.less(y, 0), -1.0, 1.0)), (SPECIAL[:9], SPECIAL[-9:]),
         ("less", "select", "multiply")),
    ],
    "operand broadcast without need": [
        (lambda x, y: x + p.broadcast_to(y, shape=(2, 3)), (ROWS, ROWS[0]), ("add",)),
        (lambda x, y: p.reshape(y, shape=(1, 3)) * x, (ROWS, ROWS[1]), ("multiply",)),
        (lambda x, y: p.broadcast_to(x, shape=(2, 3)) - p.broadcast_to(y, shape=(2, 3)), (ROWS[:1], ROWS[:, :1]),
         ("subtract",)),
        (lambda c, x: p.select(c, x, np.zeros(3)), (ROWS > 0, ROWS), ("select",)),
    ],
    "operation on broadcast arrays": [
        (lambda x: x + p.broadcast_to(x, shape=(3, 4)), (ROWS[0].reshape(3, 1),), ("add", "broadcast_to")),
        (lambda x, y: p.broadcast_to(x, shape=(5, 2, 3)) * p.broadcast_to(y, shape=(5, 2, 3)), (ROWS[:1], ROWS[:, :1]),
         ("multiply", "broadcast_to")),
        (lambda x: p.sqrt(p.broadcast_to(x, shape=(2, 3))), (np.float64(2),), ("sqrt", "broadcast_to")),
        (lambda x, y: p.broadcast_to(x, shape=(4,)) - y, (np.float32(0.3), np.float32(-np.inf)),
         ("subtract", "broadcast_to")),
        (lambda: p.broadcast_to(0.25, shape=(4,)) * np.full(4, 2.0), (), ("broadcast_to",)),
    ],
    "reduction of a broadcast array": [
        (lambda x: p.sum(p.broadcast_to(x, shape=(2, 3, 4)), axes=(1,), keepdims=False), (ROWS.reshape(2, 3, 1),), ("sum", "broadcast_to")),
        (lambda x: p.max(p.broadcast_to(x, shape=(4, 2, 3)), axes=(2,), keepdims=True), (ROWS,), ("max", "broadcast_to")),
        (lambda x: p.min(p.broadcast_to(x, shape=(4, 2, 3)), axes=(1, 2), keepdims=False), (ROWS,), ("min", "broadcast_to")),
        (lambda x: p.prod(p.broadcast_to(x, shape=(3, 2, 2)), axes=(0,), keepdims=False), (ROWS[0].reshape(3, 1, 1),), ("prod", "broadcast_to")),
    ],
    "same shape": [
        *unary([ROWS, COMPLEX], lambda x: p.reshape(x, shape=x.shape)),
        *unary([ROWS, INTS], lambda x: p.broadcast_to(x, shape=x.shape)),
    ],
    "reshape of reshape": [
        *unary([ROWS], lambda x: p.reshape(p.reshape(x, shape=(6,)), shape=(3, 2)), "reshape"),
        *unary([ROWS], lambda x: p.reshape(p.reshape(x, shape=(6,)), shape=(2, 3))),
    ],
    "broadcast of broadcast": unary(
        [ROWS[0]], lambda x: p.broadcast_to(p.broadcast_to(x, shape=(2, 3)), shape=(4, 2, 3)), "broadcast_to"
    ),
    "broadcast of new leading axes": unary(
        [ROWS[0]], lambda x: p.broadcast_to(p.reshape(x, shape=(1, 1, 3)), shape=(4, 2, 3)), "broadcast_to"
    ),
    "rearranged number": [
        *unary([np.float64(-0.0)], lambda x: p.reshape(x, shape=(1, 1)), "broadcast_to"),
        *unary([3.0], lambda x: p.transpose(p.broadcast_to(x, shape=(2, 3)), axes=(1, 0)), "broadcast_to"),
        *unary([3.0], lambda x: p.flip(p.broadcast_to(x, shape=(2, 3)), axes=(0,)), "broadcast_to"),
        *unary([np.float64(3)], lambda x: p.index(p.broadcast_to(x, shape=(2, 3)), key=key(1, 0))),
        *unary([3.0], lambda x: p.index(p.broadcast_to(x, shape=(5, 3)), key=key(slice(1, 3), 0)), "broadcast_to"),
    ],
    "converted number": [
        *unary([3.5], lambda x: p.convert(p.broadcast_to(x, shape=(2,)), dtype=_f4), "convert", "broadcast_to"),
        *unary([3.5], lambda x: p.to_integer(p.broadcast_to(x, shape=(2,)), dtype=np.dtype(int)), "to_integer",
               "broadcast_to"),
    ],
    "transpose in order": unary([MATRIX], lambda x: p.transpose(x, axes=(0, 1, 2))),
    "transpose of transpose": [
        *unary([MATRIX], lambda x: p.transpose(p.transpose(x, axes=(1, 2, 0)), axes=(2, 0, 1))),
        *unary([MATRIX], lambda x: p.transpose(p.transpose(x, axes=(1, 2, 0)), axes=(0, 2, 1)), "transpose"),
    ],
    "flip of nothing": [
        *unary([MATRIX[:1]], lambda x: p.flip(x, axes=(0,))),
        *unary([MATRIX[:1]], lambda x: p.flip(x, axes=(0, 1)), "flip"),
        *unary([MATRIX], lambda x: p.flip(x, axes=())),
    ],
    "flip of flip": [
        *unary([MATRIX], lambda x: p.flip(p.flip(x, axes=(0, 2)), axes=(2, 0))),
        *unary([MATRIX], lambda x: p.flip(p.flip(x, axes=(0, 2)), axes=(1, 2)), "flip"),
    ],
    "index of everything": [
        *unary([MATRIX], lambda x: x[...]),
        *unary([MATRIX], lambda x: p.index(x, key=key(slice(0, 2), Ellipsis, slice(0, 9)))),
    ],
    "index of index": [
        *unary([MATRIX], lambda x: x[1][::-1][1:, ::-2], "index"),
        *unary([MATRIX], lambda x: x[:, None, 1][..., 2], "index"),
        *unary([MATRIX], lambda x: x[:, None][:, 0, 1], "index"),
        *unary([MATRIX], lambda x: x[:, None][:, ::-1], "index"),
        *unary([MATRIX], lambda x: x[:, 1:][0, None, :, None][0, -1], "index"),
        *unary([MATRIX], lambda x: x[:, 2:1][0][:, 3:], "index"),
        *unary([MATRIX], lambda x: x[-1, ::2, ::-1][1, 3:0:-2], "index"),
    ],
    "index of what was put there": [
        *unary([ROWS[0]], lambda x: p.index(p.place(x, shape=(4, 3), key=key(2)), key=key(-2, slice(0, 3)))),
        *unary([ROWS[0]], lambda x: p.index(p.place(x, shape=(4, 3), key=key(2)), key=key(1)), "broadcast_to"),
        (lambda x, v: p.index(p.index_update(x, v, key=key(0)), key=key(0)), (ROWS, 2.0), ("broadcast_to",)),
        (lambda x, v: p.index(p.index_update(x, v, key=key(0)), key=key(0)), (ROWS, ROWS[1]), ()),
        (lambda x, v: p.index(p.index_update(x, v, key=key(0)), key=key(1)), (ROWS, ROWS[1]), ("index",)),
        (lambda x: p.index(p.index_update(x, 2.5, key=key(ALL, FIRST)), key=key(ALL, FIRST)), (INTS.reshape(2, 3),),
         ("broadcast_to",)),
        (lambda x, v: p.index(p.index_update(x, v, key=key(ALL, FIRST)), key=key(ALL, slice(2, 0, -1))),
         (ROWS, -1.0), ("index",)),
    ],
    "index of one part": [
        (lambda x, y: p.index(p.concatenate(x, y, axis=0), key=key(slice(3, 1, -1), 1)), (ROWS, ROWS), ("index",)),
        (lambda x, y: p.index(p.concatenate(x, y, axis=0), key=key(slice(0, 2))), (ROWS, ROWS), ()),
        (lambda x, y: p.index(p.concatenate(x, y, axis=1), key=key(None, 0, 4)), (ROWS, ROWS), ("index",)),
    ],
    "gather at numbers": [
        (lambda x: p.gather(x, -1, axes=(1,)), (MATRIX,), ("index",)),
        (lambda x: p.gather(x, np.int64(3), 0, axes=(2, 0)), (MATRIX,), ("index",)),
    ],
    "concatenate of what has elements": [
        (lambda x, y: p.concatenate(x, y, axis=1), (ROWS, ROWS[:, :0]), ()),
        (lambda x, y: p.concatenate(x, y, x, axis=1), (ROWS, ROWS[:, :0]), ("concatenate",)),
    ],
    "concatenate of neighbours": [
        (lambda x: p.concatenate(x[:1], x[1:3], axis=0), (SPECIAL,), ("index",)),
        (lambda x: p.concatenate(x[:5], x[5:], axis=0), (SPECIAL,), ()),
        (lambda x: np.stack([x[2], x[1], x[0]]), (ROWS.T.copy(),), ("index",)),
        (lambda x: np.stack([x[:, 0], x[:, 1], x[:, 2]], 1), (MATRIX,), ()),
        (lambda x: np.stack([x[:, 0], x[:, 1], x[:, 2]], 0), (MATRIX,), ("index",) * 3 + ("reshape",) * 3 + ("concatenate",)),
        (lambda x: np.stack([x[0, 1], x[0, 3]]), (ROWS.reshape(1, -1),), ("index",)),
        (lambda x: np.stack([x[0, 1], x[1, 1]]), (ROWS,), ("index",)),
        (lambda x: np.stack([x[1, :, 3], x[1, :, 1]], -1), (MATRIX,), ("index",)),
        (lambda x: p.concatenate(x[:, 1:2], x[:, 2:], x[:, :1], axis=1), (ROWS,), ("index", "index", "concatenate")),
        (lambda x: p.concatenate(x[::2], x[3:4], axis=0), (INTS,), ("index", "index", "concatenate")),
        (lambda x: p.concatenate(x[::2], x[6:7], x[7:9], axis=0), (SPECIAL,), ("index", "index", "concatenate")),
        (lambda x: p.concatenate(x[4:1:-1], x[1::-1], axis=0), (SPECIAL,), ("index",)),
    ],
    "update of everything": [
        (lambda x, y: p.index_update(x, y, key=key(Ellipsis)), (ROWS, ROWS[::-1]), ()),
        (lambda x, y: p.index_update(x, y, key=key(ALL)), (ROWS, ROWS[0]), ("broadcast_to",)),
    ],
    "convert to the same": [
        *unary([SINGLE], lambda x: p.convert(x, dtype=_f4)),
        *unary([LONGS], lambda x: p.to_integer(x, dtype=np.dtype(int))),
    ],
    "convert of convert": [
        *unary([SINGLE], lambda x: p.convert(p.convert(x, dtype=_f8), dtype=_f4)),
        *unary([INTS], lambda x: p.convert(p.convert(x, dtype=_f8), dtype=_f4), "convert"),
        *unary([SPECIAL], lambda x: p.convert(p.convert(x, dtype=_c16), dtype=_f8)),
        *unary([SINGLE], lambda x: p.convert(p.convert(x, dtype=_c16), dtype=_f8), "convert"),
        *unary([INTS], lambda x: p.to_integer(p.convert(x, dtype=_f8), dtype=INTS.dtype)),
        *unary([BOOLS], lambda x: p.to_integer(p.convert(x, dtype=_f8), dtype=BOOLS.dtype)),
    ],
    "real part": [
        *unary([SPECIAL, SINGLE], lambda x: p.real(x)),
        *unary([COMPLEX], lambda x: p.real(p.conjugate(x)), "real"),
        *unary([SPECIAL], lambda x: p.real(p.conjugate(p.convert(x, dtype=_c16)))),
        *unary([LONGS], lambda x: p.real(p.convert(x, dtype=_c16)), "convert"),
    ],
    "sum of one": [
        *unary([SPECIAL[:, None], SINGLE[:, None], COMPLEX[:, None]], lambda x: p.sum(x, **_one), "add", "reshape"),
        *unary([LONGS[:, None]], lambda x: p.sum(x, **_one), "reshape"),
        *unary([SPECIAL[None, :, None], COMPLEX[None, :, None]], lambda x: p.sum(x, **_kept), "add"),
        *unary([SPECIAL, ROWS, ROWS[:1]], lambda x: p.sum(x, **_none), "add"),
        *unary([LONGS], lambda x: p.sum(x, **_none)),
    ],
    "reduction of one": [
        *unary([SPECIAL[:, None], SINGLE[:, None], LONGS[:, None]], lambda x: p.prod(x, **_one), "reshape"),
        *unary([SPECIAL[None, :, None]], lambda x: p.max(x, **_kept)),
        *unary([SPECIAL, SINGLE, LONGS], lambda x: p.min(x, **_none)),
        *unary([BOOLS[:, None]], lambda x: p.any(x, **_one), "reshape"),
        *unary([BOOLS], lambda x: p.all(x, **_none)),
    ],
    "product of transpose": [
        (lambda x, y: p.dot(p.transpose(x, axes=(1, 0)), y, **_dot), (ROWS, np.ones((2, 4)) / 3), ("dot",)),
        (lambda x, y: p.dot(x, p.transpose(y, axes=(1, 0)), **_dot), (ROWS, ROWS[::-1].copy()), ("dot",)),
        (lambda x, y: p.dot(p.transpose(x, axes=(1, 0)), y, **_dot), (ROWS, np.arange(2.0)), ("dot",)),
        (
            lambda x, y: p.dot(p.transpose(x, axes=(2, 0, 1)), y, contract=((0,), (0,)), batch=((1,), (1,))),
            (MATRIX, np.arange(8.0).reshape(4, 2)),
            ("dot",),
        ),
        (lambda x, y: p.dot(p.transpose(x, axes=(2, 1, 0)), y, contract=((0,), (0,)), batch=((), ())),
         (MATRIX, np.ones(4)), ("transpose", "dot")),
    ],
}  # fmt: skip
