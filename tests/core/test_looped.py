"""Primitives that NumPy evaluates by a loop in Python: natively the same, and no loop over many elements in Python."""

import sys

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.control import eager_jit
from funcgrad.core.looped import Looped
from funcgrad.core.primitive import Sample, primitives

LOOPED = [
    (p, s)
    for p in primitives().values()
    if isinstance(p, Looped)
    for s in p.samples()
    if isinstance(s, Sample)
]


def drawn(rng, x, dtype):
    """Return a sample's argument, made longer along each axis that has more than one place."""
    x = np.asarray(x.array() if hasattr(x, "array") else x)
    shape = [n * 23 if n > 1 else n for n in x.shape]
    return np.sort(rng.standard_normal(shape) * 2, -1).astype(dtype)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(eager_jit, "COMPILING_EQUATIONS", 0)
    monkeypatch.setattr(eager_jit, "LEAST_ITERATIONS", 0)


@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.int64, np.int32, np.float16, np.int8, np.longdouble, complex]
)
@pytest.mark.parametrize("primitive, sample", LOOPED, ids=lambda x: getattr(x, "name", ""))
def test_native_loops_give_the_same(primitive, sample, dtype, at_once):
    if dtype is complex and primitive.name == "searchsorted":
        pytest.skip("compares")
    rng = np.random.default_rng(0)
    args = [drawn(rng, x, dtype) for x in sample.args]
    with np.errstate(all="ignore"):
        want = primitive.loop_rule(*args, **sample.params)
        got = primitive(*args, **sample.params)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-2 if dtype is np.float16 else 1e-5)
    assert got.flags.writeable and not any(np.shares_memory(got, x) for x in args)


def test_zeros_win_in_native_loops_too(at_once):
    x = np.ones(50)
    x[[3, 7]] = 0.0, np.inf
    f = fg.grad(lambda x: np.cumprod(x)[5] + x[9])
    want = np.zeros(50)
    want[[3, 9]] = 1.0
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(x), want)


ROWS = np.sort(np.random.default_rng(0).standard_normal((64, 9)), 1)
FUNCTIONS = {
    "cumsum": fg.grad(lambda x: np.sum(np.cumsum(x) ** 2)),
    "cumprod": fg.grad(lambda x: np.sum(np.cumprod(x))),
    "maximum.accumulate": fg.grad(lambda x: np.sum(np.maximum.accumulate(x) ** 2)),
    "nancumprod": fg.grad(lambda x: np.sum(np.nancumprod(x))),
    "sort": fg.grad(lambda x: np.sort(x) @ np.arange(len(x))),
    "median": fg.grad(lambda x: np.median(x)),
    "unique": fg.grad(lambda x: np.sum(np.unique(x) ** 2)),
    "interp": fg.grad(lambda x: np.sum(np.interp(x, ROWS[0], ROWS[1]))),
    "histogram": fg.grad(lambda x: np.sum(np.histogram(x, 5, weights=x * x)[0] ** 2)),
    "searchsorted of rows": fg.vmap(lambda v: np.searchsorted(np.cumsum(v * v * np.ones(5)), v)),
    "vmap cumprod": lambda x: fg.vmap(fg.grad(lambda r: np.sum(np.cumprod(r))))(x.reshape(4, -1)),
}


def steps(f, x):
    """Return how many functions run, Python's and C's, when `f` has been called a few times."""
    count = 0

    def watch(frame, event, _):
        nonlocal count
        count += event in ("call", "c_call")

    for _ in range(12):
        f(x)
    sys.setprofile(watch)
    try:
        f(x)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", FUNCTIONS)
def test_python_does_not_go_round_for_each_element(name):
    f, rng = FUNCTIONS[name], np.random.default_rng(0)
    few, many = (steps(f, 1 + 0.01 * rng.standard_normal(n)) for n in (1000, 16_000))
    assert many < few + 150  # a block of thousands here and there


def test_what_comes_once_is_not_compiled_and_what_comes_often_is(monkeypatch):
    compiled = []
    monkeypatch.setattr(
        eager_jit,
        "called_natively",
        lambda p, args, params: compiled.append(p) or (p.loop_rule(*args, **params),),
    )
    monkeypatch.setattr(eager_jit, "_gone_round", {})
    f = fg.grad(lambda x: np.sum(np.cumprod(x)))
    for n in range(100, 150):
        f(np.ones(n))
    assert not compiled
    for _ in range(eager_jit.COMPILING_EQUATIONS // 100 + 2):
        f(np.ones(101))
    assert 1 <= len(compiled) < 6
    before = len(compiled)
    f(np.ones(eager_jit.COMPILING_EQUATIONS + 2))
    assert len(compiled) == before + 1
    monkeypatch.setenv("FUNCGRAD_JIT", "0")
    f(np.ones(eager_jit.COMPILING_EQUATIONS + 2))
    assert len(compiled) == before + 1
