import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, DTypeError, ShapeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(8)
M = rng.standard_normal((3, 6))
N = rng.standard_normal((2, 6))
V = rng.standard_normal(6)
W = rng.uniform(0.5, 1.5, 6)
Z = M + 1j * rng.standard_normal((3, 6))
INTS = np.array([0, 3, 1, 3, 1, 0])
EDGES = np.array([-1.0, -0.2, 0.3, 1.1])

LAWS = {
    "cov": (lambda m, x: m.cov(x), (M,)),
    "cov vector": (lambda m, x: m.cov(x), (V,)),
    "cov of two": (lambda m, x, y: m.cov(x, y), (M, N)),
    "cov columns": (lambda m, x: m.cov(x, rowvar=False), (M,)),
    "cov bias": (lambda m, x: m.cov(x, bias=True), (M,)),
    "cov ddof": (lambda m, x: m.cov(x, ddof=2), (M,)),
    "cov aweights": (lambda m, x, w: m.cov(x, aweights=w), (M, W)),
    "cov fweights": (lambda m, x: m.cov(x, fweights=[1, 2, 0, 1, 3, 1]), (M,)),
    "cov both weights": (lambda m, x, w: m.cov(x, fweights=[1, 2, 0, 1, 3, 1], aweights=w, ddof=0), (M, W)),
    "cov complex": (lambda m, x: m.cov(x), (Z,)),
    "cov ints": (lambda m, x: m.cov(x), (np.arange(6).reshape(2, 3) ** 2,)),
    "cov float32": (lambda m, x: m.cov(x), (M.astype(np.float32),)),
    "corrcoef": (lambda m, x: m.corrcoef(x), (M,)),
    "corrcoef of two": (lambda m, x, y: m.corrcoef(x, y), (V, N)),
    "corrcoef columns": (lambda m, x: m.corrcoef(x, rowvar=False)[0, 1], (M,)),
    "corrcoef complex": (lambda m, x: m.corrcoef(x), (Z,)),
    "bincount": (lambda m, w: m.bincount(INTS, w), (V,)),
    "bincount minlength": (lambda m, w: m.bincount(INTS, weights=w, minlength=7), (V,)),
    "digitize": (lambda m, x, b: m.digitize(x, b), (M, EDGES)),
    "digitize right": (lambda m, x, b: m.digitize(x, b, right=True), (EDGES, EDGES)),
    "digitize down": (lambda m, x, b: m.digitize(x, b), (EDGES, EDGES[::-1].copy())),
    "digitize down right": (lambda m, x, b: m.digitize(x, b, right=True), (EDGES, EDGES[::-1].copy())),
    "histogram": (lambda m, x, e: list(m.histogram(x, e)), (M, EDGES)),
    "histogram range": (lambda m, x: list(m.histogram(x, 4, (-1.0, 1.0))), (M,)),
    "histogram weights": (lambda m, w: list(m.histogram(V, EDGES, weights=w)), (W,)),
    "histogram density": (lambda m, w: m.histogram(V, EDGES, weights=w, density=True)[0], (W,)),
    "histogram2d": (lambda m, w: m.histogram2d(M.ravel()[:6], V, [EDGES, EDGES - 0.2], weights=w)[0], (W,)),
    "histogram2d range": (lambda m, w: m.histogram2d(V, V**2, 3, [(-1, 1), (0, 2)], True, w)[0], (W,)),
    "histogramdd": (lambda m, w: m.histogramdd(M.T, (EDGES, EDGES, EDGES), weights=w)[0], (W,)),
    "histogram of edges": (lambda m, e: m.histogram(e, EDGES)[0], (EDGES,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    # A histogram's counts are constants, and corrcoef's diagonal is 1: second differences are noise.
    check_laws(function, *args, order=0 if name == "histogram" or name == "histogram range" else 2)


def test_bins_from_known_values():
    for x in (V, INTS, V.astype(np.float32)):
        assert_same(fnp.histogram(x, 4), np.histogram(x, 4))
        assert_same(fnp.histogram(x, density=True), np.histogram(x, density=True))
    assert_same(list(fnp.histogram2d(V, W, (2, 3))), list(np.histogram2d(V, W, (2, 3))))
    assert_same(fnp.histogram2d(V, W, EDGES)[0], np.histogram2d(V, W, EDGES)[0])
    assert_same(fnp.histogramdd(M.T, 3, density=True)[0], np.histogramdd(M.T, 3, density=True)[0])
    assert_same(fnp.bincount(INTS), np.bincount(INTS))
    assert_same(fnp.bincount(np.zeros(0, int), minlength=2), np.bincount(np.zeros(0, int), minlength=2))
    assert fg.grad(lambda x: np.sum(x) + np.histogram(x, 3)[0][0])(V).tolist() == [1.0] * 6
    with pytest.raises(ConcretizationError, match="histogram: expected an array, or a number of bins, with"):
        fg.trace(lambda x: np.histogram(x, "auto"))(V)
    with pytest.raises(ConcretizationError, match="bincount: expected ints with values that are known"):
        fg.trace(np.bincount)(INTS)


HISTOGRAMS = {
    "edges": lambda x: np.histogram(x, 4)[1],
    "edges alone": np.histogram_bin_edges,
    "edges of a chosen number": lambda x: np.histogram_bin_edges(x, "sturges"),
    "edges of a grid": lambda x: np.concatenate(np.histogram2d(x, 2 * x, (2, 3))[1:]),
    "density": lambda x: np.histogram(x, 4, density=True)[0],
    "density of a grid": lambda x: np.histogram2d(x, x * x, 2, density=True)[0],
    "bins given": lambda x: np.histogram(np.array([0.2, 0.3]), np.sort(x), density=True)[0],
}


@pytest.mark.parametrize("name", HISTOGRAMS)
def test_edges_follow_the_elements(name):
    """The edges move with the smallest and the largest element, and a density by the width of its bins."""
    f, x = HISTOGRAMS[name], np.array([0.1, 0.55, 0.9, 0.4, 0.85])
    want = np.stack([(f(x + d) - f(x - d)) / 2e-6 for d in 1e-6 * np.eye(5)], -1)
    # The outermost elements lie on an edge that moves along: a shift keeps them in their bins.
    modes = [fg.jacrev(f), fg.jacfwd(f)]
    for jacobian in modes + ([] if name == "edges of a chosen number" else [fg.jit(fg.jacrev(f))]):
        np.testing.assert_allclose(jacobian(x), want, rtol=1e-6, atol=1e-6)


def test_histograms_compile():
    for x in (V, np.zeros(3), np.zeros(0), INTS):
        assert_same(list(fg.jit(lambda x: np.histogram(x, 3))(x)), list(np.histogram(x, 3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.cov(x[None]), ShapeError, "cov: expected at most two axes"),
        (lambda m, x: m.cov(x, aweights=x[0, :2]), ShapeError, "cov: expected one weight for each of 6"),
        (lambda m, x: m.bincount(x), DTypeError, "bincount: expected a vector of ints, got float64"),
        (lambda m, x: m.bincount(np.array([-1])), ShapeError, "bincount: expected ints of at least 0"),
        (lambda m, x: m.digitize(x, x), ShapeError, "digitize: expected a vector of edges"),
        (lambda m, x: m.digitize(x, [0.0, 1.0, 0.5]), ShapeError, "digitize: expected edges that increase"),
        (
            lambda m, x: m.histogram(x, EDGES, weights=x[0]),
            ShapeError,
            "histogram: expected a weight for each",
        ),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, M), lambda: fg.trace(lambda x: call(fnp, x))(M)):
        with pytest.raises(error, match=message):
            run()
