"""grad and value_and_grad: arguments, results, errors."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import errors


def test_argnums():
    f = lambda x, y, z: x * y + z**2
    assert fg.grad(f)(2.0, 3.0, 4.0) == 3.0
    assert fg.grad(f, -1)(2.0, 3.0, 4.0) == 8.0
    assert fg.grad(f, (0, 2))(2.0, 3.0, 4.0) == (3.0, 8.0)
    assert fg.grad(f, (1,))(2.0, 3.0, z=4.0) == (2.0,)


def test_containers():
    Point = namedtuple("Point", "x y")

    @dataclass
    class Layer:
        w: np.ndarray
        b: float

    p = {
        "list": [1.0, (2.0, None)],
        "point": Point(3.0, 4.0),
        "layer": Layer(np.ones(2), 5.0),
        "ordered": OrderedDict(b=6.0, a=7.0),
    }

    def loss(p):
        return (
            p["list"][0] * p["list"][1][0]
            + p["point"].x * p["point"].y
            + np.sum(p["layer"].w) * p["layer"].b
            + p["ordered"]["b"] * p["ordered"]["a"]
        )

    g = fg.grad(loss)(p)
    assert g["list"] == [2.0, (1.0, None)]
    assert g["point"] == Point(4.0, 3.0)
    assert isinstance(g["layer"], Layer) and g["layer"].b == 2.0
    np.testing.assert_array_equal(g["layer"].w, [5.0, 5.0])
    assert list(g["ordered"].items()) == [("b", 7.0), ("a", 6.0)]


def test_has_aux_and_value():
    f = lambda x: (x**2, {"twice": 2 * x, "note": "text"})
    gradient, extra = fg.grad(f, has_aux=True)(3.0)
    assert gradient == 6.0 and extra == {"twice": 6.0, "note": "text"}
    (value, extra), gradient = fg.value_and_grad(f, has_aux=True)(3.0)
    assert (value, extra["twice"], gradient) == (9.0, 6.0, 6.0)


def test_unused_and_constant():
    np.testing.assert_array_equal(fg.grad(lambda x, y: y)(np.ones(2), 1.0), np.zeros(2))
    assert fg.grad(lambda x: 3.0)(1.0) == 0.0


def test_integer_arguments():
    with pytest.raises(TypeError, match=r"grad: expected floating or complex arguments, got x: int"):
        fg.grad(lambda x: x * 2.0)(3)
    with pytest.raises(TypeError, match=r"got p\['n'\]\[0\]: int64\[2\]"):
        fg.grad(lambda p: np.sum(p["n"][0]) * 1.0)({"n": [np.arange(2)]})
    with pytest.raises(TypeError, match="got x: bool"):
        fg.grad(lambda x: x * 2.0)(True)
    assert fg.grad(lambda x, n: x * n, (0, 1), allow_int=True)(2.0, 3) == (3.0, 0.0)


@pytest.mark.parametrize(
    ("function", "args", "kind", "message"),
    [
        (lambda x: x, (np.ones(3),), ValueError, r"grad: expected a scalar output, got float64\[3\]"),
        (lambda x: (x, x), (1.0,), ValueError, "expected a scalar output, got"),
        (lambda x: "text", (1.0,), ValueError, "expected a scalar output, got str"),
        (lambda x: None, (1.0,), ValueError, "expected a scalar output"),
        (lambda x: x * 1j, (1.0,), TypeError, "expected a real output, got complex"),
        (lambda x: x > 0, (1.0,), TypeError, "expected a floating output, got bool"),
        (lambda x: x, ("text",), TypeError, "expected arrays or numbers, got x: str"),
        (
            lambda x: x,
            (np.array([1, "a"], object),),
            TypeError,
            "expected arrays or numbers, got x: dtype object",
        ),
        (lambda p: p, ({"a": [1.0, "text"]},), TypeError, r"got p\['a'\]\[1\]: str"),
    ],
)
def test_bad_input(function, args, kind, message):
    with pytest.raises(kind, match=message) as caught:
        fg.grad(function)(*args)
    assert isinstance(caught.value, errors.FuncgradError)
    assert "test_grad.py:" in str(caught.value)


def test_argnums_out_of_range():
    for argnums in (1, -2, (0, 3), "x", 1.5):
        with pytest.raises(TypeError, match="expected argnums among the 1 positional arguments"):
            fg.grad(lambda x: x, argnums)(1.0)
    with pytest.raises(TypeError, match="expected each argument once"):
        fg.grad(lambda x: x, (0, -1))(1.0)


def test_not_a_function():
    with pytest.raises(TypeError, match=r"expected a function, got float64"):
        fg.grad(np.float64(3.0))


def test_the_error_names_the_function_and_the_edit():
    def loss(x):
        return x

    with pytest.raises(ValueError) as caught:
        fg.grad(loss)(np.ones(3))
    assert "grad of loss: expected a scalar output, got float64[3]." in str(caught.value)
    assert "Hint: return y.sum()" in str(caught.value)


def test_results_are_fresh_and_writable():
    x, y = np.ones(3), np.ones(3)
    a, b = fg.grad(lambda x, y: np.sum(x + y), (0, 1))(x, y)
    a *= 2
    np.testing.assert_array_equal(b, np.ones(3))
    g = fg.grad(lambda x: np.sum(x))(x)
    g += 1
    np.testing.assert_array_equal(x, np.ones(3))


def test_readonly_strided_and_empty_inputs():
    x = np.arange(6.0)[::2]
    x.flags.writeable = False
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(x**2))(x), 2 * x)
    assert fg.grad(lambda x: np.sum(x**2))(np.zeros((0, 3))).shape == (0, 3)
    big_endian = np.arange(3.0).astype(">f8")
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(x**2))(big_endian), 2 * big_endian)


def test_python_control_flow_on_values():
    def f(x):
        n = 0
        while x < 100:
            x = x * x
            n += 1
        return x if x > 200 else -x

    assert fg.grad(f)(3.0) == 8 * 3.0**7

    def recursive(x, n):
        return x if n == 0 else x * recursive(x, n - 1)

    assert fg.grad(recursive)(2.0, 4) == 80.0
    assert fg.grad(lambda x: x * float(fg.stop_gradient(x)))(3.0) == 3.0
    assert fg.grad(lambda x: x * int(x))(3.5) == 3.0
