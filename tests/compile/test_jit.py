"""jit: signatures, containers, static arguments, transformations, threads, pickles, and what it refuses."""

import gc
import pickle
import subprocess
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import (
    ConcretizationError,
    DerivativeError,
    DonatedError,
    DTypeError,
    ShapeError,
    TreeError,
)

X = np.array([0.5, -1.0, 2.0])


def energy(x):
    return np.sum(np.tanh(x) ** 2)


@fg.jit
def decorated(x):
    return np.sin(x) * 2


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_containers_keywords_and_python_numbers(backend):
    def f(params, x, *, scale=1.0, flip=None):
        out = {"y": params["w"] @ x * scale, "pair": (x.sum(), [params["b"]])}
        return out if flip is None else (out, flip)

    params = {"w": np.eye(3) * 2, "b": 3}
    got = fg.jit(f, backend=backend)(params, X, scale=0.5)
    np.testing.assert_allclose(got["y"], X)
    assert got["pair"][0] == X.sum() and type(got["pair"][0]) is np.float64
    assert got["pair"][1][0] == 3
    assert fg.jit(f, backend=backend)(params, X, flip=None)["y"].shape == (3,)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_dtypes_are_those_of_numpy(backend):
    f = fg.jit(lambda x, s: x * s, backend=backend)
    single = np.ones(3, np.float32)
    assert f(single, 2.0).dtype == np.float32
    assert f(single, np.float64(2.0)).dtype == np.float64
    assert f(single, np.array(2.0)).dtype == np.float64
    assert f(np.arange(3), 2).dtype == np.int64
    assert f(np.arange(3, dtype=np.int8), 2).dtype == np.int8
    assert f(np.array([True]), True).dtype == np.bool_
    assert f(2.0, 3.0) == 6.0


def test_any_layout_of_the_arguments():
    f = fg.jit(lambda x: x * 2 + 1)
    x = np.arange(24.0).reshape(2, 3, 4)
    readonly = x.copy()
    readonly.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.float64, offset=1).reshape(x.shape)
    for given in (x, x.T, x[::-1, :, ::2], np.asfortranarray(x), readonly, x.astype(">f8"), unaligned, x[0, 0, 0],
                  np.zeros((0, 3)), np.array(3.0), x[:, 1:2], np.broadcast_to(1.5, (2, 2))):  # fmt: skip
        np.testing.assert_array_equal(f(given), given * 2 + 1)


def test_foreign_byte_order_from_the_first_call():
    x = np.arange(3.0).astype(">f8")
    np.testing.assert_array_equal(fg.jit(lambda x: x * 3 - 1)(x), [-1, 2, 5])
    np.testing.assert_array_equal(fg.jit(lambda x: {"y": x[::-1]})(x)["y"], [2, 1, 0])


class Labelled(np.ndarray):
    pass


def test_subclasses_and_scalars():
    x = X.view(Labelled)
    np.testing.assert_allclose(fg.jit(energy)(x), energy(X))
    assert fg.jit(lambda x: x + 1)(np.float32(2)).dtype == np.float32
    big = 2**62
    assert fg.jit(lambda n: n + 1)(big) == big + 1


def test_one_compilation_for_each_signature():
    traced = []

    def f(x, n):
        traced.append(x.shape)
        return x * n

    g = fg.jit(f)
    for _ in range(3):
        g(X, 2.0)
        g(np.ones(4), 2.0)
    assert traced == [(3,), (4,)]
    g(X, 2)
    assert len(traced) == 3
    text = g.explain()
    assert "3 compiled signatures" in text
    assert "x was float64[4] and is float64[3]" in text and "n was float and is int" in text


def test_explain_before_and_after_static_arguments_change():
    f = fg.jit(lambda x, power: x**power, static_argnames="power")
    assert "0 compiled" in f.explain()
    np.testing.assert_allclose(f(X, power=2), X**2)
    assert "for the first time" in f.explain()
    f(X, power=3)
    assert "static arguments were power = 2 and are power = 3" in f.explain()


