import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(5)
V = rng.permutation(9) * 0.7 + rng.uniform(-0.1, 0.1, 9)
A = (rng.permutation(20) * 0.9).reshape(4, 5) + rng.uniform(-0.1, 0.1, (4, 5))
T = (rng.permutation(24) * 0.9).reshape(2, 3, 4)
F32 = A.astype(np.float32)
INTS = rng.permutation(12).reshape(3, 4)
BINS = np.array([0.0, 1.0, 3.0, 7.0])
METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip

LAWS = {
    "median": (lambda m, x: m.median(x), (V,)),
    "median even": (lambda m, x: m.median(x, axis=0), (A,)),
    "median axes": (lambda m, x: m.median(x, axis=(0, 2)), (T,)),
    "median keepdims": (lambda m, x: m.median(x, axis=1, keepdims=True), (A,)),
    "median ints": (lambda m, x: m.median(x, 1), (INTS,)),
    "median float32": (lambda m, x: m.median(x, 1), (F32,)),
    "quantile": (lambda m, x: m.quantile(x, 0.3), (A,)),
    "quantile several": (lambda m, x: m.quantile(x, [0.0, 0.35, 1.0], axis=1), (A,)),
    "quantile by q": (lambda m, x, q: m.quantile(x, q, axis=0), (A, np.array([0.31, 0.87]))),
    "quantile keepdims": (lambda m, x: m.quantile(x, [0.2, 0.6], axis=(0, -1), keepdims=True), (T,)),
    "quantile float32": (lambda m, x: m.quantile(x, 0.25), (F32,)),
    "quantile ints": (lambda m, x: m.quantile(x, 0.3, axis=0), (INTS,)),
    "percentile": (lambda m, x: m.percentile(x, 35, axis=1), (A,)),
    "percentile several": (lambda m, x: m.percentile(x, np.array([10.0, 90.0])), (A,)),
} | {
    f"quantile {method}": (
        lambda m, x, method=method: m.quantile(
            x, np.array([0.0, 0.1, 0.33, 0.5, 0.8, 1.0]), axis=1, method=method
        ),
        (A,),
    )
    for method in METHODS
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


def test_ties_are_by_position():
    np.testing.assert_array_equal(fg.grad(np.median)(np.array([2.0, 1.0, 1.0])), [0, 0, 1])


def test_infinite_neighbours_that_do_not_count():
    x = np.array([1.0, np.inf, 0.0])
    with np.errstate(invalid="ignore"):
        assert fg.trace(lambda x: np.quantile(x, 0.5))(x)(x) == 1.0
        assert fnp.nanmedian(x) == np.nanmedian(x) == 1.0
        np.testing.assert_array_equal(fg.grad(np.nanmedian)(x), [1, 0, 0])


@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, 0.4), lambda x: np.percentile(x, 40.0)])
def test_nan_spreads(f):
    x = np.array([1.0, np.nan, 3.0])
    with np.errstate(all="ignore"):
        assert np.isnan(fg.trace(f)(x)(x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.quantile(x, 1.5), ShapeError, "quantile: expected quantiles between 0 and 1"),
        (lambda m, x: m.percentile(x, 150), ShapeError, "percentile: expected percentiles between 0 and 100"),
        (lambda m, x: m.quantile(x, 0.5, method="best"), DTypeError, "quantile: expected a method among"),
        (lambda m, x: m.quantile(x * 1j, 0.5), DTypeError, "quantile: expected real numbers"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(error, match=message):
            run()


def test_median_of_nothing_is_nan():
    with np.errstate(all="ignore"):
        assert np.isnan(fg.trace(np.median)(np.zeros(0))(np.zeros(0)))
