import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError, ShapeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(16)
A = rng.permutation(12).reshape(3, 4) * 0.3 - 1.5
T = rng.standard_normal((2, 3, 4))
F32 = A.astype(np.float32)
Z = A + 1j * A[::-1]
INTS = np.arange(12).reshape(3, 4) - 4
MASK = A > -0.5
W = rng.uniform(0.5, 2.0, 4)

SIMPLE = ["sum", "prod", "mean", "std", "var", "max", "min", "ptp"]
LAWS = {
    f"{name} {kind}": (lambda m, x, name=name, kw=kw: getattr(m, name)(x, **kw), (x,))
    for name in SIMPLE
    for kind, x, kw in (
        ("all", A, {}),
        ("axis", A, {"axis": 0}),
        ("axes", T, {"axis": (0, -1)}),
        ("keepdims", T, {"axis": 1, "keepdims": True}),
        ("float32", F32, {"axis": 1}),
        ("ints", INTS, {"axis": 1}),
    )
} | {
    f"{name} where": (lambda m, x, name=name: getattr(m, name)(x, axis=1, where=MASK, **({"initial": 0.5} if name in ("max", "min") else {})), (x,))
    for name in ("sum", "prod", "mean", "std", "var", "max", "min")
    for x in (A,)
} | {
    "sum of a number": (lambda m, x: m.sum(x, axis=-1) + m.max(x, axis=0), (A[0, 0],)),
    "sum complex": (lambda m, x: m.sum(x, 0), (Z,)),
    "var complex": (lambda m, x: m.var(x, 0), (Z,)),
    "std complex": (lambda m, x: m.std(x), (Z,)),
    "mean complex": (lambda m, x: m.mean(x, 1), (Z,)),
    "prod complex": (lambda m, x: m.prod(x, 1), (Z,)),
    "sum bools": (lambda m, x: m.sum(x), (MASK,)),
    "sum initial": (lambda m, x: m.sum(x, initial=2.0), (A,)),
    "sum dtype": (lambda m, x: m.sum(x, dtype=np.float32), (F32,)),
    "sum to float": (lambda m, x: m.sum(x, dtype=float), (INTS,)),
    "mean dtype": (lambda m, x: m.mean(x, dtype=float), (F32,)),
    "prod initial": (lambda m, x: m.prod(x, 0, initial=2.0), (A,)),
    "max initial": (lambda m, x: m.max(x, 0, initial=0.25), (A,)),
    "std ddof": (lambda m, x: m.std(x, axis=1, ddof=1), (A,)),
    "var correction": (lambda m, x: m.var(x, axis=0, correction=1), (A,)),
    "var mean": (lambda m, x: m.var(x, axis=0, mean=m.mean(x, axis=0, keepdims=True)), (A,)),
    "amax": (lambda m, x: m.amax(x), (A,)),
    "any": (lambda m, x: (m.any(x > 1, axis=0), m.any(x)), (A,)),
    "all": (lambda m, x: (m.all(x > -9, axis=0, keepdims=True), m.all(x)), (A,)),
    "count_nonzero": (lambda m, x: (m.count_nonzero(x), m.count_nonzero(x, 1, keepdims=True)), (INTS,)),
    "argmax": (lambda m, x: (m.argmax(x), m.argmax(x, 0), m.argmax(x, 1, keepdims=True)), (A,)),
    "argmin": (lambda m, x: (m.argmin(x), m.argmin(x, -1)), (INTS,)),
    "average": (lambda m, x: m.average(x, axis=0), (A,)),
    "average weights": (lambda m, x, w: m.average(x, axis=1, weights=w), (A, W)),
    "average returned": (lambda m, x, w: m.average(x, 1, w, returned=True), (A, W)),
    "average full weights": (lambda m, x, w: m.average(x, weights=w), (A, A**2)),
    "average keepdims": (lambda m, x, w: m.average(x, 1, w, keepdims=True), (A, W)),
    "average ints": (lambda m, x: m.average(x, 0), (INTS,)),
    "cumsum": (lambda m, x: m.cumsum(x), (A,)),
    "cumsum axis": (lambda m, x: m.cumsum(x, axis=1), (T,)),
    "cumsum dtype": (lambda m, x: m.cumsum(x, dtype=float), (INTS,)),
    "cumprod": (lambda m, x: m.cumprod(x, axis=0), (A,)),
    "cumulative_sum": (lambda m, x: m.cumulative_sum(x, axis=1, include_initial=True), (A,)),
    "cumulative_prod": (lambda m, x: m.cumulative_prod(x, axis=0, include_initial=True), (A,)),
    "cumulative_sum vector": (lambda m, x: m.cumulative_sum(x), (W,)),
    "reduce": (lambda m, x: np.add.reduce(x, 0) + np.maximum.reduce(x, 1)[0], (A,)),
    "reduce of others": (lambda m, x: np.hypot.reduce(x, 1), (A,)),
    "accumulate": (lambda m, x: np.maximum.accumulate(x, 1) + np.add.accumulate(x, 0), (A,)),
    "outer method": (lambda m, x: np.subtract.outer(x[0], x[:, 0]), (A,)),
    "reduceat": (lambda m, x: np.add.reduceat(x, [0, 2, 1], axis=1), (A,)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


SPECIAL = {
    "norm at 0": (lambda x: np.linalg.norm(x), np.zeros(2), [0, 0]),
    "norm squared at 0": (lambda x: np.linalg.norm(x) ** 2, np.zeros(2), [0, 0]),
    "max of equals": (np.max, np.ones(2), [0.5, 0.5]),
    "prod with a zero": (np.prod, np.array([2.0, 0.0, 3.0]), [0, 6, 0]),
    "prod with zeros": (np.prod, np.array([0.0, 0.0, 3.0]), [0, 0, 0]),
    "cumprod with a zero": (lambda x: np.sum(np.cumprod(x)), np.array([2.0, 0.0, 3.0]), [1, 8, 0]),
    "std of a constant": (np.std, np.ones(3), [0, 0, 0]),
    "var of a constant": (np.var, np.ones(3), [0, 0, 0]),
    "sqrt of a sum at 0": (lambda x: np.sqrt(np.sum(x**2) + 0.0) * 0.0, np.zeros(2), [0, 0]),
    "maximum at a tie": (lambda x: np.sum(np.maximum(x, 0)), np.zeros(1), [0.5]),
    "abs at 0": (lambda x: np.sum(np.abs(x)), np.zeros(1), [0]),
    "sinc at 0": (lambda x: np.sum(np.sinc(x)), np.zeros(1), [0]),
    "power 0 at 0": (lambda x: np.sum(x**0.0), np.zeros(1), [0]),
    "exp not taken": (lambda x: np.sum(np.where(x <= 0, np.exp(x), 1 + x)), np.array([1000.0]), [1]),
    "log1p exp": (lambda x: np.sum(np.logaddexp(x, 0)), np.array([1000.0]), [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_special_points(name):
    f, x, expected = SPECIAL[name]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fg.grad(f)(x), expected)
        np.testing.assert_array_equal(fg.trace(fg.grad(f))(x)(x), expected)


def test_empty_arrays():
    x = np.zeros((0, 2))
    for f in (lambda m, x: m.sum(x, 0), lambda m, x: m.prod(x, 0), lambda m, x: m.cumsum(x, 0)):
        assert_same(f(fnp, x), f(np, x))
        assert_same(fg.trace(lambda x, f=f: f(np, x))(x)(x), f(np, x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.sum(x, 2), ShapeError, "sum: expected an axis of an array with 2 axes, got axis 2"),
        (lambda m, x: m.sum(x, (0, 0)), ShapeError, "sum: expected each axis once"),
        (lambda m, x: m.max(x[:0]), ShapeError, "max: expected at least one element"),
        (lambda m, x: m.mean(x, 0.5), DTypeError, "mean: expected an integer axis"),
        (lambda m, x: m.sum(x, out=np.zeros(())), DTypeError, "sum: expected no out="),
        (lambda m, x: m.argmax(x[:, :0], 1), ShapeError, "argmax: expected at least one element"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    plain = [] if "out=" in message else [lambda: call(fnp, A)]
    for run in (
        *plain,
        lambda: fg.trace(lambda x: call(fnp, x))(A),
        lambda: fg.vjp(lambda x: call(np, x), A),
    ):
        with pytest.raises(error, match=message):
            run()
