"""What the loops of small programs look like as text."""

import re

import numpy as np
import pytest

import funcgrad as fg

V = np.arange(4.0)
M = np.ones((3, 4))


def scaled(x, y):
    return np.sin(x) * 2.0 + y


def normalized(x):
    return x / np.sqrt(np.sum(x * x, axis=1, keepdims=True))


def windows(x):
    return np.pad(x, 1)[2:] - x


def chosen(x, where):
    return np.where(x > 0, x[where], -1.0)


def wide(x, y):
    return x.astype(np.float64) * y


def product(x, y):
    return np.tanh(x @ y)


def ordered(x):
    return np.sum(np.sort(x)[:2])


def running(x):
    return np.cumsum(x) + 1.0


TEXTS = {
    scaled: (
        (M, V),
        """
scaled(x: float64[3,4], y: float64[4]) -> float64[3,4]:
    for i in range(3):
        for j in range(4):
            out[i, j] = (sin(x[i, j]) * 2.0) + y[j]
""",
    ),
    normalized: (
        (M,),
        """
normalized(x: float64[3,4]) -> float64[3,4]:
    for i in range(3):
        t0 = 0.0
        for j in range(4):
            t0 += x[i, j]**2
        t1 = sqrt(t0)
        for j in range(4):
            out[i, j] = x[i, j] / t1
""",
    ),
    chosen: (
        (V, np.array([0, 1, -1, 2])),
        """
chosen(x: float64[4], where: int64[4]) -> float64[4]:
    for i in range(4):
        out[i] = x[where[i]] if (x[i] > 0.0) else -1.0
""",
    ),
    wide: (
        (V.astype(np.float32), 2.0),
        """
wide(x: float32[4], y: float) -> float64[4]:
    for i in range(4):
        out[i] = float64(x[i]) * y
""",
    ),
    product: (
        (np.ones((20, 20)), np.ones((20, 20))),
        """
product(x: float64[20,20], y: float64[20,20]) -> float64[20,20]:
    s0 = empty([20, 20], float64)
    s0 = x @ y  # BLAS, 20x20 by 20x20
    for i in range(400):
        out.flat[i] = tanh(s0.flat[i])
""",
    ),
    running: (
        (V,),
        """
running(x: float64[4]) -> float64[4]:
    s0 = empty([], float64)
    s0 = -0.0
    for i in range(4):
        s0 = s0 + x[i]
        t0 = s0
        out[i] = t0 + 1.0
""",
    ),
}


@pytest.mark.parametrize("function", TEXTS, ids=lambda f: f.__name__)
def test_text(function):
    args, want = TEXTS[function]
    assert fg.jit(function).lower(*args).loops == want.strip()


def test_guards_calls_and_large_rows():
    text = fg.jit(windows).lower(V).loops
    assert re.search(r"out\[i\] = \(x\[i \+ 1\] if .* < .* else 0\.0\) - x\[i\]", text)
    assert "numpy: " in fg.jit(ordered).lower(V).loops

    def rows(x):
        y = np.exp(np.sin(x) * np.cos(x))
        return y * np.exp(y / np.sum(y, 1, keepdims=True))

    assert "= empty(4, float64)" in fg.jit(rows).lower(M).loops


def test_every_line_is_named_and_indented():
    def function(x, *, flip):
        y = x * 2.0
        y[1] = 5.0
        y[2:] += flip * x[:2]
        return {"a": np.cumprod(y), "b": [np.argmax(y), np.exp(y) + np.exp(y) ** 2]}

    text = fg.jit(function).lower(V, flip=-1.0).loops
    assert text.startswith("function(x: float64[4], flip: float) -> ")
    assert "?" not in text and "object at" not in text
    assert all((len(line) - len(line.lstrip())) % 4 == 0 for line in text.splitlines())
    assert {f"out{k}" for k in range(3)} <= set(re.findall(r"out\d", text))


def test_gradients_of_unrolled_loops_print():
    def steps(x):
        y = x * 1.0
        for i in range(1, 4):
            y[i] = np.sin(y[i - 1]) * y[i]
        return np.sum(y)

    text = fg.jit(fg.grad(steps)).lower(V).loops
    assert text.startswith("grad_steps(x: float64[4]) -> float64[4]:") and "cos(" in text


def test_any_number_of_nested_loops_prints():
    text = fg.jit(lambda x: x.T + 1).lower(np.ones((2,) * 10)).loops
    assert "for i9 in range(2):" in text and "out[i, j, k, l, m, n, p, q, i8, i9] = x[i9, i8, q," in text
