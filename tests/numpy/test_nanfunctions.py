import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ShapeError
from tests.laws import check_laws

A = (np.random.default_rng(6).permutation(12) * 0.7 - 3.1).reshape(3, 4)
F32 = A.astype(np.float32)
INTS = np.arange(6).reshape(2, 3)
HOLES = np.array([[False, True, False, False], [False, False, False, True], [True, False, True, False]])

REDUCTIONS = ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian"]


def holed(m, x):
    return m.where(HOLES, np.nan, x)


LAWS = {
    "nancumsum": (lambda m, x: m.nancumsum(holed(m, x), axis=1), (A,)),
    "nancumprod": (lambda m, x: m.nancumprod(holed(m, x)), (A,)),
    "nanargmax": (lambda m, x: m.nanargmax(holed(m, x), axis=1), (A,)),
    "nanargmin": (lambda m, x: m.nanargmin(holed(m, x)), (A,)),
    "nanquantile": (lambda m, x: m.nanquantile(holed(m, x), [0.2, 0.7], axis=1), (A,)),
    "nanquantile by q": (lambda m, x, q: m.nanquantile(holed(m, x), q, axis=0), (A, np.array([0.3, 0.81]))),
    "nanquantile method": (lambda m, x: m.nanquantile(holed(m, x), 0.3, axis=1, method="lower"), (A,)),
    "nanpercentile": (lambda m, x: m.nanpercentile(holed(m, x), 40.0, axis=0, keepdims=True), (A,)),
    "nanvar ddof": (lambda m, x: m.nanvar(holed(m, x), axis=1, ddof=1), (A,)),
    "nanstd keepdims": (lambda m, x: m.nanstd(holed(m, x), axis=0, keepdims=True), (A,)),
    "nanmax initial": (lambda m, x: m.nanmax(holed(m, x), axis=0, initial=0.5), (A,)),
    "nansum ints": (lambda m, x: m.nansum(x, 0), (INTS,)),
    "nanmean ints": (lambda m, x: m.nanmean(x), (INTS,)),
    "nanmax ints": (lambda m, x: m.nanmax(x, 1), (INTS,)),
    "nanmedian ints": (lambda m, x: m.nanmedian(x, 1), (INTS,)),
}
for _name in REDUCTIONS:
    LAWS[_name] = (lambda m, x, name=_name: getattr(m, name)(holed(m, x)), (A,))
    LAWS[f"{_name} axis"] = (lambda m, x, name=_name: getattr(m, name)(holed(m, x), axis=1), (A,))
    LAWS[f"{_name} without nan"] = (lambda m, x, name=_name: getattr(m, name)(x, axis=0), (A,))
    LAWS[f"{_name} float32"] = (lambda m, x, name=_name: getattr(m, name)(holed(m, x)), (F32,))


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nan_elements_have_zero_derivative(name):
    x = np.array([1.0, np.nan, 3.0, 7.0])
    gradient = fg.grad(getattr(np, name))(x)
    assert gradient[1] == 0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian"])
def test_all_nan_is_nan(name):
    x = np.full(3, np.nan)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):  # NumPy's own, of plain arrays
        assert np.isnan(getattr(fnp, name)(x))
    with np.errstate(all="ignore"):
        assert np.isnan(fg.trace(getattr(np, name))(x)(x))


def test_positions_of_all_nan():
    with pytest.raises(ShapeError, match="nanargmax: expected a number in every slice"):
        fnp.nanargmax(np.full(2, np.nan))
    with pytest.raises(ValueError, match="nanargmin"):
        fg.grad(lambda x: x[np.nanargmin(x * np.nan)])(A[0])
