import inspect

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.core.tracer import FUNCTIONS, UFUNCS

TIER_1 = """
    sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log log2 log10 log1p
    sqrt cbrt square reciprocal negative positive abs fabs deg2rad rad2deg sinc sign rint floor ceil trunc conj
    real imag angle nan_to_num add subtract multiply divide power float_power arctan2 hypot maximum minimum fmax
    fmin logaddexp logaddexp2 mod remainder fmod floor_divide copysign ldexp clip where select choose i0 unwrap
    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not
    bitwise_and bitwise_or bitwise_xor invert left_shift right_shift isnan isinf isfinite isclose allclose
    sum prod mean std var max min ptp any all argmax argmin cumsum cumprod cumulative_sum cumulative_prod diff
    ediff1d gradient trapezoid median quantile percentile average nansum nanprod nanmean nanvar nanstd nanmax
    nanmin nanargmax nanargmin nancumsum nancumprod nanmedian nanquantile nanpercentile sort argsort partition
    argpartition searchsorted unique count_nonzero bincount histogram digitize cov corrcoef
    reshape ravel transpose matrix_transpose permute_dims swapaxes moveaxis rollaxis squeeze expand_dims atleast_1d
    atleast_2d atleast_3d flip fliplr flipud rot90 roll repeat tile pad broadcast_to broadcast_arrays concatenate
    concat stack vstack hstack dstack column_stack block append split array_split hsplit vsplit dsplit unstack
    insert delete resize meshgrid take take_along_axis put_along_axis compress extract diag diagonal diagflat tril
    triu trace fill_diagonal dot vdot vecdot matmul matvec vecmat inner outer kron tensordot einsum cross convolve
    correlate array asarray full full_like zeros zeros_like ones ones_like empty empty_like eye identity arange
    linspace logspace geomspace vander tri copy astype vectorize apply_along_axis apply_over_axes piecewise interp
    poly polyadd polysub polymul polydiv polyder polyint polyval polyfit roots
""".split()

UNDISPATCHED = {"vectorize"}


@pytest.mark.parametrize("name", TIER_1)
def test_tier_1_is_there_and_documented(name):
    function = getattr(fnp, name)
    assert inspect.getdoc(function)
    ours = getattr(np, name)
    if name not in UNDISPATCHED:
        assert ours in (UFUNCS if isinstance(ours, np.ufunc) else FUNCTIONS)


@pytest.mark.parametrize("name", [n for n in TIER_1 if not isinstance(getattr(np, n), np.ufunc)])
def test_parameters_have_numpys_names(name):
    """Each parameter of NumPy's is taken by the same name, or by `**details`."""
    if name in ("vectorize", "arange"):
        return
    try:
        theirs = inspect.signature(getattr(np, name)).parameters.values()
    except ValueError:
        return
    ours = inspect.signature(getattr(fnp, name)).parameters
    if any(p.kind is p.VAR_KEYWORD for p in ours.values()):
        return
    for parameter in theirs:
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            assert parameter.name in ours or on_its_way_out(name, parameter.name), (
                f"{name} takes no {parameter.name}"
            )


def on_its_way_out(name, parameter):
    """Whether NumPy itself warns of a parameter, and has another."""
    args, value = {"newshape": ((), 3), "interpolation": ((0.5,), "linear")}.get(parameter, (None, None))
    if args is None:
        return False
    with pytest.warns(DeprecationWarning, match=parameter):
        getattr(np, name)(np.ones(3), *args, **{parameter: value})
    return True


def test_a_program_written_against_the_namespace():
    def loss(m, w, x):
        h = m.tanh(m.concatenate([x, m.ones((len(x), 1))], axis=1) @ w)
        return m.mean(m.where(h > 0, h, m.exp(h) - 1) ** 2) + m.pi * m.linalg.norm(w)

    w, x = np.full((4, 2), 0.3), np.arange(6.0).reshape(2, 3)
    assert loss(fnp, w, x) == loss(np, w, x)
    np.testing.assert_allclose(fg.grad(lambda w: loss(fnp, w, x))(w), fg.grad(lambda w: loss(np, w, x))(w))


def test_the_array_api_finds_the_namespace():
    def standardized(x):
        xp = x.__array_namespace__()
        y = xp.concat([x, xp.ones_like(x)])
        return xp.sum(xp.astype(y, xp.float64) ** 2, axis=0) + xp.cumulative_sum(x, axis=0)[-1]

    np.testing.assert_allclose(fg.grad(standardized)(np.arange(3.0)), 2 * np.arange(3.0) + 1)
    assert fnp.isdtype(fnp.float32, "real floating")


def test_astype_copies_arrays_of_every_dtype():
    for x in (np.array([True, False]), np.arange(3), np.ones(2, np.float32)):
        np.testing.assert_array_equal(fg.trace(lambda x: x.astype(x.dtype))(x)(x), x)


def test_float_exponents_of_integers():
    x = np.arange(4)
    for n in (2, 2.0, 3.0):
        got = fg.trace(lambda x: x**n)(x)(x)  # noqa: B023
        assert got.dtype == (x**n).dtype and (got == x**n).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, True, 2.0, 0.5, np.int64(2)])
@pytest.mark.parametrize(
    "x",
    [np.array([True, False]), np.array([[True]]), np.True_, np.int8([2]), np.uint16(3), np.float32([2])],
    ids=repr,
)
def test_powers_have_the_dtypes_of_numpy(x, n):
    want = x**n
    for got in (fg.jit(lambda x: x**n)(x), fg.trace(lambda x: x**n)(x)(x)):
        np.testing.assert_allclose(got, want, rtol=1e-6)
        assert got.dtype == want.dtype
