"""scan against the Python loop, under every transformation and on every backend."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.errors import DTypeError, ShapeError, TreeError

XS = np.random.default_rng(0).standard_normal((7, 3))
BACKENDS = {
    "eager": lambda f: f,
    "native": fg.jit,
    "numpy": lambda f: fg.jit(f, backend="numpy"),
    "staged": lambda f: lambda *args: fg.trace(f)(*args)(*args),
}
KINDS = [
    {},
    {"reverse": True},
    {"unroll": 3},
    {"checkpoint": "sqrt"},
    {"checkpoint": 3, "reverse": True},
    {"memory_limit": 600},
]


def step(w, carry, x):
    h, n = carry
    new = fnp.tanh(w * h + x)
    return (new, n + 1), {"y": h * x, "n": n}


def scanned(w, h, xs, **kinds):
    (h, n), ys = fg.scan(lambda c, x: step(w, c, x), (h, 0), xs, **kinds)
    return fnp.sum(h) + n + fnp.sum(ys["y"] ** 2) + fnp.sum(ys["n"] * ys["y"][:, 0])


def looped(w, h, xs, reverse=False, **_):
    n, total, rows = 0, 0.0, []
    for x in xs[::-1] if reverse else xs:
        (h_new, n_new), y = step(w, (h, n), x)
        rows.append(y)
        h, n = h_new, n_new
    for y in rows:
        total = total + fnp.sum(y["y"] ** 2) + y["n"] * y["y"][0]
    return fnp.sum(h) + n + total


ARGS = (0.7, np.array([0.1, -0.2, 0.3]), XS)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kinds", KINDS, ids=str)
def test_value_and_derivatives_are_the_loops(backend, kinds):
    run = BACKENDS[backend]

    def f(*args):
        return scanned(*args, **kinds)

    def g(*args):
        return looped(*args, **kinds)

    np.testing.assert_allclose(run(f)(*ARGS), g(*ARGS), rtol=1e-12)
    for got, want in zip(
        run(fg.grad(f, argnums=(0, 1, 2)))(*ARGS), fg.grad(g, argnums=(0, 1, 2))(*ARGS), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    dots = tuple(np.ones_like(a) for a in ARGS)
    got = run(lambda *a: fg.jvp(f, a, dots)[1])(*ARGS)
    np.testing.assert_allclose(got, fg.jvp(g, ARGS, dots)[1], rtol=1e-9)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_second_derivatives(backend):
    run = BACKENDS[backend]
    got = run(fg.hessian(lambda h: scanned(0.7, h, XS)))(ARGS[1])
    np.testing.assert_allclose(got, fg.hessian(lambda h: looped(0.7, h, XS))(ARGS[1]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", ["eager", "native"])
@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 1)])
def test_vmap_is_a_loop_over_examples(backend, axes):
    rng = np.random.default_rng(1)
    args = [
        np.stack([a + rng.standard_normal(np.shape(a)) for _ in range(4)], axis=ax) if ax is not None else a
        for a, ax in zip(ARGS, axes, strict=True)
    ]
    for f in (scanned, fg.grad(scanned)):
        got = BACKENDS[backend](fg.vmap(f, in_axes=axes))(*args)
        for i in range(4):
            one = [np.take(a, i, axis=ax) if ax is not None else a for a, ax in zip(args, axes, strict=True)]
            np.testing.assert_allclose(got[i], f(*one), rtol=1e-9)


@pytest.mark.parametrize("backend", ["eager", "native"])
@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_short_loops(backend, length):
    f = BACKENDS[backend](lambda c: fg.scan(lambda c, _: (c * 2, c), c, length=length))
    carry, ys = f(1.5)
    assert carry == 1.5 * 2**length
    np.testing.assert_array_equal(ys, 1.5 * 2.0 ** np.arange(length))


def test_a_python_number_takes_the_bodys_dtype():
    xs = XS.astype(np.float32)[:, 0]
    carry, ys = fg.scan(lambda c, x: (c + x, c), 0.0, xs)
    assert carry.dtype == ys.dtype == np.float32


def test_large_loops_run_natively_and_agree():
    f = lambda a: fg.scan(lambda c, _: (fnp.sin(c * a), None), a, length=20_000)[0]
    c = 1.1
    for _ in range(20_000):
        c = np.sin(c * 1.1)
    assert f(1.1) == pytest.approx(c, rel=1e-9)


def test_the_derivative_keeps_what_it_needs_and_no_more():
    def f(w):
        return fg.scan(lambda c, x: (c + w * x, None), np.zeros(3), XS)[0].sum()

    assert fg.residuals(f)(2.0).nbytes == 0  # linear: nothing but the inputs, which are there
    long = np.zeros((1000, 3))

    def g(w, **kinds):
        return fg.scan(lambda c, x: (fnp.tanh(w * c + x), None), np.ones(3), long, **kinds)[0].sum()

    whole = fg.residuals(g)(0.5).nbytes
    assert whole >= 1000 * 24
    assert fg.residuals(lambda w: g(w, checkpoint="sqrt"))(0.5).nbytes <= 64 * 24
    assert fg.residuals(lambda w: g(w, memory_limit=4000))(0.5).nbytes <= 4000


def test_what_does_not_change_is_computed_before_the_loop():
    def f(w):
        return fg.scan(lambda c, x: (c * np.sum(np.exp(w)), None), 1.0, length=5)[0]

    text = str(fg.trace(f)(np.ones(4)))
    assert text.index("exp") < text.index("scan")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fg.scan(lambda c, x: (c, x), 0.0), ShapeError, "expected xs or a length"),
        (lambda: fg.scan(lambda c, x: (c, x), 0.0, length=-1), ShapeError, "whole number from 0 up"),
        (lambda: fg.scan(lambda c, x: (c, x), 0.0, np.ones(3), length=4), ShapeError, "one length"),
        (
            lambda: fg.scan(lambda c, x: (c, x), 0.0, {"a": np.ones(3), "b": np.ones(4)}),
            ShapeError,
            r"xs\['b'\]",
        ),
        (lambda: fg.scan(lambda c, x: (c, x), 0.0, 1.0), ShapeError, "first axis"),
        (lambda: fg.scan(lambda c, x: c, 0.0, np.ones(3)), TreeError, r"\(carry, y\)"),
        (
            lambda: fg.scan(lambda c, x: ((c, c), x), 0.0, np.ones(3)),
            TreeError,
            "in the containers it was given",
        ),
        (
            lambda: fg.scan(lambda c, x: ({"a": fnp.ones(2)}, x), {"a": np.ones(3)}, np.ones(3)),
            ShapeError,
            r"carry\['a'\]",
        ),
        (lambda: fg.scan(lambda c, x: (c * 1j, x), np.ones(2), np.ones(3)), DTypeError, "in the dtypes"),
        (lambda: fg.scan(lambda c, x: (c, "a"), 0.0, np.ones(3)), DTypeError, "arrays or numbers"),
        (
            lambda: fg.scan(lambda c, x: (c, x), 0.0, np.ones(3), checkpoint=0),
            ShapeError,
            "number of segments",
        ),
        (
            lambda: fg.scan(lambda c, x: (c, x), 0.0, np.ones(3), checkpoint=1, memory_limit=9),
            ShapeError,
            "both",
        ),
        (lambda: fg.scan(lambda c, x: (c, x), 0.0, np.ones(3), unroll=0), ShapeError, "unroll"),
        (lambda: fg.scan(lambda c, x: (c, x), 0.0, np.ones(3), unroll=1.5), ShapeError, "unroll"),
        (lambda: fg.scan(lambda c, x: (c, x), 0.0, np.ones(3), memory_limit="1 GB"), DTypeError, "bytes"),
        (lambda: fg.associative_scan(np.add, np.ones((2, 3)), axis=2), ShapeError, "along axis 2"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 11])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("backend", ["eager", "native"])
def test_associative_scan_is_the_running_combination(n, reverse, backend):
    x = np.random.default_rng(n).standard_normal((2, n))
    f = BACKENDS[backend](lambda x: fg.associative_scan(np.add, x, axis=1, reverse=reverse))
    want = np.cumsum(x[:, ::-1], 1)[:, ::-1] if reverse else np.cumsum(x, 1)
    np.testing.assert_allclose(f(x), want, rtol=1e-12)


@pytest.mark.parametrize(
    "memory", [{"checkpoint": 1}, {"checkpoint": 4}, {"checkpoint": "sqrt"}, {"memory_limit": 8}]
)
def test_a_scan_of_nothing_has_no_segments(memory):
    f = lambda c, x: fg.scan(lambda c, x: (c * x, c), c, x, **memory)
    last, ys = f(2.0, np.ones(0))
    assert last == 2.0
    assert ys.shape == (0,)
    assert fg.grad(lambda c: f(c, np.ones(0))[0])(2.0) == 1.0


def test_associative_scan_of_matrices_does_not_commute():
    x = np.random.default_rng(0).standard_normal((6, 2, 2))
    got = fg.associative_scan(lambda a, b: fnp.matmul(a, b), x)
    want = x[0]
    for k in range(1, 6):
        want = want @ x[k]
        np.testing.assert_allclose(got[k], want, rtol=1e-10)
    with pytest.raises(ShapeError, match="one length"):
        fg.associative_scan(np.add, (np.ones(3), np.ones(4)))


def test_map_goes_one_by_one():
    np.testing.assert_array_equal(fg.control.map(lambda x: x**2, np.arange(3.0)), [0, 1, 4])
    np.testing.assert_allclose(fg.grad(lambda x: fg.control.map(np.sin, x).sum())(XS), np.cos(XS))


@pytest.mark.parametrize("size", [0, 1, 8, 9, 40])
@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_carries_of_any_size_may_change_places(size, length):
    # Small carries live on the stack, and large ones go back and forth between two buffers.
    a, b = np.arange(float(size)), -np.ones(size)

    def swap(c):
        return (c[1], c[0] + c[2], c[2] + 1, ~c[3])

    want = (a, b, 0.5, True)
    for _ in range(length):
        want = (want[1], want[0] + want[2], want[2] + 1, not want[3])
    start = (a, b, 0.5, np.True_)
    scanned = fg.jit(lambda *c: fg.scan(lambda c, _: (swap(c), c[0]), c, None, length)[0])(*start)
    looped = fg.jit(
        lambda *c: fg.while_loop(lambda s: s[0] < length, lambda s: (s[0] + 1, swap(s[1])), (0, c))[1]
    )(*start)
    for got in (scanned, looped):
        for x, y in zip(got, want, strict=True):
            np.testing.assert_array_equal(x, y)
    slope = fg.jit(
        fg.grad(lambda *c: (fg.scan(lambda c, _: (swap(c), None), c, None, length)[0][1] ** 2).sum())
    )
    np.testing.assert_array_equal(slope(*start), 2 * want[1] if length % 2 else 0 * a)
