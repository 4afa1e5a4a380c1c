"""while_loop, fori_loop, cond, switch and checkpoint against plain Python, under every transformation."""

import threading

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.errors import AxisNameError, DerivativeError, DTypeError, ShapeError, TreeError

BACKENDS = {"eager": lambda f: f, "native": fg.jit, "numpy": lambda f: fg.jit(f, backend="numpy")}


def newton(a):
    return fg.while_loop(lambda x: abs(x * x - a) > 1e-12 * a, lambda x: (x + a / x) / 2, a)


def growing(w, x):
    """A loop whose number of steps depends on the data."""
    return fnp.sum(fg.while_loop(lambda c: fnp.sum(c * c) < 50.0, lambda c: c * 1.3 + w * fnp.sin(c), x))


def growing_python(w, x):
    while np.sum(x * x) < 50.0:
        x = x * 1.3 + w * np.sin(x)
    return np.sum(x)


X = np.array([0.5, 1.0, -0.3])


@pytest.mark.parametrize("backend", BACKENDS)
def test_while_in_both_directions(backend):
    run = BACKENDS[backend]
    assert run(newton)(2.0) == pytest.approx(2**0.5, rel=1e-15)
    assert run(fg.grad(newton))(2.0) == pytest.approx(0.5 / 2**0.5, rel=1e-12)
    assert run(lambda a: fg.jvp(newton, (a,), (1.0,))[1])(2.0) == pytest.approx(0.5 / 2**0.5, rel=1e-12)
    assert fg.grad(run(newton))(2.0) == pytest.approx(0.5 / 2**0.5, rel=1e-12)
    for argnums in (0, 1):
        got = run(fg.grad(growing, argnums=argnums))(0.2, X)
        np.testing.assert_allclose(got, fg.grad(growing_python, argnums=argnums)(0.2, X), rtol=1e-10)
    forward = run(lambda a: fg.jvp(fg.grad(newton), (a,), (1.0,))[1])
    assert forward(2.0) == pytest.approx(-0.25 * 2**-1.5, rel=1e-9)


