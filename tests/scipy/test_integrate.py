"""Differential equations back in time, and by the continuous adjoint."""

import numpy as np
import pytest
import scipy.integrate

import funcgrad as fg
from funcgrad.control.debug import CheckError
from funcgrad.errors import DerivativeError, DTypeError, ShapeError
from funcgrad.scipy import integrate

P = np.array([1.0, 0.1, 1.5, 0.075])
Y0 = np.array([10.0, 5.0])
TIMES = np.array([0.5, 1.0, 2.5, 3.0])
TIGHT = {"rtol": 1e-10, "atol": 1e-10}
METHODS = [TIGHT, {"method": "RK4", "steps": 150}]


def rate(t, y, p):
    return np.stack(
        [p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1] + 0.1 * np.sin(t) * p[0]]
    )


def loss(p, y0, start, times, **options):
    """Return a number made of all the solution; `start` moves the first time alone."""
    y = integrate.solve_ivp(lambda t, y: rate(t, y, p), (start, times[-1]), y0, t_eval=times, **options).y
    return np.sum(np.sin(y) * np.arange(8.0).reshape(2, 4))


@pytest.mark.parametrize("options", METHODS, ids=["RK45", "RK4"])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_continuous_adjoint_is_the_derivative(options, compiled):
    gradient = fg.grad(lambda *x: loss(*x, adjoint="continuous", **options), argnums=(0, 1, 2, 3))
    if compiled:
        gradient = fg.jit(gradient)
    found = gradient(P, Y0, 0.2, TIMES)
    want = fg.grad(lambda *x: loss(*x, **options), argnums=(0, 1, 2, 3))(P, Y0, 0.2, TIMES)
    for x, y in zip(found, want, strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-6, atol=1e-7)
    h = 1e-5
    slope = (loss(P, Y0, 0.2 + h, TIMES, **options) - loss(P, Y0, 0.2 - h, TIMES, **options)) / (2 * h)
    assert found[2] == pytest.approx(slope, rel=1e-5)


def test_values_are_those_of_the_discrete_one():
    for options in METHODS:
        assert loss(P, Y0, 0.0, TIMES, adjoint="continuous", **options) == loss(P, Y0, 0.0, TIMES, **options)


def test_arguments_in_containers_and_whole_numbers():
    def final(args, y0):
        def f(t, y, args):
            return -args["k"] * y ** args["power"] + args["drive"][0]

        return integrate.solve_ivp(f, (0, 1), y0, args=(args,), adjoint="continuous", **TIGHT).y[0, -1]

    args = {"k": 0.5, "power": np.int64(2), "drive": [np.array(0.1)]}
    found = fg.grad(lambda k, d: final({**args, "k": k, "drive": [d]}, np.ones(1)), argnums=(0, 1))(
        0.5, np.array(0.1)
    )
    h = 1e-5
    for i, g in enumerate(found):
        ends = [
            final({**args, "k": 0.5 + s * (i == 0), "drive": [0.1 + s * (i == 1)]}, np.ones(1))
            for s in (h, -h)
        ]
        assert g == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)


def test_what_is_kept_does_not_grow_with_the_steps():
    def kept(**options):
        f = lambda p: loss(p, Y0, 0.0, TIMES, method="RK4", **options)
        return fg.residuals(f)(P).nbytes

    assert kept(steps=400) > 5 * kept(steps=50)
    assert kept(steps=400, adjoint="continuous") == kept(steps=50, adjoint="continuous") < 1000


def test_batches_and_second_derivatives():
    f = lambda k: integrate.solve_ivp(
        lambda t, y: -k * y, (0.0, 1.0), np.ones(1), adjoint="continuous", **TIGHT
    ).y[0, -1]
    ks = np.array([0.3, 0.7])
    np.testing.assert_allclose(fg.vmap(fg.grad(f))(ks), -np.exp(-ks), rtol=1e-7)
    np.testing.assert_allclose(fg.jit(fg.vmap(fg.grad(f)))(ks), -np.exp(-ks), rtol=1e-7)
    assert fg.grad(fg.grad(f))(0.3) == pytest.approx(np.exp(-0.3), rel=1e-6)


def test_it_is_nan_where_the_steps_did_not_suffice():
    def final(k):
        found = integrate.solve_ivp(
            lambda t, y: -k * y,
            (0.0, 50.0),
            np.ones(1),
            adjoint="continuous",
            max_steps=3,
            throw=False,
            **TIGHT,
        )
        assert not found.success
        return found.y[0, -1]

    assert np.isnan(fg.grad(final)(0.3))


def test_forward_derivatives_are_refused():
    f = lambda k: integrate.solve_ivp(lambda t, y: -k * y, (0.0, 1.0), np.ones(1), adjoint="continuous").y[
        0, -1
    ]
    with pytest.raises(DerivativeError):
        fg.jvp(f, (0.3,), (1.0,))


