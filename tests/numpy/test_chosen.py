"""What a mask of unknown values chooses: traced where no number of elements is needed, else refused by name."""

import warnings

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import ConcretizationError

rng = np.random.default_rng(3)
VECTOR = rng.normal(size=23)
MATRIX = rng.normal(size=(7, 5))
CUBE = rng.normal(size=(3, 4, 5))


def _assigned(x):
    y = x.copy()
    y[x > 0] = np.log(x[x > 0])
    y[x <= 0] *= 3
    y[x < -1] += 1.5
    return y


def _assigned_rows(x):
    y = np.zeros_like(x)
    mask = x[:, 0] > 0
    y[mask] = x[mask] * 2
    y[mask, 1] = x[mask, 2]
    y[~mask, 1:] = -1
    return y


def _by_places(x):
    y = np.zeros_like(x)
    i = np.where(x > 0)
    y[i] = 3 * x[i] ** 2
    j = np.flatnonzero(x < 0)
    return y.ravel()[0] + np.sum(y) + np.sum(np.ravel(x)[j])


def _histogram(x):
    h = np.zeros_like(np.ravel(x))
    np.add.at(h, np.floor(np.abs(x[x > 0])).astype(int), x[x > 0])
    return h


ANY_SHAPE = {
    "log": lambda x: np.sum(np.log(x[x > 0])),
    "assignment": _assigned,
    "mean": lambda x: np.mean(x[x > 0]),
    "std": lambda x: x[x > 0].std(),
    "norm": lambda x: np.linalg.norm(x[x > 0]),
    "prod": lambda x: np.prod(x[x > 0]),
    "max": lambda x: np.max(x[x > 0], initial=0.25) - x[x < 0].min(initial=-0.5),
    "dot": lambda x: np.dot(x[x > 0], np.sqrt(x[x > 0])),
    "weights": lambda x: np.average(x[x > 0], weights=np.exp(x[x > 0])),
    "places": _by_places,
    "size": lambda x: x[x > 0].sum() / (x[x > 0].size + 1),
    "compare": lambda x: np.where(x[x > 0] > 1, x[x > 0], 0).sum(),
    "any": lambda x: np.any(x[x > 0] > 1) * 1.0 + np.all(x[x > 0] > 0.1),
    "new axis": lambda x: np.sum(x[x > 0][:, None] * np.arange(3.0), 0),
    "ravel": lambda x: (x[x > 0].ravel() ** 2).sum(),
    "extract": lambda x: np.extract(x > 0, x).sum(),
    "cumulative": lambda x: np.sum(np.cumsum(x[x > 0])) + np.sum(np.cumprod(x[x > 0])),
    "neighbours": lambda x: np.sum(np.ravel(x)[np.flatnonzero(x > 0) - 1]),
    "histogram": _histogram,
}
ROWS = {
    "rows": lambda x: x[x[:, 0] > 0].sum(0),
    "gram": lambda x: x[x[:, 0] > 0].T @ x[x[:, 0] > 0],
    "product": lambda x: (x[x[:, 0] > 0] @ np.arange(float(x.shape[1]))).sum(),
    "columns": lambda x: x[x[:, 0] > 0, 1:].sum(0) + x[x[:, 0] > 0, 0].sum(),
    "row means": lambda x: np.sum(x[x[:, 0] > 0].mean(1) ** 2),
    "transposed": lambda x: np.sum(x[x[:, 0] > 0].T ** 2, 1),
    "centred": lambda x: np.sum((x[x[:, 0] > 0] - x[x[:, 0] > 0].mean(0)) ** 3),
    "row assignment": _assigned_rows,
    "compress": lambda x: np.compress(x[:, 0] > 0, x, 0).sum(0),
}
CASES = [(name, f, x) for name, f in ANY_SHAPE.items() for x in (VECTOR, MATRIX, CUBE)]
CASES += [(name, f, MATRIX) for name, f in ROWS.items()]


