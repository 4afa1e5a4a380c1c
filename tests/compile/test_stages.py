"""The stages one by one: lowering from types, compiling ahead of time, and what a call costs."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import DTypeError, ShapeError, TreeError

X = np.linspace(0, 1, 6).reshape(2, 3)


def loss(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


def test_from_types_alone():
    types = fg.ArrayType((3,), float), fg.ArrayType((2, 3), float)
    lowered = fg.jit(fg.grad(loss)).lower(*types)
    compiled = lowered.compile()
    w = np.ones(3)
    np.testing.assert_allclose(compiled(w, X), fg.grad(loss)(w, X), rtol=1e-13)
    assert "tanh" in lowered.loops and "define" in lowered.llvm and len(lowered.assembly) > 100
    assert lowered.program.in_types == list(types) or tuple(lowered.program.in_types) == types


def test_from_examples_in_containers():
    f = fg.jit(lambda p, *, x: {"y": p["a"] * x, "n": [p["b"]]})
    compiled = f.lower({"a": X, "b": 2}, x=3.0).compile()
    out = compiled({"a": X + 1, "b": 5}, x=2.0)
    np.testing.assert_array_equal(out["y"], (X + 1) * 2)
    assert out["n"] == [5]


def test_wrong_arguments():
    compiled = fg.jit(lambda x, y: x + y).lower(X, 1.0).compile()
    with pytest.raises(TreeError, match="expected arguments of the structure"):
        compiled(X)
    with pytest.raises(TreeError, match="expected arguments of the structure"):
        compiled(X, y=1.0)
    with pytest.raises(ShapeError, match=r"float64\[2,3\]"):
        compiled(X.T, 1.0)
    with pytest.raises(DTypeError, match=r"expected argument \[0\]: float64"):
        compiled(X.astype(np.float32), 1.0)
    np.testing.assert_array_equal(compiled(X.T.copy().T, 1.0), X + 1)


def test_static_arguments_are_fixed():
    f = fg.jit(lambda x, axis: np.sum(x, axis), static_argnames="axis")
    np.testing.assert_allclose(f.lower(X, axis=1).compile()(X), X.sum(1))


COSTS = {
    "elementwise": (lambda x: x * 2.0 + 1.0, (X,), 2 * 6, 48, 48, 0),
    "sum": (lambda x: np.sum(x), (X,), 6, 48, 8, 0),
    "sum of squares": (lambda x: np.sum(x * x), (X,), 12, 48, 8, 0),
    "transcendental": (lambda x: np.sin(x), (X,), 6, 48, 48, 0),
    "integers": (lambda x: x + 1, (np.arange(6),), 0, 48, 48, 0),
    "moved": (lambda x: x.T[::-1], (X,), 0, 48, 48, 0),
    "single": (lambda x: x * x, (X.astype(np.float32),), 6, 24, 24, 0),
    "matrix product": (lambda x, y: x @ y, (np.ones((20, 30)), np.ones((30, 10))), 2 * 6000, 7200, 1600, 0),
    "product by loops": (lambda x, y: x @ y, (np.ones((3, 4)), np.ones(4)), 24, 128, 24, 0),
    "scratch": (lambda x: np.sin(x) / np.sum(np.sin(x)), (np.ones(64),), 64 + 64 + 64, 512, 512, 512),
}


@pytest.mark.parametrize("name", COSTS)
def test_costs_counted_by_hand(name):
    function, args, flops, read, written, scratch = COSTS[name]
    cost = fg.jit(function).lower(*args).cost()
    assert (cost.flops, cost.bytes_read, cost.bytes_written) == (flops, read, written)
    assert cost.peak_scratch == scratch or (scratch and cost.peak_scratch <= 2 * scratch)
    assert f"{flops:,} flops" in str(cost) and "bytes of scratch" in str(cost)


def test_constants_are_read():
    table = np.arange(100.0)
    cost = fg.jit(lambda x: x * table).lower(np.ones(100)).cost()
    assert cost.bytes_read == 1600 and cost.flops == 100