def test_static_arguments_by_number_and_name():
    def f(x, mode, axis=0):
        assert isinstance(mode, str)
        return np.sum(x, axis) if mode == "sum" else np.max(x, axis)

    x = np.arange(6.0).reshape(2, 3)
    g = fg.jit(f, static_argnums=(1, 2))
    np.testing.assert_array_equal(g(x, "sum"), [3, 5, 7])
    np.testing.assert_array_equal(g(x, "sum", axis=1), [3, 12])
    np.testing.assert_array_equal(g(x, "max", 1), [2, 5])
    np.testing.assert_array_equal(g(x, mode="max"), [3, 4, 5])
    assert fg.jit(lambda n: n * 2, static_argnums=0)(True) == 2
    h = fg.jit(lambda n: n / 1, static_argnums=0)
    assert type(h(1)) is not bool and h(True) == h(1)


def test_jit_composes_with_every_transformation():
    f = fg.jit(energy)
    v = np.array([1.0, 2.0, 3.0])
    rows = np.stack([X, v])
    np.testing.assert_allclose(fg.grad(f)(X), fg.grad(energy)(X))
    np.testing.assert_allclose(fg.jit(fg.grad(f))(X), fg.grad(energy)(X))
    np.testing.assert_allclose(fg.hessian(f)(X), fg.hessian(energy)(X), atol=1e-14)
    np.testing.assert_allclose(fg.jit(fg.hessian(f))(X), fg.hessian(energy)(X), atol=1e-14)
    np.testing.assert_allclose(fg.vmap(f)(rows), fg.vmap(energy)(rows))
    np.testing.assert_allclose(fg.vmap(fg.grad(f))(rows), fg.vmap(fg.grad(energy))(rows))
    np.testing.assert_allclose(fg.grad(lambda r: np.sum(fg.vmap(f)(r)))(rows), fg.vmap(fg.grad(energy))(rows))
    np.testing.assert_allclose(fg.jvp(f, (X,), (v,))[1], fg.jvp(energy, (X,), (v,))[1])
    np.testing.assert_allclose(fg.hvp(f, (X,), (v,)), fg.hvp(energy, (X,), (v,)), rtol=1e-12)
    _, linear = fg.linearize(f, X)
    np.testing.assert_allclose(linear(v), fg.jvp(energy, (X,), (v,))[1])
    third = fg.grad(fg.grad(fg.grad(fg.jit(np.sin))))
    np.testing.assert_allclose(third(0.3), -np.cos(0.3))
    assert "tanh" in str(fg.trace(f)(X)), "a jitted function inside a traced one is part of it"


def test_custom_derivatives_and_stop_gradient_survive():
    def f(x):
        return fg.stop_gradient(x) ** 2 * x

    for g in (f, fg.jit(f)):
        assert fg.grad(g)(3.0) == 9.0
        assert fg.grad(fg.grad(g))(3.0) == 0.0

    @fg.custom_vjp
    def clipped(x):
        return x

    clipped.defvjp(lambda x: (x, None), lambda _, y_bar: (np.clip(y_bar, -1.0, 1.0),))
    assert fg.grad(fg.jit(lambda x: 5 * clipped(x)))(2.0) == 1.0
    assert fg.jit(fg.grad(lambda x: 5 * clipped(x)))(2.0) == 1.0


def test_closing_over_a_traced_value():
    def outer(w):
        return fg.jit(lambda x: np.sum(x * w) ** 2)(X)

    np.testing.assert_allclose(fg.grad(outer)(2.0), fg.grad(lambda w: np.sum(X * w) ** 2)(2.0))
    np.testing.assert_allclose(fg.vmap(outer)(np.array([1.0, 2.0])), [outer(1.0), outer(2.0)])
    np.testing.assert_allclose(fg.grad(fg.grad(outer))(2.0), 2 * np.sum(X) ** 2)


def test_integer_and_bool_results_and_arguments():
    f = fg.jit(lambda x, n: (np.argmax(x), x > 0, x[n] * 2))
    where, positive, y = f(X, 1)
    assert where == 2 and positive.dtype == np.bool_ and y == -2.0
    value, gradient = fg.value_and_grad(lambda x: fg.jit(lambda x, n: x[n] * 2)(x, 1))(X)
    assert value == -2 and gradient.tolist() == [0, 2, 0]


def test_results_belong_to_the_caller():
    f = fg.jit(lambda x: x + 1)
    x = np.zeros(20_000)
    first = f(x)
    second = f(x)
    first += 5
    assert (second == 1).all() and (f(x) == 1).all()
    kept = [f(x + k) for k in range(5)]
    assert [y[0] for y in kept] == [1, 2, 3, 4, 5]
    view = f(x)[:10]
    assert view[0] == 1
    f(x + 7)
    f(x + 8)
    assert view[0] == 1, "memory that a view still shows is not used again"
    identity = fg.jit(lambda x: x)(x)
    identity[0] = 9
    assert x[0] == 0


