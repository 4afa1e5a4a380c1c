"""Implicit functions, optimize and integrate: solutions agree with SciPy's, derivatives with finite differences."""

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.errors import DTypeError, ShapeError, TreeError

optimize, integrate = fg.scipy.optimize, fg.scipy.integrate
BACKENDS = {"eager": lambda f: f, "native": fg.jit}


def slope(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


def cube_root(a):
    return fg.custom_root(lambda x: x**3 + x - a, 1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_root_to_second_order(backend):
    run = BACKENDS[backend]
    assert run(cube_root)(2.0) == pytest.approx(1.0)
    assert run(fg.grad(cube_root))(2.0) == pytest.approx(0.25)
    assert run(lambda a: fg.jvp(cube_root, (a,), (2.0,))[1])(2.0) == pytest.approx(0.5)
    assert run(fg.grad(fg.grad(cube_root)))(2.0) == pytest.approx(-6 * 0.25**3)
    np.testing.assert_allclose(run(fg.vmap(fg.grad(cube_root)))(np.array([2.0, 10.0])), [0.25, 1 / 13])


def test_root_of_containers_with_a_solver_of_ones_own():
    def f(p, tangent_solve=None):
        def equations(s):
            return {"x": s["x"] ** 2 + s["y"] - p[0], "y": 2 * s["y"] - s["x"] * p[1]}

        return fg.custom_root(equations, {"x": 1.0, "y": 1.0}, tangent_solve=tangent_solve)["x"]

    p = np.array([3.0, 1.0])
    want = [slope(lambda v, i=i: f(p + (v - p[i]) * np.eye(2)[i]), p[i]) for i in range(2)]
    np.testing.assert_allclose(fg.grad(f)(p), want, rtol=1e-6)

    def by_columns(matvec, b):
        def column(x, y):
            out = matvec({"x": x, "y": y})
            return np.array([float(out["x"]), float(out["y"])])

        matrix = np.stack([column(1.0, 0.0), column(0.0, 1.0)], axis=1)
        v = np.linalg.solve(matrix, np.array([float(b["x"]), float(b["y"])]))
        return {"x": v[0], "y": v[1]}

    assert fg.jvp(lambda q: f(q, by_columns), (p,), (np.array([1.0, 0.0]),))[1] == pytest.approx(
        want[0], rel=1e-6
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_fixed_point(backend):
    f = BACKENDS[backend](lambda a: fg.custom_fixed_point(lambda x: a * fnp.cos(x), 1.0))
    assert f(1.0) == pytest.approx(0.7390851332151607)
    assert BACKENDS[backend](fg.grad(f))(1.0) == pytest.approx(slope(f, 1.0), rel=1e-6)


@pytest.mark.parametrize("argnum", [0, 1])
def test_linear_solve_is_numpys(argnum):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 3)) + 4 * np.eye(3), rng.standard_normal(3)

    def solve(matvec, b):
        return np.linalg.solve(np.stack([matvec(e) for e in np.eye(3)], 1), b)

    def f(a, b):
        return fg.custom_linear_solve(lambda x: a @ x, b, solve, transpose_solve=solve) @ np.arange(3.0)

    def g(a, b):
        return np.linalg.solve(a, b) @ np.arange(3.0)

    np.testing.assert_allclose(f(a, b), g(a, b))
    np.testing.assert_allclose(fg.grad(f, argnums=argnum)(a, b), fg.grad(g, argnums=argnum)(a, b))
    np.testing.assert_allclose(
        fg.hessian(f, argnums=argnum)(a, b), fg.hessian(g, argnums=argnum)(a, b), rtol=1e-8, atol=1e-12
    )
    with pytest.raises(DTypeError, match="transpose_solve"):
        fg.grad(lambda b: fg.custom_linear_solve(lambda x: a @ x, b, solve).sum())(b)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fg.custom_root(lambda x: (x, x), 1.0), TreeError, "expected a function that returns"),
        (
            lambda: fg.custom_root(lambda x: np.stack([x, x]), 1.0),
            ShapeError,
            "as many equations as unknowns",
        ),
        (lambda: fg.custom_root(lambda x: x, np.arange(3)), DTypeError, "floating-point"),
        (lambda: fg.custom_root(lambda x: x, 1.0, lambda f, x: (x, x)), TreeError, "solver that returns"),
        (lambda: integrate.solve_ivp(lambda t, y: y, (0, 1), 1.0), ShapeError, "one axis"),
        (lambda: integrate.solve_ivp(lambda t, y: y, (0, 1), np.ones(1), "LSODA"), DTypeError, "RK45"),
        (
            lambda: integrate.solve_ivp(lambda t, y: y, (0, 1), np.ones(1), t_eval=[1.0, 0.5]),
            ShapeError,
            "increase",
        ),
        (
            lambda: integrate.solve_ivp(lambda t, y: y, (0, 1), np.ones(1), t_eval=[0.5, 1.5]),
            ShapeError,
            "increase from 0.0 to 1.0",
        ),
        (lambda: optimize.minimize(lambda x: x * x, 1.0), ShapeError, "x0 with one axis"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def rosenbrock(x, a):
    return (x[0] - a) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_minimize_and_its_derivative(backend):
    f = BACKENDS[backend](lambda a: optimize.minimize(rosenbrock, np.zeros(2), (a,), tol=1e-10).x)
    np.testing.assert_allclose(
        f(1.5), scipy.optimize.minimize(rosenbrock, np.zeros(2), 1.5, tol=1e-9).x, rtol=1e-3
    )
    np.testing.assert_allclose(fg.jacobian(f)(1.5), [1.0, 3.0], rtol=1e-6)


def test_root_and_least_squares_agree_with_scipy():
    def equations(x, a):
        return fnp.stack([x[0] + 0.5 * (x[0] - x[1]) ** 3 - a, 0.5 * (x[1] - x[0]) ** 3 + x[1]])

    mine = optimize.root(equations, np.zeros(2), (1.0,))
    theirs = scipy.optimize.root(lambda x: np.array(equations(x, 1.0)), np.zeros(2))
    np.testing.assert_allclose(mine.x, theirs.x, rtol=1e-8)
    assert mine.success
    np.testing.assert_allclose(
        fg.jacobian(lambda a: optimize.root(equations, np.zeros(2), (a,)).x)(1.0),
        slope(lambda a: optimize.root(equations, np.zeros(2), (a,), tol=1e-13).x, 1.0),
        rtol=1e-6,
    )
    t = np.linspace(0, 2, 9)
    y = 2 * np.exp(-1.3 * t) + 0.01 * np.sin(20 * t)

    def fit(y):
        return optimize.least_squares(lambda p: p[0] * fnp.exp(-p[1] * t) - y, np.ones(2)).x

    want = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * t) - y, np.ones(2), xtol=1e-12, ftol=1e-12
    )
    np.testing.assert_allclose(fit(y), want.x, rtol=1e-6)
    e = np.eye(9)[3]
    np.testing.assert_allclose(
        fg.jvp(fit, (y,), (e,))[1], (fit(y + 1e-4 * e) - fit(y - 1e-4 * e)) / 2e-4, rtol=1e-4, atol=1e-6
    )


