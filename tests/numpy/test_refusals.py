"""NumPy is the judge, by trial: what it refuses is refused, and what it takes has its value, shape and dtype."""

import warnings

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from tests.numpy.trials import FUNCTIONS, MODES, Call, calls, differs_by_values, disagreement, outcome

# Where a traced call is to differ from NumPy's, and why.
DIFFERENT = {
    "polydiv": "NumPy drops leading coefficients by their values, and takes matrices by accident",
    "poly": "the eigenvalues of a matrix are complex where its values are not known",
    "linalg.eig": "the same",
    "linalg.eigvals": "the same",
    "linalg.lstsq": "NumPy's rank of an empty matrix is an int32",
    "linalg.norm": "NumPy takes int(axis)",
    "linalg.vector_norm": "the same",
    "histogram": "NumPy orders complex numbers by their real parts, some of the time",
    "histogram_bin_edges": "the same",
    "unique_values": "NumPy gives an order that its hashes decide",
}
EMPTY = {"empty", "empty_like"}  # whose values are not NumPy's to say


@pytest.mark.parametrize("name", FUNCTIONS)
def test_calls_are_judged_by_numpy(name):
    counts = {"plain": 20, "eager": 20, "staged": 20, "compiled": 4}
    check(name, calls(name, max(counts.values())), counts)


# What one version of NumPy takes and another refuses, or takes as something else.
BY_VERSION = [
    ("put_along_axis", Call([np.array([1.0, 0.0]), np.array([1, 0]), np.arange(5.0), None], {})),
    ("put_along_axis", Call([np.zeros(3), np.array([1, 0, 2]), np.array([1.0, 2.0]), None], {})),
    ("put_along_axis", Call([np.zeros(3), np.array([1, 0, 2]), np.array([[1.0], [2.0], [3.0]]), None], {})),
    ("pad", Call([np.ones((2, 3)), {-1: (1, 2)}, "edge"], {})),
    ("empty", Call([np.zeros(0)], {})),
    ("zeros", Call([np.zeros(0)], {})),
    ("full", Call([np.zeros(0), 1.5], {})),
    ("sum", Call([np.ones((2, 3))], {"axis": 0, "initial": np.ones(3)})),
    ("min", Call([np.ones((2, 3))], {"axis": 0, "initial": np.ones(3)})),
    ("size", Call([np.ones((2, 3))], {"axis": ()})),
    ("size", Call([np.ones((2, 3))], {"axis": (0, 1)})),
    ("trim_zeros", Call([np.array([0.0, 1.0, 0.0])], {"axis": -4})),
    ("trim_zeros", Call([np.array([0.0, 1.0, 0.0])], {"axis": ()})),
    ("trim_zeros", Call([np.array([[0.0, 1.0, 0.0]])], {"axis": 1})),
    ("trim_zeros", Call([np.array([[0.0, 1.0, 0.0]])], {"axis": (0, 1)})),
    ("corrcoef", Call([np.array([[1.0, 2.0], [3.0, 1.0]])], {"bias": True, "ddof": 1})),
    ("corrcoef", Call([np.array(1.5)], {"dtype": "f4"})),
    ("cov", Call([np.array([[1.0, 2.0], [3.0, 1.0]])], {"dtype": "f4"})),
]


@pytest.mark.parametrize("name, call", BY_VERSION, ids=lambda x: f"{x}")
def test_calls_are_judged_by_the_numpy_that_is_there(name, call):
    check(name, [call], dict.fromkeys(MODES, 1))


def check(name, drawn, counts):
    ours, theirs = FUNCTIONS[name]
    faults = []
    for i, call in enumerate(drawn):
        want = outcome(MODES["plain"], theirs, call)
        for mode, count in counts.items():
            if i >= count or (mode != "plain" and name in DIFFERENT):
                continue
            if mode == "compiled" and isinstance(want, OverflowError):
                continue  # a number out of a dtype's range: tests/compile/target/test_integers.py
            if (
                isinstance(want, Exception)
                and mode in ("staged", "compiled")
                and differs_by_values(theirs, call)
            ):
                continue  # what is wrong with a value cannot be said before there is one
            got = outcome(MODES[mode], ours, call)
            fault = disagreement(got, want, values=name not in EMPTY)
            if fault:
                faults.append(f"{mode} {name}{call}: {fault}")
    assert not faults, "\n".join(faults)


