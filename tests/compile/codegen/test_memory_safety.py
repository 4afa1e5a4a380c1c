"""Compiled loops give the interpreter's values and touch nothing but their arrays, whatever the vector width.

Every array ends (or begins) where memory does, so that one element too many ends the process.
"""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.codegen import scalar_writer
from funcgrad.compile.codegen.nest import NestWriter
from funcgrad.compile.runtime import machine
from tests.guarded_memory import guarded, placed

SHAPES = [
    *[(n,) for n in (1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 33, 40)],
    *[(2, 4), (3, 3), (2, 5), (5, 2), (4, 8), (1, 17), (17, 1), (7, 9), (3, 13), (9, 15), (2, 33), (40, 3)],
    *[(2, 2, 2), (3, 1, 5), (2, 3, 4), (1, 7, 3), (3, 5, 7), (2, 8, 9)],
]


def variation(x):
    return np.sum(np.diff(x.ravel()) ** 2)


def padded_sum(x):
    flat = x.ravel()
    total = np.pad(-flat, (0, 1)) + np.pad(flat, (1, 0))
    return total[: x.size].reshape(x.shape) + total[1:].reshape(x.shape)


def padded_everywhere(x):
    y = np.pad(x, 1)
    return y[tuple(slice(2, None) for _ in x.shape)] * 2 - y[tuple(slice(None, -2) for _ in x.shape)]


def rolled(x):
    return np.roll(x, 1) * x + np.roll(x.ravel(), -2).reshape(x.shape)[::-1]


def joined(x):
    return np.concatenate([x.ravel(), x.ravel()[::-1], x.ravel()[1::2]]) * 3


def written(x):
    y = x * 2
    y[..., 1:] += x[..., :-1]
    y[..., ::2] *= x[..., ::2]
    return y


def turned(x):
    return x.T @ x + np.sum(x, axis=0) if x.ndim == 2 else x.T[::-1] * x.T


def running(x):
    return np.cumsum(x, axis=-1) - np.flip(np.cumsum(np.flip(x, 0), axis=0), 0)


def chosen(x):
    return np.where(
        np.pad(x, 1)[tuple(slice(1, -1) for _ in x.shape)] > 0,
        np.pad(x.ravel(), (3, 0))[: x.size].reshape(x.shape),
        x,
    )


FUNCTIONS = [variation, padded_sum, padded_everywhere, rolled, joined, written, turned, running, chosen]


def _with_gradient(f):
    def both(x):
        return f(x), fg.grad(lambda x: np.sum(np.sin(0.01 * f(x))))(x)

    return both


def _differs(f, x, at_end):
    compiled = fg.jit(f)
    x = placed(x, at_end=at_end)
    with guarded(at_end=at_end):
        got = compiled(x)
    tolerance = 2e-4 if x.dtype == np.float32 else 1e-10
    return not all(np.allclose(g, w, rtol=tolerance, atol=tolerance) for g, w in zip(got, f(x), strict=True))


def _input(shape, dtype):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("at_end", [True, False])
def test_shapes_that_straddle_vectors(f, at_end):
    wrong = [s for s in SHAPES if _differs(_with_gradient(f), _input(s, np.float64), at_end)]
    assert not wrong


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_single_precision(f):
    wrong = [s for s in SHAPES[1::3] if _differs(_with_gradient(f), _input(s, np.float32), True)]
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
def test_every_width(f, rows):
    for dtype in (np.float64, np.float32):
        shapes = [(rows, n) for n in range(1, 41)]
        assert not [s for s in shapes if _differs(_with_gradient(f), _input(s, dtype), s[1] % 2 == 0)]


@pytest.mark.parametrize("layout", ["strided", "reversed", "Fortran", "empty", "read-only"])
def test_layouts(layout):
    x = _input((6, 18), np.float64)
    place = {
        "strided": lambda x: placed(x, at_end=True)[::2, ::3],
        "reversed": lambda x: placed(x, at_end=False)[::-1, ::-1],
        "Fortran": lambda x: placed(np.asfortranarray(x), at_end=True),
        "empty": lambda x: placed(x[:0], at_end=True),
        "read-only": lambda x: placed(x, at_end=True),
    }[layout]
    with guarded(at_end=True):
        y = place(x)
        y.flags.writeable = layout != "read-only"
        for f in (lambda x: np.tanh(x) * 2, lambda x: np.sum(x, axis=0) @ x.T, lambda x: np.pad(x, 1)):
            np.testing.assert_allclose(fg.jit(f)(y), f(y), rtol=1e-12, atol=1e-12)


def test_the_law_notices_what_guards_would_tell_the_vectorizer(monkeypatch):
    """With the guards' zero in plain sight, and no loop split at them, LLVM 22.1 makes wrong loops of some of these."""
    monkeypatch.setattr(NestWriter, "_parts", lambda self, node, level, bounds: [bounds])
    assert not [s for s in SHAPES if _differs(_with_gradient(padded_sum), _input(s, np.float64), False)]
    monkeypatch.setattr(scalar_writer.ValueWriter, "_zero", lambda self: "0")
    if machine.identity().startswith("22.1.0") and "+avx2" in machine.identity():
        assert [s for s in SHAPES if _differs(padded_alone, _input(s, np.float64), False)]


def padded_alone(x):
    flat = x.ravel()
    return (np.pad(-flat, (0, 1)) + np.pad(flat, (1, 0)),)