def prey_and_hunters(t, y, a):
    return fnp.array([a * y[0] - 0.1 * y[0] * y[1], 0.075 * y[0] * y[1] - 1.5 * y[1]])


Y0, TIMES = np.array([10.0, 5.0]), np.linspace(0, 10, 11)[1:]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", ["RK45", "RK4"])
def test_initial_value_problems_agree_with_scipy(backend, method):
    theirs = scipy.integrate.solve_ivp(
        lambda t, y: np.array(prey_and_hunters(t, y, 1.0)), (0, 10), Y0, t_eval=TIMES, rtol=1e-10, atol=1e-10
    )

    def f(a):
        return integrate.solve_ivp(
            prey_and_hunters, (0.0, 10.0), Y0, method, TIMES, (a,), rtol=1e-8, atol=1e-8
        )

    mine = BACKENDS[backend](lambda a: f(a).y)(1.0)
    np.testing.assert_allclose(mine, theirs.y, rtol=1e-5)
    assert f(1.0).success
    loss = BACKENDS[backend](lambda a: f(a).y.sum())
    want = slope(loss, 1.0)
    assert BACKENDS[backend](fg.grad(loss))(1.0) == pytest.approx(want, rel=1e-5)
    assert fg.jvp(loss, (1.0,), (1.0,))[1] == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_arguments_as_scipy_takes_them(backend):
    run = BACKENDS[backend]
    decay = lambda t, y, k: [-k * y[0], y[0]]
    want = scipy.integrate.solve_ivp(decay, (0, 1), [1, 0], args=(0.5,), rtol=1e-9, atol=1e-9).y[:, -1]

    def end(k, y0):
        return integrate.solve_ivp(decay, (0, 1), y0, args=(k,), rtol=1e-9, atol=1e-9).y[:, -1]

    for y0 in ([1.0, 0.0], [1, 0], np.array([1, 0]), np.array([1, 0], np.float32)):
        got = run(lambda k, y0=y0: end(k, y0))(0.5)
        np.testing.assert_allclose(got, want, rtol=1e-7)
        assert got.dtype == np.float64
    np.testing.assert_allclose(run(end)(np.float32(0.5), np.array([1, 0], np.float32)), want, rtol=1e-7)
    rows = run(lambda k: integrate.odeint(lambda y, t: [-k * y[0]], [1], [0, 1, 2]))(0.5)
    np.testing.assert_allclose(rows[:, 0], np.exp([0.0, -0.5, -1.0]), rtol=1e-6)

    def square(x, a):
        return (x[0] - a) ** 2 + (x[1] - x[0]) ** 2

    def both(x, a):
        return [x[0] - a, x[1] - x[0]]

    for x0 in ([0.0, 0.0], np.array([0, 0])):
        found = run(lambda a, x0=x0: optimize.minimize(square, x0, (a,)).x)(1.5)
        np.testing.assert_allclose(found, [1.5, 1.5], rtol=1e-5)
        np.testing.assert_allclose(run(lambda a, x0=x0: optimize.root(both, x0, (a,)).x)(1.5), [1.5, 1.5])
        found = run(lambda a, x0=x0: optimize.least_squares(both, x0, (a,)).x)(1.5)
        np.testing.assert_allclose(found, [1.5, 1.5])