@pytest.mark.parametrize("options", METHODS, ids=["RK45", "RK4"])
def test_back_in_time(options):
    end = integrate.solve_ivp(rate, (0.0, 3.0), Y0, args=(P,), **options).y[:, -1]
    found = integrate.solve_ivp(rate, (3.0, 0.0), end, args=(P,), **options)
    np.testing.assert_allclose(found.y[:, -1], Y0, rtol=1e-7)
    np.testing.assert_array_equal(found.t, [3.0, 0.0])


def test_back_in_time_is_scipys():
    times = np.array([2.0, 1.5, 0.25])
    ours = integrate.solve_ivp(rate, (2.0, 0.0), Y0, t_eval=times, args=(P,), **TIGHT)
    theirs = scipy.integrate.solve_ivp(rate, (2.0, 0.0), Y0, t_eval=times, args=(P,), **TIGHT)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-8)
    np.testing.assert_array_equal(ours.t, theirs.t)


def test_back_and_forth_by_a_traced_span():
    def there(y0, end):
        return integrate.solve_ivp(rate, (1.0, end), y0, args=(P,), **TIGHT).y[:, -1]

    run = fg.jit(there)
    for end in (2.0, 0.0):
        np.testing.assert_allclose(run(Y0, end), there(Y0, end), rtol=1e-10)
        slope = fg.jit(fg.jacobian(there, argnums=1))(Y0, end)
        np.testing.assert_allclose(slope, rate(end, there(Y0, end), P), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"adjoint": "both"}, DTypeError, '"discrete" or "continuous", got \'both\''),
        ({"y0": Y0 * 1j, "adjoint": "continuous"}, DTypeError, "a real solution"),
        ({"t_eval": np.array([0.1, 0.5, 0.3])}, ShapeError, "increase from 0.0 to 1.0"),
        ({"t_eval": np.array([0.5, 0.1])}, ShapeError, "increase from"),
        ({"t_eval": np.array([0.5, 1.5])}, ShapeError, "increase from"),
    ],
)
def test_errors(options, error, text):
    options = {"y0": Y0, **options}
    with pytest.raises(error, match=text):
        integrate.solve_ivp(rate, (0.0, 1.0), options.pop("y0"), args=(P,), **options)


def test_times_of_a_traced_span():
    with pytest.raises(ShapeError, match="increase, or decrease"):
        fg.jit(
            lambda end: integrate.solve_ivp(rate, (0.0, end), Y0, t_eval=np.array([0.5, 0.5]), args=(P,)).y
        )(1.0)


@pytest.mark.parametrize("settings", [{}, {"method": "RK4", "steps": 60}, {"t_eval": np.linspace(0, 2, 5)}])
def test_a_complex_rotation(settings):
    start = np.array([1.0 + 0j, 2.0])
    tight = {"rtol": 1e-9, "atol": 1e-9, **settings}
    turned = lambda k: integrate.solve_ivp(lambda t, y: (1j - k) * y, (0.0, 2.0), start, **tight).y[:, -1]
    np.testing.assert_allclose(turned(0.0), start * np.exp(2j), rtol=1e-6)
    energy = lambda k: np.abs(turned(k)[0]) ** 2
    for found in (fg.grad(energy)(0.3), fg.jit(fg.grad(energy))(0.3), fg.jvp(energy, (0.3,), (1.0,))[1]):
        np.testing.assert_allclose(found, -4 * np.exp(-4 * 0.3), rtol=1e-6)


def test_a_complex_right_side_of_a_real_start_is_refused():
    with pytest.raises(TypeError, match="expected a complex y0") as refused:
        integrate.solve_ivp(lambda t, y: 1j * y, (0.0, 1.0), np.ones(1))
    assert "astype(complex)" in str(refused.value)


def test_the_longest_step():
    decay = (lambda t, y: -y, (0.0, 10.0), np.ones(1))
    mine = integrate.solve_ivp(*decay, max_step=0.1)
    theirs = scipy.integrate.solve_ivp(*decay, max_step=0.1)
    assert mine.steps == len(theirs.t) - 1
    np.testing.assert_allclose(mine.y[:, -1], theirs.y[:, -1], rtol=1e-12)


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit, fg.grad, lambda f: fg.jit(fg.grad(f))])
def test_steps_that_do_not_suffice_are_an_error_unless_asked_for(transform):
    def last(end, throw):
        found = integrate.solve_ivp(
            lambda t, y: 9 * np.cos(y), (0.0, end), np.ones(1), rtol=1e-9, max_steps=5, throw=throw
        )
        return found.y[0, -1]

    with pytest.raises(CheckError, match="expected to reach the last time within max_steps=5"):
        transform(lambda end: last(end, True))(3.0)
    transform(lambda end: last(end, True))(0.001)
    transform(lambda end: last(end, False))(3.0)


def test_one_example_that_gets_stuck_is_an_error():
    last = lambda end: integrate.solve_ivp(lambda t, y: -y, (0.0, end), np.ones(1), max_steps=5).y[0, -1]
    np.testing.assert_allclose(fg.vmap(last)(np.array([0.1, 0.2])), np.exp([-0.1, -0.2]), rtol=1e-3)
    for run in (fg.vmap(last), fg.jit(fg.vmap(last))):
        with pytest.raises(CheckError, match="solve_ivp"):
            run(np.array([0.1, 50.0]))
