import contextlib

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, DTypeError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(11)
V = rng.standard_normal(5)
A = rng.standard_normal((3, 4))
INTS = np.arange(12).reshape(3, 4) ** 2
WIDTHS = ((1, 2), (3, 0))

LAWS = {
    "zeros": (lambda m, x: m.pad(x, 2), (V,)),
    "constant": (lambda m, x, c: m.pad(x, WIDTHS, constant_values=c), (A, V[0])),
    "constant pair": (lambda m, x, c: m.pad(x, WIDTHS, constant_values=c), (A, V[:2])),
    "constant pairs": (lambda m, x: m.pad(x, 1, constant_values=((1, 2), (3, 4))), (INTS,)),
    "constant nested": (lambda m, x, c: m.pad(x, 1, constant_values=((c, 2.0), (3.0, c))), (A, V[0])),
    "linear_ramp": (lambda m, x, e: m.pad(x, WIDTHS, "linear_ramp", end_values=e), (A, V[:2])),
    "linear_ramp ints": (lambda m, x: m.pad(x, 3, "linear_ramp", end_values=-4), (INTS,)),
    "stat_length": (lambda m, x: m.pad(x, 2, "mean", stat_length=2), (A,)),
    "stat_length pairs": (lambda m, x: m.pad(x, 2, "maximum", stat_length=((1, 2), (3, 9))), (A,)),
    "reflect odd": (lambda m, x: m.pad(x, WIDTHS, "reflect", reflect_type="odd"), (A,)),
    "symmetric odd": (lambda m, x: m.pad(x, (7, 3), "symmetric", reflect_type="odd"), (V,)),
    "reflect even": (lambda m, x: m.pad(x, 2, "reflect", reflect_type="even"), (V,)),
    "reflect far": (lambda m, x: m.pad(x, 11, "reflect"), (V,)),
    "nothing": (lambda m, x: m.pad(x, 0, "edge"), (A,)),
    "empty": (lambda m, x: m.pad(x, 1, "empty")[1:-1, 1:-1], (A,)),
} | {
    f"{mode} {kind}": (lambda m, x, mode=mode: m.pad(x, WIDTHS, mode), (x,))
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median", "minimum")
    for kind, x in (("floats", A), ("ints", INTS))
}  # fmt: skip


with contextlib.suppress(TypeError):  # where NumPy takes none, it is refused: tests/numpy/test_refusals.py
    np.pad(V, {0: 1})
    LAWS["dict"] = (lambda m, x: m.pad(x, {-1: (1, 2)}, "edge"), (A,))


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_results_are_copies(mode):
    def f(x):
        x = x * 1.0
        np.pad(x, 0, mode)[0] = 9.0
        return x

    np.testing.assert_array_equal(fg.trace(f)(V)(V), V)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.pad(x, 1, "cubic"), DTypeError, "pad: expected mode constant, empty, edge"),
        (
            lambda m, x: m.pad(x, 1, "edge", end_values=1),
            DTypeError,
            "pad: expected options of the mode 'edge'",
        ),
        (lambda m, x: m.pad(x, -1), ShapeError, "pad: expected pad_width of at least 0"),
        (
            lambda m, x: m.pad(x, [[1, 2]] * 3),
            ShapeError,
            "pad: expected one number, a pair, or a pair for each",
        ),
        (lambda m, x: m.pad(x[:0], 1, "edge"), ShapeError, "pad: expected elements along axis 0"),
        (lambda m, x: m.pad(x, 0.5), DTypeError, "pad: expected pad_width of ints"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(error, match=message):
            run()


def test_widths_must_be_known():
    with pytest.raises(ConcretizationError, match="pad: expected pad_width with values that are known"):
        fg.trace(lambda x, n: np.pad(x, n))(V, 2)