@pytest.mark.parametrize(("f", "x"), [c[1:] for c in CASES], ids=[f"{c[0]} {c[2].ndim}" for c in CASES])
def test_as_numpy_and_its_derivatives(f, x):
    compiled = fg.jit(f)
    for v in (x, -x, x.astype(np.float32), np.abs(x) + 0.1, -np.abs(x)):
        if f is ANY_SHAPE["weights"] and not np.any(v > 0):
            continue  # NumPy refuses weights of nothing
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # of a mean of nothing
            want = np.asarray(f(v))
        got = compiled(v)
        np.testing.assert_allclose(got, want, rtol=1e-4 if v.dtype == np.float32 else 1e-12)
        assert got.dtype == want.dtype
    loss = lambda x: np.sum(np.sin(f(x)))
    xs = np.stack([x, -x, x[::-1]])
    rows = np.stack([fg.grad(loss)(v) for v in xs])
    tight = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(fg.jit(fg.grad(loss))(x), rows[0], **tight)
    np.testing.assert_allclose(fg.vmap(fg.grad(loss))(xs), rows, **tight)
    np.testing.assert_allclose(fg.jit(fg.grad(lambda xs: np.sum(fg.vmap(loss)(xs))))(xs), rows, **tight)
    _, forward = fg.jit(lambda x: fg.jvp(loss, (x,), (np.ones_like(x),)))(x)
    np.testing.assert_allclose(forward, np.sum(rows[0]), **tight)
    with np.errstate(all="ignore"):  # NumPy computes what is not chosen as well, and tells of it
        total, _ = fg.scan(lambda c, v: (c + loss(v), None), 0.0, xs)
    np.testing.assert_allclose(total, sum(loss(v) for v in xs), **tight)


@pytest.mark.parametrize("other", [np.inf, -np.inf, np.nan, 1e300])
def test_what_is_not_chosen_has_no_part(other):
    x = np.array([0.5, other, 2.0])
    chosen = lambda x: np.sum(np.log(x[np.abs(x) < 10]) ** 2)
    want = np.array([2 * np.log(0.5) / 0.5, 0.0, np.log(2.0)])
    for transform in (fg.jit, lambda f: f):
        np.testing.assert_allclose(transform(fg.grad(chosen))(x), want)
        np.testing.assert_allclose(transform(fg.vmap(fg.grad(chosen)))(x[None])[0], want)
        second = transform(fg.hessian(chosen))(x)
        np.testing.assert_array_equal(second[1], 0)
        np.testing.assert_array_equal(second[:, 1], 0)


def test_an_extremum_of_nothing_is_met_as_in_numpy():
    largest = fg.jit(lambda x: np.max(x[x > 0]))
    assert largest(VECTOR) == VECTOR.max()
    with pytest.raises(ValueError, match=r"zero-size|at least one element"):
        largest(-np.abs(VECTOR))
    with pytest.raises(ConcretizationError, match="expected initial="):
        fg.vmap(lambda x: np.max(x[x > 0]))(MATRIX)


def test_whether_there_are_any_is_a_decision():
    f = fg.jit(lambda x: x[x > 0].mean() if x[x > 0].size else -1.0)
    assert f(-np.abs(VECTOR)) == -1.0
    np.testing.assert_allclose(f(VECTOR), VECTOR[VECTOR > 0].mean())


def test_writes_after_a_choice_do_not_change_it():
    def f(x):
        y = x.copy()
        chosen = y[y > 0]
        y[:] = 0
        return np.sum(chosen)

    np.testing.assert_allclose(fg.jit(f)(VECTOR), f(VECTOR))


def test_masks_of_an_array_before_and_after_a_write_differ():
    def f(x):
        y = x.copy()
        before = y[y > 0]
        y[0] = 7.0
        return np.sum(before * y[y > 0])

    with pytest.raises(ConcretizationError, match="expected an operation that needs no number of elements"):
        fg.jit(f)(np.array([-1.0, 2.0]))


