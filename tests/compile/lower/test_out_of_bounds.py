"""Whatever reads or writes at traced positions refuses those out of range, compiled as interpreted."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp


def set_item(x, i):
    y = x * 1.0
    y[i] = 5.0
    return y


def add_item(x, i):
    y = x * 1.0
    y[i] += 5.0
    return y


def put(x, i):
    y = x * 1.0
    np.put_along_axis(y, np.ones(1, int) * i, 3.0, 0)
    return y


CASES = {
    "element": lambda x, i: x[i],
    "elements": lambda x, i: x[i * np.ones(2, int)],
    "take": lambda x, i: fnp.take(x, i),
    "take_along_axis": lambda x, i: fnp.take_along_axis(x, np.ones(1, int) * i, 0),
    "of a sum": lambda x, i: (x * 0 + 1)[i],
    "of what is the same everywhere": lambda x, i: np.broadcast_to(x[0], (len(x),))[i],
    "used for nothing": lambda x, i: x[i] * 0 + 1,
    "summed": lambda x, i: np.sum(x[i * np.ones(2, int)]),
    "row": lambda x, i: x[:, None][i, 0],
    "column": lambda x, i: x[None, :][0, i],
    "in a branch of where": lambda x, i: np.where(x[0] > 5, x[i], 0.0),
    "set": set_item,
    "added": add_item,
    "put": put,
    "at": lambda x, i: x.at[i].add(1.0),
    "gradient": lambda x, i: fg.grad(lambda x: np.sum(np.sin(x[i])))(x),
    "vmap": lambda x, i: fg.vmap(lambda j: x[j])(i + np.zeros(2, int)),
    "scan": lambda x, i: fg.scan(lambda c, _: (c + x[i], None), 0.0, None, length=2)[0],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_positions(name, size):
    f = CASES[name]
    x = np.arange(1.0, size + 1)
    compiled = fg.jit(f)
    for i in (0, -1, size - 1, -size):
        np.testing.assert_array_equal(compiled(x, i), fg.vjp(lambda x, i=i: f(x, i), x)[0], strict=True)
    for i in (size, -size - 1, 99, -99):
        with pytest.raises(IndexError):
            compiled(x, i)


@pytest.mark.parametrize("name", ["element", "set", "added", "at", "scan"])
def test_an_empty_array_has_no_element(name):
    for f in (fg.jit(CASES[name]), fg.trace(CASES[name])):
        with pytest.raises(IndexError):
            f(np.zeros(0), 0)


def test_no_positions_of_an_empty_array():
    assert fg.jit(lambda x, i: x[i])(np.zeros((0, 2)), np.zeros(0, int)).shape == (0, 2)