def test_second_derivatives_of_while_outside_of_jit():
    assert fg.grad(fg.grad(newton))(2.0) == pytest.approx(-0.25 * 2**-1.5, rel=1e-9)
    np.testing.assert_allclose(
        fg.hessian(lambda x: growing(0.2, x))(X),
        fg.hessian(lambda x: growing_python(0.2, x))(X),
        rtol=1e-8,
        atol=1e-9,
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_forward_derivatives_of_reverse_ones_of_while(backend):
    run = BACKENDS[backend]
    got = run(fg.hessian(growing, argnums=(0, 1)))(0.2, X)
    want = fg.hessian(growing_python, argnums=(0, 1))(0.2, X)
    for i, j in np.ndindex(2, 2):
        np.testing.assert_allclose(got[i][j], want[i][j], rtol=1e-8)
    third = run(fg.jacfwd(fg.hessian(growing)))(0.2, X)
    assert third == pytest.approx(fg.jacfwd(fg.hessian(growing_python))(0.2, X), rel=1e-8)
    np.testing.assert_allclose(
        run(fg.vmap(fg.hessian(newton)))(np.array([2.0, 9.0])), -0.25 * np.array([2.0, 9.0]) ** -1.5
    )

    def inside(a):
        return fg.scan(lambda c, x: (newton(c + x), None), a, np.ones(3))[0]

    want = (fg.grad(inside)(2.0 + 1e-5) - fg.grad(inside)(2.0 - 1e-5)) / 2e-5
    assert run(lambda a: fg.hvp(inside, (a,), (1.0,)))(2.0) == pytest.approx(want, rel=1e-5)


def test_a_second_reverse_derivative_of_a_staged_while_is_told():
    with pytest.raises(DerivativeError, match="hvp"):
        fg.jit(fg.grad(fg.grad(newton)))(2.0)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_vmap_of_while_runs_each_as_long_as_it_needs(backend):
    a = np.array([2.0, 9.0, 1e4, 1e-3])
    run = BACKENDS[backend]
    np.testing.assert_allclose(run(fg.vmap(newton))(a), np.sqrt(a), rtol=1e-12)
    np.testing.assert_allclose(run(fg.vmap(fg.grad(newton)))(a), 0.5 / np.sqrt(a), rtol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_that_never_runs(backend):
    run = BACKENDS[backend]
    f = lambda x: fg.while_loop(lambda c: c < 0, lambda c: c * 2, x)
    assert run(f)(3.0) == 3.0
    assert run(fg.grad(f))(3.0) == 1.0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_fori_with_known_and_unknown_bounds(backend, n):
    f = lambda n, x: fg.fori_loop(0, n, lambda i, c: c * x + i, 1.0)

    def python(n, x):
        c = 1.0
        for i in range(n):
            c = c * x + i
        return c

    run = BACKENDS[backend]
    assert run(f)(n, 2.0) == pytest.approx(python(n, 2.0))
    want = fg.grad(python, argnums=1)(n, 2.0)
    assert run(fg.grad(f, argnums=1))(n, 2.0) == pytest.approx(want)
    fixed = lambda x: f(n, x)
    assert run(fg.grad(fg.grad(fixed)))(2.0) == pytest.approx(fg.grad(fg.grad(lambda x: python(n, x)))(2.0))


def root(x):
    return fg.cond(x > 0, fnp.sqrt, lambda x: -x, x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_cond_runs_one_branch_and_differentiates_it(backend):
    run = BACKENDS[backend]
    for x in (4.0, -3.0, 0.0):
        want = np.sqrt(x) if x > 0 else -x
        slope = 0.5 / np.sqrt(x) if x > 0 else -1.0
        assert run(root)(x) == want
        assert run(fg.grad(root))(x) == slope
        assert run(lambda x: fg.jvp(root, (x,), (2.0,))[1])(x) == 2 * slope
    assert run(fg.grad(fg.grad(root)))(4.0) == pytest.approx(-0.25 * 4**-1.5)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_a_batched_condition_never_gives_nan_of_the_other_branch(backend):
    x = np.array([4.0, -1.0, 0.0])
    run = BACKENDS[backend]
    np.testing.assert_array_equal(run(fg.vmap(root))(x), [2.0, 1.0, 0.0])
    np.testing.assert_array_equal(run(fg.vmap(fg.grad(root)))(x), [0.25, -1.0, -1.0])


def test_a_batched_condition_evaluates_only_what_is_needed_where_values_are_known():
    seen = []

    def watched(name):
        def branch(x):
            return fg.pure_callback(
                lambda x: (seen.append((name, x.shape)), x)[1], fg.ArrayType((), float), x
            )

        return branch

    fg.vmap(lambda x: fg.cond(x > 0, watched("yes"), watched("no"), x))(np.array([1.0, 2.0, -1.0]))
    assert sum(1 for name, _ in seen if name == "no") == 1


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_a_batched_condition_leaves_loops_and_checks_of_the_other_branch_alone(backend):
    run = BACKENDS[backend]

    def doubled(x):
        return fg.while_loop(lambda c: c < 100, lambda c: c * 2, x)  # does not end for x <= 0

    x = np.array([3.0, -1.0, 0.0])
    f = lambda x: fg.cond(x > 0, doubled, lambda x: x, x)
    np.testing.assert_array_equal(run(fg.vmap(f))(x), [192.0, -1.0, 0.0])
    np.testing.assert_array_equal(run(fg.vmap(fg.grad(f)))(x), [64.0, 1.0, 1.0])
    np.testing.assert_array_equal(run(fg.grad(lambda x: fg.vmap(f)(x).sum()))(x), [64.0, 1.0, 1.0])

    def checked(x, least):
        fg.error_if(x < least, "too small")
        return fnp.sqrt(x)

    g = lambda x, least: fg.cond(x > 0, checked, lambda x, least: 0.0 * x, x, least)
    np.testing.assert_array_equal(run(fg.vmap(g, in_axes=(0, None)))(np.array([4.0, -1.0]), 1.0), [2.0, 0.0])
    with pytest.raises(fg.debug.CheckError, match="too small"):
        run(fg.vmap(g, in_axes=(0, None)))(np.array([4.0, 0.5]), 1.0)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_batched_loops_leave_examples_that_are_done_alone(backend):
    def halved(x):
        return fg.while_loop(lambda c: c > 1, lambda c: c / 2, x)

    def checked(x):
        def body(c):
            fg.error_if(c >= 10, "checked: a step beyond 10")
            inner = fg.while_loop(lambda d: d != 1, lambda d: d - 1, 10 - c)  # would not end from c = 10 on
            return c + inner

        return fg.while_loop(lambda c: c < 10, body, x)

    run = BACKENDS[backend]
    x = np.array([3.0, 9.0, 12.0])
    np.testing.assert_array_equal(run(fg.vmap(checked))(x), [10.0, 10.0, 12.0])
    np.testing.assert_array_equal(run(fg.vmap(fg.grad(checked)))(x), [0.0, 0.0, 1.0])  # c and 10 - c cancel
    np.testing.assert_array_equal(run(fg.vmap(halved))(x), [0.75, 0.5625, 0.75])


@pytest.mark.parametrize("backend", BACKENDS)
def test_switch_takes_any_whole_number(backend):
    f = lambda i: fg.switch(i, [lambda: 1.0, lambda: 2.0, lambda: 3.0])
    for i, want in (
        (np.uint64(2**64 - 1), 3.0),
        (np.uint8(255), 3.0),
        (np.int8(-5), 1.0),
        (np.int32(1), 2.0),
    ):
        assert BACKENDS[backend](f)(i) == want


@pytest.mark.parametrize("backend", BACKENDS)
def test_switch_brings_its_index_within_bounds(backend):
    f = lambda i, x: fg.switch(i, [lambda x: x, lambda x: 2 * x, fnp.sin], x)
    run = BACKENDS[backend]
    assert [float(run(f)(i, 3.0)) for i in (-4, 0, 1, 2, 7)] == [3.0, 3.0, 6.0, np.sin(3.0), np.sin(3.0)]
    assert run(fg.grad(f, argnums=1))(1, 3.0) == 2.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_loops_within_branches_within_loops(backend):
    def nest(x):
        def body(c, i):
            d = fg.while_loop(lambda d: d < 10.0, lambda d: d * 1.5 + x * x, c * 0 + 1.0)
            return fg.cond(i % 2 == 0, lambda: c + d * x, lambda: c - d), d

        c, ys = fg.scan(body, 0.0, np.arange(7))
        return c + np.sum(ys)

    def python(x):
        c, total = 0.0, 0.0
        for i in range(7):
            d = 1.0
            while d < 10.0:
                d = d * 1.5 + x * x
            c = c + d * x if i % 2 == 0 else c - d
            total = total + d
        return c + total

    run = BACKENDS[backend]
    assert run(nest)(0.7) == pytest.approx(python(0.7))
    assert run(fg.grad(nest))(0.7) == pytest.approx(fg.grad(python)(0.7))
    x = np.array([0.7, 0.2])
    np.testing.assert_allclose(run(fg.vmap(fg.grad(nest)))(x), [fg.grad(python)(v) for v in x])


def test_captured_traced_values_are_differentiated():
    def f(w):
        return fg.cond(w > 0, lambda: w**2, lambda: w) + fg.while_loop(
            lambda c: c < 5, lambda c: c + w, 0 * w
        )

    assert fg.grad(f)(2.0) == pytest.approx(4.0 + 3.0)
    assert fg.jit(fg.grad(f))(2.0) == pytest.approx(4.0 + 3.0)


def test_bodies_may_call_the_host():
    def f(x):
        return fg.scan(lambda c, _: (np.linalg.qr(c)[0] + x, None), x, length=3)[0].sum()

    x = np.random.default_rng(0).standard_normal((3, 3))
    assert fg.jit(f)(x) == pytest.approx(f(x))
    np.testing.assert_allclose(fg.jit(fg.grad(f))(x), fg.grad(f)(x), rtol=1e-8)


def test_errors_inside_native_loops_stop_them():
    table = np.arange(5.0)
    f = fg.jit(
        lambda n: fg.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, fnp.take(table, c[0])), (0, 0.0))
    )
    assert f(5)[1] == 4.0
    with pytest.raises(IndexError):
        f(9)


def test_native_loops_from_several_threads():
    f = fg.jit(fg.grad(newton))
    want = f(2.0)
    found = []
    threads = [threading.Thread(target=lambda: found.extend(f(2.0) for _ in range(200))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [want] * 800


def test_checkpoint_keeps_arguments_alone():
    def f(x):
        return np.sum(np.sin(np.sin(np.exp(x))))

    x = np.linspace(0, 1, 5)
    again = fg.checkpoint(f)
    for run in BACKENDS.values():
        np.testing.assert_allclose(run(fg.grad(again))(x), fg.grad(f)(x), rtol=1e-12)
        np.testing.assert_allclose(run(fg.hessian(again))(x), fg.hessian(f)(x), rtol=1e-9, atol=1e-12)
    assert fg.residuals(again)(x).nbytes == 0
    assert fg.residuals(f)(x).nbytes > 0
    with pytest.raises(DTypeError, match="policy"):
        fg.checkpoint(f, policy="some")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("policy", ["nothing", "dots", ["hidden"], "everything"])
def test_a_policy_keeps_what_it_says(backend, policy):
    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((2, 8, 8)), rng.standard_normal((5, 8))

    def f(w, x):
        h = fg.checkpoint_name(fnp.tanh(x @ w[0]), "hidden")
        return np.sum(np.exp(fnp.sin(h @ w[1])))

    again = fg.checkpoint(f, policy=policy)
    run = BACKENDS[backend]
    np.testing.assert_allclose(run(fg.grad(again))(w, x), fg.grad(f)(w, x), rtol=1e-10)
    np.testing.assert_allclose(
        run(fg.vmap(fg.grad(again), in_axes=(None, 0)))(w, x[:, None]),
        np.stack([fg.grad(f)(w, row[None]) for row in x]),
        rtol=1e-10,
    )
    bytes_kept = fg.residuals(again)(w, x).nbytes
    assert bytes_kept == {"nothing": 0, "dots": 640, "everything": bytes_kept}.get(str(policy), 320)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("backend", BACKENDS)
def test_python_numbers_take_the_dtype_of_the_other_branch(backend, dtype):
    def chosen(p, x):
        return fg.cond(p, lambda: (0, x, 2), lambda: (x, 0.5, 2.5))

    for p in (True, False):
        got = BACKENDS[backend](chosen)(p, dtype(3))
        assert [y.dtype for y in got] == [dtype, dtype, float]
        np.testing.assert_array_equal(got, [0, 3, 2] if p else [3, 0.5, 2.5])
    slope = fg.grad(lambda x, p: chosen(p, x)[0].real)
    assert [BACKENDS[backend](slope)(dtype(3), p) for p in (True, False)] == [0, 1]


def test_python_numbers_that_do_not_fit_have_no_other_dtype():
    x = np.int8(3)
    assert fg.cond(True, lambda: 100, lambda: x) == np.int8(100)
    for number in (300, 0.5):
        with pytest.raises(DTypeError, match="the same dtypes"):
            fg.cond(True, lambda number=number: number, lambda: x)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fg.cond(np.ones(2) > 0, lambda x: x, lambda x: x, 1.0), DTypeError, "one boolean"),
        (lambda: fg.cond(True, lambda x: x, lambda x: (x, x), 1.0), TreeError, "false_fun: .* true_fun"),
        (
            lambda: fg.cond(True, lambda x: {"a": x}, lambda x: {"a": fnp.ones(2)}, 1.0),
            ShapeError,
            r"result\['a'\]",
        ),
        (
            lambda: fg.cond(True, lambda x: x, lambda x: x.astype("float32"), 1.0),
            DTypeError,
            "the same dtypes",
        ),
        (lambda: fg.switch(1.5, [lambda x: x], 1.0), DTypeError, "one whole number"),
        (lambda: fg.switch(0, [], 1.0), TreeError, "at least one branch"),
        (lambda: fg.while_loop(lambda x: x, lambda x: x, 1.0), DTypeError, "one boolean"),
        (lambda: fg.while_loop(lambda x: x > 0, lambda x: x, np.ones(2)), DTypeError, "one boolean"),
        (
            lambda: fg.while_loop(lambda x: True, lambda x: np.stack([x, x]), 1.0),
            ShapeError,
            "carry: float64",
        ),
        (lambda: fg.while_loop(lambda x: True, lambda x: (x, x), 1.0), TreeError, "containers"),
        (lambda: fg.fori_loop(0, 1.5, lambda i, c: c, 1.0), DTypeError, "whole numbers"),
        (
            lambda: fg.fori_loop(0, 2**64 + 2, lambda i, c: c, 1.0),
            ShapeError,
            r"^fori_loop: expected fewer steps than 2\*\*63",
        ),
        (
            lambda: fg.fori_loop(2**63, 2**63 + 3, lambda i, c: c, 1.0),
            ShapeError,
            "^fori_loop: expected bounds within 64",
        ),
        (
            lambda: fg.scan(lambda c, _: (c, None), 1.0, None, length=2**70),
            ShapeError,
            "expected fewer steps",
        ),
        (lambda: fg.fori_loop(0, 3, lambda i, c: (c, c), 1.0), TreeError, "^fori_loop: .* got . in"),
        (
            lambda: fg.fori_loop(0, 3, lambda i, c: {"a": np.ones(3)}, {"a": 1.0}),
            ShapeError,
            r"^fori_loop: .* got carry\['a'\]: float in and float64\[3\] out",
        ),
        (
            lambda: fg.fori_loop(0, 3, lambda i, c: c.astype(int), np.float64(1)),
            DTypeError,
            "^fori_loop: .* got carry: ",
        ),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_long_python_loop_under_jit_compiles_with_a_word_of_advice():
    def growing(x):  # of another shape in each turn: no loop
        total = x
        for i in range(1000):
            total = total + fnp.sum(fnp.sin(fnp.full(i % 97 + i // 97, 0.1) * x))
        return total

    with pytest.warns(UserWarning, match=r"(?s)equations.*not alike.*fg\.scan.*test_loops_and_branches"):
        got = fg.jit(growing)(0.5)
    assert got == pytest.approx(growing(0.5), rel=1e-9)


def test_a_long_python_loop_under_jit_is_rolled_without_a_word():
    def unrolled(x):
        for _ in range(1000):
            x = fnp.sin(x) * 1.1 + 0.1
        return x

    got = fg.jit(unrolled)(0.5)
    rolled = fg.jit(lambda x: fg.fori_loop(0, 1000, lambda i, x: fnp.sin(x) * 1.1 + 0.1, x))(0.5)
    assert got == pytest.approx(rolled, rel=1e-9)


def test_whole_numbers_in_a_carry_have_no_tangents():
    def f(x):
        def step(state):
            n, c = state
            return fg.cond(n > 1, lambda: (n + 1, c * x), lambda: (n + 2, c + x))

        return fg.while_loop(lambda state: state[0] < 6, step, (0, x))[1]

    x = 1.3
    assert f(x) == pytest.approx((x + x) * x**4)
    slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    for run in BACKENDS.values():
        assert run(fg.jacfwd(f))(x) == pytest.approx(slope, rel=1e-6)
        assert run(fg.grad(f))(x) == pytest.approx(slope, rel=1e-6)
        assert run(fg.grad(fg.checkpoint(f)))(x) == pytest.approx(slope, rel=1e-6)
        assert run(fg.jacfwd(fg.checkpoint(f)))(x) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_sums_over_the_examples_inside_a_loop_are_told(backend):
    loops = [
        lambda x: fg.scan(lambda c, _: (c + fg.psum(c, "i"), None), x, length=2)[0],
        lambda x: fg.while_loop(lambda c: c < 9, lambda c: c + fg.psum(c, "i"), x),
        lambda x: fg.cond(x > 0, lambda x: fg.psum(x, "i"), lambda x: x, x),
    ]
    for loop in loops:
        with pytest.raises(AxisNameError):
            BACKENDS[backend](fg.vmap(loop, axis_name="i"))(np.array([1.0, 2.0]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_captured_arrays_of_another_byte_order(backend):
    xs = np.arange(1.0, 4.0)
    swapped = xs.astype(xs.dtype.newbyteorder())
    run = BACKENDS[backend]
    assert run(lambda x: fg.scan(lambda c, t: (c + t, None), x, swapped)[0])(1.0) == 7.0
    np.testing.assert_array_equal(run(lambda x: x * swapped)(2.0), 2 * xs)