@pytest.mark.parametrize("backend", BACKENDS)
def test_fixed_point_keeps_its_dtype(backend):
    f = lambda a: fg.custom_fixed_point(lambda x: a * fnp.cos(x), np.float32(1.0), tolerance=1e-6)
    found = BACKENDS[backend](f)(np.float32(1.0))
    assert found.dtype == np.float32
    assert found == pytest.approx(0.739085, rel=1e-5)


def test_too_few_steps_are_told():
    found = integrate.solve_ivp(
        prey_and_hunters, (0.0, 10.0), Y0, args=(1.0,), rtol=1e-9, max_steps=5, throw=False
    )
    assert not found.success


def test_odeint_has_scipys_arguments_and_rows():
    t = np.linspace(0, 1, 5)
    f = lambda y, t, k: -k * y
    np.testing.assert_allclose(
        integrate.odeint(f, np.ones(2), t, (0.5,)),
        scipy.integrate.odeint(f, np.ones(2), t, (0.5,)),
        rtol=1e-6,
    )


def test_debugging_inside_compiled_loops(capsys):
    @fg.jit
    def f(x):
        def step(c, i):
            fg.debug.print("{i}: {}", c, i=i)
            return c * x, None

        return fg.scan(step, 1.0, np.arange(3))[0]

    assert f(2.0) == 8.0
    assert capsys.readouterr().out == "0: 1.0\n1: 2.0\n2: 4.0\n"
    fg.jit(fg.grad(f))(2.0)
    assert capsys.readouterr().out == "0: 1.0\n1: 2.0\n2: 4.0\n"

    def g(x):
        return fg.while_loop(lambda c: c < 5, lambda c: (fg.debug.print("{}", c), c * x)[1], 1.0)

    assert fg.jit(fg.grad(g))(2.0) == 12.0
    assert capsys.readouterr().out == "1.0\n2.0\n4.0\n"


@pytest.mark.parametrize("backend", BACKENDS)
def test_errors_told_by_the_user(backend):
    def f(x):
        fg.error_if(x < 0, "f: expected x from 0 up.")
        return fnp.sqrt(x)

    run = BACKENDS[backend](f)
    assert run(4.0) == 2.0
    with pytest.raises(fg.debug.CheckError, match="from 0 up"):
        run(-1.0)
    with pytest.raises(DTypeError, match="booleans"):
        fg.error_if(1.0, "")


def test_the_first_nan_is_found():
    f = lambda x: fg.scan(lambda c, i: (fnp.sqrt(c - i), None), x, np.arange(5.0))[0]
    with pytest.raises(
        fg.debug.NaNError, match=r"nan from sqrt: -1\.1444, in iteration 2 of a scan"
    ) as found:
        fg.debug.check_nan(f)(3.0)
    assert "test_implicit.py" in str(found.value)
    with pytest.raises(fg.debug.NaNError, match="divide: 0 and 0"):
        fg.debug.check_nan(fg.jit(lambda x: x / x))(0.0)
    with pytest.raises(fg.debug.NaNError, match="iteration 1 of a while_loop"):
        fg.debug.check_nan(lambda x: fg.while_loop(lambda c: c > -3.0, lambda c: fnp.log(c) - 1.0, x))(0.5)
    assert fg.debug.check_nan(lambda x: {"y": np.sin(x)})(0.0) == {"y": 0.0}