def test_functions_jitted_apart_take_what_is_chosen():
    inner = fg.jit(lambda z: np.sum(z**2))
    np.testing.assert_allclose(fg.jit(lambda x: inner(x[x > 0]))(VECTOR), np.sum(VECTOR[VECTOR > 0] ** 2))


def test_a_mask_from_around_an_inner_derivative():
    def f(x):
        mask = x > 0
        total = np.sum(x[mask])
        return total, fg.grad(lambda z: np.sum(z[mask] * z[0]) + np.sum(z[mask]) ** 2)(x * 1.5)

    for got, want in zip(fg.jit(f)(VECTOR), f(VECTOR), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_masks_and_their_places_are_one_choice():
    def f(x):
        y, m = x.copy(), x > 0
        y[np.where(m)] = x[m] ** 2
        y[np.flatnonzero(~m)] = -x[~m]
        y[m] *= x[np.where(x > 0)]
        return y, np.sum(np.flatnonzero(m) * x[m] + x[np.flatnonzero(m)])

    for got, want in zip(fg.jit(f)(VECTOR), f(VECTOR), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("dtype", [complex, np.complex64, np.float16, np.float32])
def test_dtypes_of_statistics(dtype):
    z = (VECTOR + (1j if np.dtype(dtype).kind == "c" else 0)).astype(dtype)
    for f in (np.var, np.std, np.mean, np.sum):
        g = lambda z, f=f: f(z[np.abs(z) > 0.5])
        np.testing.assert_allclose(fg.jit(g)(z), g(z), rtol=1e-2 if dtype is np.float16 else 1e-5)
        assert fg.jit(g)(z).dtype == g(z).dtype
        assert fg.vmap(g)(z[None]).dtype == g(z).dtype


REFUSED = {
    "result": lambda x: x[x > 0],
    "inside a result": lambda x: {"a": x[x > 0]},
    "len": lambda x: np.sum(x) / len(x[x > 0]),
    "iteration": lambda x: sum(x[x > 0]),
    "range": lambda x: sum(1.0 for _ in range(x[x > 0].shape[0])) + x[0],
    "zeros": lambda x: np.sum(np.zeros(x[x > 0].shape)) + x[0],
    "sort": lambda x: np.sort(x[x > 0])[0],
    "median": lambda x: np.median(x[x > 0]),
    "argmax": lambda x: np.argmax(x[x > 0]),
    "first": lambda x: x[x > 0][0],
    "outer": lambda x: np.sum(x[x > 0][:, None] * x[x > 0][None, :]),
    "another mask": lambda x: np.sum(x[x > 0] * x[x > 1]),
    "a plain array": lambda x: np.sum(x[x > 0] * np.arange(5.0)),
    "concatenate": lambda x: np.sum(np.concatenate([x[x > 0], x])),
    "fft": lambda x: np.abs(np.fft.fft(x[x > 0])).sum(),
    "grad": lambda x: np.sum(fg.grad(lambda z: np.sum(z**2))(x[x > 0])),
    "vmap": lambda x: np.sum(fg.vmap(lambda z: z**2)(x[x > 0])),
    "loop": lambda x: fg.scan(lambda c, v: (c + v, None), 0.0, x[x > 0])[0],
    "value": lambda x: float(x[x > 0].sum() * 0) + x[x > 0],
    "a vector written": lambda x: _with(x, x > 0, np.arange(5.0)),
    "another choice written": lambda x: _with(x, x > 0, x[x < 0]),
    "a mask behind": lambda x: np.sum(np.stack([x, x])[:, x > 0]),
}


def _with(x, key, value):
    y = x.copy()
    y[key] = value
    return y


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("transform", [fg.jit, fg.trace, lambda f: lambda x: fg.vmap(f)(x[None])])
def test_what_needs_the_number_is_refused(name, transform):
    with pytest.raises(ConcretizationError) as caught:
        transform(REFUSED[name])(VECTOR)
    assert "Hint" in str(caught.value)