DTYPES = [bool, np.int8, np.uint8, np.int64, np.uint64, np.float32, float, complex]
VALUES = [
    np.nan, np.inf, 1e30, 2.7, 1j, 300, -1, True, np.int64(300), np.float64(np.nan), np.float32(300.0),
    np.complex128(1j), np.array(300), np.array([300]), np.array(np.nan), np.array([np.nan]), np.array(1j),
    np.array([1j]), np.array([[1]]), [3], [300], [np.nan], [1j], [1.5, 2.5], [[1, 2]],
]  # fmt: skip
KEYS = [0, (0,), slice(None), Ellipsis, np.array([0, 1]), np.array([True, False]), np.array(0), (None, 1)]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_values_are_written_as_numpy_writes_them(dtype):
    def write(x, key, value):
        y = x.copy()
        y[key] = value
        return y

    x = np.array([1, 0]).astype(dtype)
    faults = []
    for key in KEYS:
        for value in VALUES:
            want = attempt(lambda: write(x, key, value))  # noqa: B023
            for name, run in writers(write, x, key, value).items():
                fault = disagreement(attempt(run), want)
                if fault:
                    faults.append(f"{name} x[{key!r}] = {value!r}: {fault}")
    assert not faults, "\n".join(faults)


def writers(write, x, key, value):
    return {
        "staged": lambda: fg.trace(lambda x: write(x, key, value))(x)(x),
        "compiled": lambda: fg.jit(lambda x: write(x, key, value))(x),
    }


def attempt(run):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return [np.asarray(run())]
        except Exception as error:
            return error


UFUNCS = [
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp",
    "logical_and", "logical_or", "logical_xor", "greater", "gcd", "bitwise_or",
]  # fmt: skip


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.parametrize("method", ["reduce", "accumulate"])
def test_methods_of_ufuncs(name, method):
    call = getattr(getattr(np, name), method)
    arrays = [
        np.array([[0.5, 2.0, 1.5], [3.0, 1.0, 0.5]]),
        np.zeros((0, 3)),
        np.zeros((2, 0)),
        np.zeros(0),
        np.ones((1, 2)),
    ]
    options = [{"axis": axis} for axis in (0, 1, -1, None, (0, 1), (), 2)]
    if method == "reduce":
        options += [
            {"axis": 0, "keepdims": True},
            {"axis": 1, "initial": 2.0},
            {"initial": None},
            {"axis": None, "keepdims": True},
        ]
    faults = []
    for x in arrays:
        for option in options:
            want = attempt(lambda: call(x, **option))  # noqa: B023
            got = attempt(lambda: fg.trace(lambda x: call(x, **option))(x)(x))  # noqa: B023
            fault = disagreement(got, want)
            if fault:
                faults.append(f"np.{name}.{method}({x.shape}, {option}): {fault}")
    assert not faults, "\n".join(faults)


def test_one_letter_has_one_size_in_an_operand():
    x = np.ones((1, 3))
    for run in (fnp.einsum, lambda *args: fg.trace(lambda x: np.einsum(args[0], x))(x)):
        with pytest.raises(ValueError, match=r"einsum|collapsing"):
            run("ii->i", x)
    np.testing.assert_array_equal(fg.jit(lambda x, y: np.einsum("i,i", x, y))(np.ones(1), np.ones(3)), 3.0)


def test_the_names_say_what_numpy_refused():
    with pytest.raises(
        TypeError, match=r"sum: expected what NumPy takes \(Cannot cast .*\), got float64\[3\]"
    ):
        fg.trace(lambda x: np.sum(x, where=np.array([1, 0, 1])))(np.ones(3))
    with pytest.raises(OverflowError, match=r"assignment: expected a value for int8\[2\], got 300"):
        fg.trace(lambda x: write_first(x, 300))(np.zeros(2, np.int8))


def write_first(x, value):
    y = x.copy()
    y[0] = value
    return y
