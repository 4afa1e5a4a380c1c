"""SciPy's own functions on traced values: the message names what to call in their place, or says there is nothing."""

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.sparse
import scipy.special
import scipy.stats

import funcgrad as fg

A = np.array([[2.0, 1.0], [0.5, 3.0]])
S = scipy.sparse.csr_array(A)
X = np.array([0.5, 1.5])

OFFERED = {
    "linalg.solve_triangular": lambda x: np.sum(scipy.linalg.solve_triangular(A, x)),
    "special.logsumexp": lambda x: scipy.special.logsumexp(x),
    "special.softmax": lambda x: np.sum(scipy.special.softmax(x)),
    "integrate.solve_ivp": lambda x: scipy.integrate.solve_ivp(lambda t, y: -y * x[0], (0, 1), [1.0]).y[
        0, -1
    ],
    "optimize.minimize": lambda x: scipy.optimize.minimize(lambda t: np.sum((t - x) ** 2), np.zeros(2)).x[0],
}
MISSING = {
    "stats's logpdf": lambda x: np.sum(scipy.stats.norm.logpdf(x)),
    "sparse's __matmul__": lambda x: np.sum(S @ x),
    "sparse's dot": lambda x: np.sum(S.dot(x)),
    "integrate's quad": lambda x: scipy.integrate.quad(lambda t: t * x[0], 0, 1)[0],
    "optimize's brentq": lambda x: scipy.optimize.brentq(lambda t: t - x[0], -5, 5),
    "interpolate's __call__": lambda x: np.sum(scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 4])(x)),
}


@pytest.mark.parametrize("transform", [fg.grad, fg.jit, lambda f: lambda x: fg.jvp(f, (x,), (x,))])
@pytest.mark.parametrize("name", [*OFFERED, *MISSING])
def test_the_message_names_the_edit(name, transform):
    f = OFFERED.get(name) or MISSING[name]
    edit = (
        f"use fg.scipy.{name} in place of scipy.{name}"
        if name in OFFERED
        else "funcgrad has nothing in place of scipy."
    )
    with pytest.raises(TypeError) as caught:
        transform(f)(X)
    message = str(caught.value)
    assert edit in message and "test_foreign.py" in message
    assert name in OFFERED or (f"scipy.{name}" in message and "fg.pure_callback" in message)


def test_methods_of_plain_arrays():
    with pytest.raises(
        TypeError, match=r"np\.dot\(A, x\) or A @ x in place of a plain array's method A\.dot\(x\)"
    ):
        fg.grad(lambda x: np.sum(A.dot(x)))(X)
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(np.dot(A, x)))(X), A.sum(0))
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(np.zeros(2).clip(x, 3.0)))(X), [1.0, 1.0])


def test_a_complex_write_into_a_plain_array():
    def f(x):
        z = np.zeros(2, complex)
        z[0] = x[0]
        return np.sum(z.real)

    for transform in (fg.grad, fg.jit):
        with pytest.raises((TypeError, UserWarning), match=r"np\.zeros_like\(x\)"):
            transform(f)(X)
