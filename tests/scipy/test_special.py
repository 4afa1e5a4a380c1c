"""Special functions where a formula that is right in between loses its digits, beside mpmath."""

import mpmath as mp
import numpy as np
import pytest

import funcgrad as fg
from funcgrad.scipy import special

DIGITS = 300  # so that 1 less a tail of the normal distribution is not 1


def normal(x):
    return mp.ncdf(x)


def normal_inverse(p):
    start = -mp.sqrt(-2 * mp.log(p)) if p < 0.01 else mp.mpf(0)
    return mp.findroot(lambda x: mp.log(mp.ncdf(x)) - mp.log(p), start)


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


CASES = {
    "ndtri": (special.ndtri, normal_inverse, [(1e-17,), (1e-300,), (0.3,), (0.975,)]),
    "log_ndtr": (
        special.log_ndtr,
        lambda x: mp.log(normal(x)),
        [(10.0,), (30.0,), (0.5,), (-3.0,), (-25.0,)],
    ),
    "log_expit": (special.log_expit, lambda x: -mp.log1p(mp.exp(-x)), [(40.0,), (-40.0,), (0.3,)]),
    "expit": (special.expit, lambda x: 1 / (1 + mp.exp(-x)), [(40.0,), (-40.0,), (5.0,)]),
    "tanh": (np.tanh, mp.tanh, [(20.0,), (-15.0,), (0.1,), (1e-9,)]),
    "betaln": (
        special.betaln,
        log_beta,
        [
            (1e20, 2.5),
            (2.5, 1e20),
            (1e15, 2.5),
            (1e15, 1e15),
            (12.0, 15.0),
            (3.0, 3.0),
            (10.0, 10.0),
            (40.0, 0.1),
        ],
    ),
    "arcsinh": (np.arcsinh, mp.asinh, [(1e170,), (1e-170,), (2.0,)]),
    "arctan2": (np.arctan2, mp.atan2, [(1e-170, 1e-170), (1e160, 2e160), (3.0, -4.0)]),
}


def derivative(f, args, i, order=1):
    unit = [0] * len(args)
    unit[i] = order
    scale = abs(args[i]) or mp.mpf(1)  # a step in proportion, so that nothing under- or overflows
    ones = [mp.mpf(x) / (scale if j == i else 1) for j, x in enumerate(args)]
    scaled = lambda *xs: f(*[x * scale if j == i else x for j, x in enumerate(xs)])
    return mp.diff(scaled, tuple(ones), tuple(unit)) / scale**order


@pytest.mark.parametrize("mode", ["eager", "compiled", "batched", "forward"])
@pytest.mark.parametrize("name", CASES)
@mp.workdps(DIGITS)
def test_values_and_slopes_keep_their_digits(name, mode):
    ours, theirs, points = CASES[name]
    for args in points:
        argnums = tuple(range(len(args)))
        with np.errstate(all="ignore"):
            if mode == "eager":
                y, slopes = fg.value_and_grad(ours, argnums)(*args)
            elif mode == "compiled":
                y, slopes = fg.jit(fg.value_and_grad(ours, argnums))(*args)
            elif mode == "batched":
                y, slopes = fg.vmap(fg.value_and_grad(ours, argnums))(*[np.full(1, x) for x in args])
            else:
                y, slopes = ours(*args), [fg.jacfwd(ours, i)(*args) for i in argnums]
        exact = [mp.mpf(x) for x in args]
        np.testing.assert_allclose(float(np.squeeze(y)), float(theirs(*exact)), rtol=1e-13)
        for i, slope in enumerate(slopes):
            np.testing.assert_allclose(
                float(np.squeeze(slope)),
                float(derivative(theirs, exact, i)),
                rtol=1e-12,
                err_msg=f"{name}{args} by {i}",
            )


@mp.workdps(DIGITS)
def test_second_derivatives_of_betaln_at_ties():
    for x in (3.0, 10.0, 50.0):
        want = float(mp.psi(1, x) - mp.psi(1, 2 * x))
        hessian = fg.hessian(lambda v: special.betaln(v[0], v[1]))(np.array([x, x]))
        mixed = -float(mp.psi(1, 2 * x))
        np.testing.assert_allclose(hessian, [[want, mixed], [mixed, want]], rtol=1e-9)


@pytest.mark.parametrize("f", [np.tanh, special.expit, np.arcsinh, lambda x: np.arctan2(x, 1.0)])
def test_higher_derivatives_have_no_kinks(f):
    """The formulas that keep the digits hold at 0, at ties and at their seams, to the third order."""
    third = fg.grad(fg.grad(fg.grad(f)))
    for x in (0.0, 1.0, -1.0):
        near = (fg.grad(fg.grad(f))(x + 1e-4) - fg.grad(fg.grad(f))(x - 1e-4)) / 2e-4
        np.testing.assert_allclose(third(x), near, atol=1e-5)