def test_results_that_were_changed_are_not_used_again():
    f = fg.jit(lambda x: x * 1.5)
    x = np.ones((100, 200))
    y = f(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from NumPy 2.5 on
        y.shape = (200, 100)
    y = f(x)
    y.flags.writeable = False
    del y
    for _ in range(4):
        z = f(x)
        assert z.shape == (100, 200) and z.flags.writeable and (z == 1.5).all()
        del z


def test_donated_arrays_must_not_be_used_again():
    step = fg.jit(lambda x, v: (x + v, v * 0.5), donate_argnums=0)
    x, v = np.zeros(3), np.ones(3)
    for _ in range(3):
        x, v = step(x, v)
    np.testing.assert_array_equal(x, 1.75)
    old = np.ones(3)
    step(old, v)
    for again in (step, fg.jit(lambda x, v: x)):
        with pytest.raises(DonatedError, match=r"argument 0: float64\[3\].*donated"):
            again(old, v)
    step(old.copy(), v)
    with pytest.raises(TreeError, match="donate_argnums"):
        fg.jit(lambda x: x, donate_argnums="x")
    with pytest.raises(TreeError, match="donate_argnums among the 1"):
        fg.jit(lambda x: x, donate_argnums=1)(v)


def test_callbacks():
    seen = []

    def host(x, y):
        seen.append(type(x))
        return {"a": np.sort(x) + y, "n": len(x)}

    result = {"a": fg.ArrayType((3,), float), "n": fg.ArrayType((), int)}

    def f(x):
        out = fg.pure_callback(host, result, x * 2, 1.0)
        return out["a"].sum() * out["n"]

    assert f(X) == fg.jit(f)(X) == 3 * (2 * X + 1).sum()
    assert seen == [np.ndarray, np.ndarray]
    rows = np.stack([X, X + 1])
    np.testing.assert_allclose(fg.jit(fg.vmap(f))(rows), [f(X), f(X + 1)])
    with pytest.raises(DerivativeError, match=r"(?s)pure_callback of host.*custom_jvp"):
        fg.grad(f)(X)
    with pytest.raises(ShapeError, match=r"expected result\['a'\] of type float64\[3\], got float64\[2\]"):
        fg.jit(lambda x: fg.pure_callback(lambda x: {"a": x[:2], "n": 0}, result, x)["a"])(X)
    with pytest.raises(ZeroDivisionError):
        fg.jit(lambda x: fg.pure_callback(lambda x: 1 // 0, fg.ArrayType((), float), x))(X)


def test_callbacks_with_a_derivative():
    @fg.custom_jvp
    def sine(x):
        return fg.pure_callback(np.sin, fg.ArrayType(x.shape, x.dtype), x)

    @sine.defjvp
    def sine_jvp(primals, tangents):
        (x,), (x_dot,) = primals, tangents
        return sine(x), np.cos(x) * x_dot

    want = fg.hessian(lambda x: np.sum(np.sin(x)))(X)
    np.testing.assert_allclose(fg.jit(fg.hessian(lambda x: np.sum(sine(x))))(X), want, atol=1e-15)


def test_errors_name_what_is_wrong():
    f = fg.jit(lambda x, y: x @ y)
    with pytest.raises(ShapeError, match=r"got float64\[3\] and float64\[2\]"):
        f(X, np.ones(2))
    with pytest.raises(ConcretizationError, match=r"jit of decide.*value"):

        @fg.jit
        def decide(x):
            return sum(x for _ in range(int(x)))

        decide(1.0)
    with pytest.raises(DTypeError, match=r"jit of .*: expected arrays or numbers, got x: str"):
        fg.jit(lambda x: x)("text")
    with pytest.raises(DTypeError, match="hashable, got argument 1: list"):
        fg.jit(lambda x, n: x, static_argnums=1)(X, [1])
    with pytest.raises(TreeError, match="static_argnums among its 1"):
        fg.jit(lambda x: x, static_argnums=3)
    with pytest.raises(TreeError, match="static_argnames among x"):
        fg.jit(lambda x: x, static_argnames="y")
    with pytest.raises(DTypeError, match="expected a function"):
        fg.jit(3.0)
    with pytest.raises(DTypeError, match='"native" or "numpy"'):
        fg.jit(energy, backend="gpu")
    with pytest.raises(TypeError):
        f(X)


def test_indices_out_of_bounds():
    f = fg.jit(lambda x, i: x[i] * 2)
    np.testing.assert_array_equal(f(X, np.array([0, -1])), [1.0, 4.0])
    for bad in (3, -4, 2**40):
        with pytest.raises(IndexError, match="out of bounds"):
            f(X, np.array([0, bad]))
    np.testing.assert_array_equal(f(X, np.array([2])), [4.0])
    with pytest.raises(IndexError):
        fg.jit(fg.grad(lambda x, i: np.sum(x[i])))(X, np.array([5]))


def test_huge_angles_are_right():
    x = np.array([1e300, 3.0, -1e18, 12345.678, np.inf, np.nan])
    with np.errstate(invalid="ignore"):
        want = np.sin(x) + np.cos(x) * np.tan(x)
    np.testing.assert_allclose(fg.jit(lambda x: np.sin(x) + np.cos(x) * np.tan(x))(x), want, rtol=1e-13)


def test_switching_it_off(monkeypatch):
    traced = []
    f = fg.jit(lambda x: traced.append(type(x)) or x * 2)
    monkeypatch.setenv("FUNCGRAD_JIT", "0")
    f(X)
    assert traced == [np.ndarray]


def test_pickles():
    again = pickle.loads(pickle.dumps(decorated))
    assert again is decorated
    other = pickle.loads(pickle.dumps(fg.jit(energy, backend="numpy")))
    np.testing.assert_allclose(other(X), energy(X))


def test_eight_threads_at_once():
    f = fg.jit(fg.grad(lambda x, y: np.sum(np.exp(np.sin(x) * y) @ x)))
    rng = np.random.default_rng(0)
    cases = [(rng.standard_normal((n, n)), rng.standard_normal((n, n))) for n in (3, 40, 90)]
    want = [fg.grad(lambda x, y: np.sum(np.exp(np.sin(x) * y) @ x))(*case) for case in cases]
    start = threading.Barrier(8)

    def work(k):
        start.wait()
        for i in range(60):
            j = (i + k) % len(cases)
            np.testing.assert_allclose(f(*cases[j]), want[j], rtol=1e-9)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_four_processes_at_once():
    code = (
        "import numpy as np, funcgrad as fg\n"
        "f = fg.jit(fg.grad(lambda x: np.sum(np.exp(x) * np.sin(x))))\n"
        "x = np.linspace(0, 1, 50)\n"
        "np.testing.assert_allclose(f(x), np.exp(x) * (np.sin(x) + np.cos(x)), rtol=1e-12)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [p.wait() for p in running] == [0] * 4


def test_large_loops_on_several_threads():
    x = np.linspace(-3, 3, 400_000)
    f = fg.jit(lambda x: np.exp(np.sin(x)) * np.cos(x) + np.roll(x, 1))
    want = np.exp(np.sin(x)) * np.cos(x) + np.roll(x, 1)
    assert "@fg_chunk0" in f.lower(x).llvm and "@fg_chunk0" not in f.lower(x[:1000]).llvm
    before = fg.get_num_threads()
    try:
        for count in (1, 2, 3, 7):
            fg.set_num_threads(count)
            np.testing.assert_allclose(f(x), want, rtol=1e-14, atol=1e-15)
    finally:
        fg.set_num_threads(before)
    for bad in (0, -1, 1.5, "2"):
        with pytest.raises(DTypeError, match="positive int"):
            fg.set_num_threads(bad)


def test_sums_are_as_accurate_as_numpys():
    rng = np.random.default_rng(0)
    x = rng.random(10_000_000).astype(np.float32)
    exact = np.sum(x.astype(np.float64))
    ours, numpys = abs(fg.jit(np.sum)(x) - exact), abs(np.sum(x) - exact)
    assert ours <= max(numpys, exact * 2.0**-24)
    wide = rng.random((3, 100_000)).astype(np.float32)
    error = np.abs(fg.jit(lambda x: np.sum(x, 1))(wide) - wide.astype(float).sum(1))
    assert (error <= wide.astype(float).sum(1) * 2.0**-23).all()


def test_reductions_of_special_values():
    x = np.array([np.inf, 1.0, -np.inf, np.nan, 2.0])
    for f in (np.sum, np.prod, np.max, np.min, np.mean, np.linalg.norm, np.argmax, np.argmin):
        for y in (x, x[:2], x[:3], x[4:], np.array([-0.0]), np.full(2000, np.inf), np.array([1e308, 1e308])):
            with np.errstate(all="ignore"):
                # (A norm does not overflow on the way, as NumPy's does.)
                want = fg.trace(f)(y)(y) if f is np.linalg.norm else f(y)
                np.testing.assert_array_equal(fg.jit(f)(y), want, err_msg=f"{f.__name__} of {y}")


def test_large_captured_arrays_are_let_go():
    freed = []

    def make():
        big = np.ones(400_000)
        f = fg.jit(lambda x: np.sum(x * big))
        assert f(2.0) == 800_000 and fg.grad(f)(2.0) == 400_000
        entry = next(iter(f._compiled.values()))
        weakref.finalize(entry.program, freed.append, 1)

    make()
    gc.collect()
    assert freed == [1]


def test_methods():
    class Model:
        scale = 3.0

        @partial(fg.jit, static_argnums=0)
        def __call__(self, x):
            return x * self.scale

        @fg.jit
        def wrong(self, x):
            return x

    np.testing.assert_array_equal(Model()(X), X * 3)
    with pytest.raises(DTypeError, match="got self: Model"):
        Model().wrong(X)


def test_programs_with_different_functions_in_them_are_different():
    def scaled(k):
        return fg.jit(lambda x: fg.pure_callback(lambda v: v * k, fg.ArrayType((3,), float), x))

    assert [scaled(k)(np.ones(3))[0] for k in (2.0, 3.0)] == [2.0, 3.0]

    def clipped(c):
        @fg.custom_vjp
        def h(x):
            return x

        h.defvjp(lambda x: (x, None), lambda _, x_bar: (np.clip(x_bar, -c, c),))
        return fg.jit(lambda x: 100 * h(x))

    assert [fg.grad(clipped(c))(3.0) for c in (1.0, 5.0)] == [1.0, 5.0]


def test_errors_of_callbacks_behind_checked_indices():
    f = fg.jit(lambda x, i: fg.pure_callback(lambda v: 1 / 0, fg.ArrayType((2,), float), x[i]))
    with pytest.raises(ZeroDivisionError):
        f(X, np.array([0, 1]))


def test_dropped_functions_give_their_memory_back():
    def job(i):
        big = np.full(200_000, float(i))
        return fg.jit(lambda x: x + big)(np.ones(200_000))[0]

    for i in range(10):
        assert job(i) == i + 1
        gc.collect()


def test_static_arguments_that_are_equal_but_differ():
    f = fg.jit(lambda x, n: np.copysign(x, n), static_argnums=1)
    assert f(np.ones(1), 0.0)[0] == 1 and f(np.ones(1), -0.0)[0] == -1
    g = fg.jit(lambda x, n: x * n[0], static_argnums=1)
    assert g(np.array([1]), (1,)).dtype == np.int64 and g(np.array([1]), (1.0,)).dtype == np.float64


def test_python_ints_must_fit():
    f = fg.jit(lambda x, n: x + n)
    small = np.array([1], np.int8)
    assert f(small, 100)[0] == 101
    for x, n in ((small, 300), (np.array([1], np.uint8), -1), (np.array([1], np.uint64), -1)):
        with pytest.raises(OverflowError):
            f(x, n)
    assert f(np.array([1.5], np.float32), 300)[0] == 301.5


def test_positions_of_extrema():
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 3, (40, 50)) * 1.0
    x[3, 7] = x[3, 9] = np.nan
    for y in (x, np.nan_to_num(x).astype(int), x > 0, np.full((3, 4), np.inf), np.full((3, 4), -np.inf)):
        for axis in (0, 1, None):
            for f in (np.argmax, np.argmin):
                np.testing.assert_array_equal(fg.jit(lambda y: f(y, axis))(y), f(y, axis))  # noqa: B023


def test_jit_with_options_alone_is_a_decorator():
    @fg.jit(static_argnames="order")
    def power(x, order):
        return x**order

    np.testing.assert_array_equal(power(np.array([1.0, 2.0]), order=3), [1.0, 8.0])
    with pytest.raises(DTypeError, match="expected a function, got int"):
        fg.jit(backend="numpy")(3)
