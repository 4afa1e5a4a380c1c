import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(0)
V = rng.standard_normal(4)
M = rng.standard_normal((3, 4))
Z = V + 1j * rng.standard_normal(4)
F32 = V.astype(np.float32)
INTS = np.arange(12).reshape(3, 4)

LAWS = {
    "linspace": (lambda m, a, b: m.linspace(a, b, 5), (V[0], V[1])),
    "linspace open": (lambda m, a, b: m.linspace(a, b, 5, endpoint=False), (V[0], V[1])),
    "linspace arrays": (lambda m, a, b: m.linspace(a, b, 4, axis=1), (V, M)),
    "linspace step": (lambda m, a, b: m.linspace(a, b, 3, retstep=True), (V[0], V[1])),
    "linspace one": (lambda m, a: m.linspace(a, 2.0, 1), (V[0],)),
    "linspace float32": (lambda m, a, b: m.linspace(a, b, 3), (F32[0], F32[1])),
    "linspace float32 and a number": (lambda m, a: m.linspace(a, 2, 3), (F32[0],)),
    "logspace float32": (lambda m, a: m.logspace(a, 2, 3), (F32[0],)),
    "geomspace float32": (lambda m, a: m.geomspace(a * a, 2, 3), (F32[0],)),
    "linspace complex": (lambda m, a, b: m.linspace(a, b, 3), (Z[0], Z[1])),
    "linspace to ints": (lambda m, a: m.linspace(a, 9.0, 4, dtype=int), (np.float64(0.5),)),
    "logspace": (lambda m, a, b: m.logspace(a, b, 4), (V[0], V[1])),
    "logspace base": (lambda m, a, c: m.logspace(a, 1.0, 3, base=c), (V[0], np.array([2.0, 3.0]))),
    "geomspace": (lambda m, a, b: m.geomspace(a, b, 4), (np.float64(0.5), np.float64(8.0))),
    "geomspace down": (lambda m, a, b: m.geomspace(a, b, 4), (np.float64(-9.0), np.float64(-0.1))),
    "geomspace complex": (lambda m, a, b: m.geomspace(a, b, 4), (1j * np.float64(2.0), 1j * np.float64(5.0))),
    "geomspace open": (lambda m, a: m.geomspace(a, 7.0, 4, endpoint=False), (np.float64(0.5),)),
    "vander": (lambda m, x: m.vander(x, 3), (V,)),
    "vander increasing": (lambda m, x: m.vander(x, increasing=True), (V,)),
    "vander none": (lambda m, x: m.vander(x, 0), (V,)),
    "vander ints": (lambda m, x: m.vander(x), (np.arange(3),)),
    "meshgrid": (lambda m, x, y: list(m.meshgrid(x, y)), (V, M[0, :3])),
    "meshgrid ij": (lambda m, x, y, z: list(m.meshgrid(x, y, z, indexing="ij")), (V, V[:2], V[:3])),
    "meshgrid sparse": (lambda m, x, y: list(m.meshgrid(x, y, sparse=True)), (V, M[0, :3])),
    "meshgrid views": (lambda m, x, y: list(m.meshgrid(x, y, copy=False)), (V, M[0, :3])),
    "meshgrid one": (lambda m, x: list(m.meshgrid(x)), (V,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


def test_arange_differentiates_its_start_and_step():
    w = np.arange(1.0, 5.0)
    assert fg.grad(lambda a: np.sum(w * fnp.arange(a, 2.0, 0.5)))(0.0) == w.sum()
    assert fg.grad(lambda s: np.sum(w * fnp.arange(0.0, 2.0, s)))(0.5) == np.sum(w * np.arange(4))


def test_arange_needs_known_bounds():
    with pytest.raises(ConcretizationError, match="arange: expected stop with values that are known"):
        fg.trace(lambda n: fnp.arange(n))(3.0)


def test_geomspace_refuses_zero():
    with pytest.raises(ShapeError, match="endpoints other than zero"):
        fnp.geomspace(0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.vander(x), "vander: expected a 1-D array, got float64"),
        (lambda m, x: m.linspace(x, x[:, :2]), "linspace: expected shapes that broadcast"),
        (lambda m, x: m.logspace(x, x[:, :2]), "logspace: expected shapes that broadcast"),
        (lambda m, x: m.linspace(x, x, -1), "linspace: expected num of at least 0, got -1"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, M), lambda: fg.trace(lambda x: call(fnp, x))(M)):
        with pytest.raises(ShapeError, match=message):
            run()
