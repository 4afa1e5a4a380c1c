"""check_grads accepts right derivatives and refuses wrong ones."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.testing import check_grads


def test_right_derivatives_pass():
    check_grads(lambda p, x: {"y": np.tanh(p["w"] @ x)}, ({"w": np.ones((2, 3))}, np.arange(3.0)), order=3)
    check_grads(lambda z: np.abs(z) ** 2 * z, (np.array([1 + 2j, 0.5j]),))
    check_grads(lambda x: np.exp(x), (np.array([0.5], np.float32),), order=1)


def wrong():
    f = fg.custom_jvp(np.sin)
    f.defjvp(lambda primals, tangents: (np.sin(primals[0]), 1.001 * np.cos(primals[0]) * tangents[0]))
    return f


@pytest.mark.parametrize("modes", [("fwd",), ("rev",), ("fwd", "rev")])
def test_wrong_derivatives_fail(modes):
    with pytest.raises(fg.errors.DerivativeError, match=r"expected .*jvp|expected .*vjp"):
        check_grads(wrong(), (np.array([0.5]),), modes=modes)


def test_a_wrong_second_derivative_fails_only_at_order_two():
    f = fg.custom_jvp(lambda x: x**3)
    f.defjvp(lambda p, t: (p[0] ** 3, 3 * fg.stop_gradient(p[0]) ** 2 * t[0]))
    check_grads(f, (2.0,), order=1)
    with pytest.raises(fg.errors.DerivativeError, match="of finite differences"):
        check_grads(f, (2.0,), order=2)


def test_bad_calls():
    with pytest.raises(TypeError, match="expected a tuple of arguments"):
        check_grads(np.sin, np.ones(2))
    with pytest.raises(TypeError, match="expected modes among"):
        check_grads(np.sin, (1.0,), modes=("sideways",))
    with pytest.raises(TypeError, match="order of at least 1"):
        check_grads(np.sin, (1.0,), order=0)
