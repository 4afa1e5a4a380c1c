"""Random programs of tens of operations on mixed shapes and dtypes: compiled, they give what NumPy gives."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import funcgrad as fg

DTYPES = [np.float64, np.float64, np.int64, np.int32, np.bool_]


class Made:
    """A value of the program; `exact` if no rounding made it, so that decisions on it are the same everywhere."""

    def __init__(self, value, exact):
        self.value = value
        self.exact = exact

    @property
    def real(self):
        return self.value.dtype.kind == "f"


def _axis(x, k):
    return k % x.ndim if x.ndim else None


def _smooth(f):
    def apply(x, y, k):
        return Made(f(x.value * 1.0), False)

    return apply


def _moved(f):
    """An operation that moves elements: as exact as its argument."""

    def apply(x, y, k):
        return Made(f(x.value, k), x.exact) if x.value.ndim else x

    return apply


def _pair(f, exact=True):
    def apply(x, y, k):
        try:
            shape = np.broadcast_shapes(x.value.shape, y.value.shape)
        except ValueError:
            y = Made(y.value.ravel()[:1].sum() if y.value.size else y.value.sum(), y.exact)
            shape = x.value.shape
        if np.prod(shape) > 5000:
            return x
        return Made(f(x.value, y.value), exact and x.exact and y.exact)

    return apply


def _reduced(f):
    def apply(x, y, k):
        v = x.value * 0.25 if x.real else x.value
        axis = _axis(v, k) if k % 3 else None
        if v.size == 0 or not v.ndim:
            return x
        return Made(f(v, axis, bool(k % 2)), x.exact and not x.real)

    return apply


def _decided(f):
    """An operation that decides on values: only on exact ones."""

    def apply(x, y, k):
        return Made(f(x.value, k), True) if x.exact and x.value.ndim and x.value.size else x

    return apply


def _select(x, y, k):
    if not (x.exact and y.exact) or x.value.shape != y.value.shape:
        return x
    return Made(
        np.where(x.value > y.value, x.value * 2, y.value - 1 if y.value.dtype != bool else y.value), True
    )


def _written(x, y, k):
    z = x.value * 1
    if z.ndim:
        z[k % max(z.shape[0], 1) : k % max(z.shape[0], 1) + 1] = 2
        z[..., ::2] = z[..., ::2] * 3 if z.dtype != bool else False
        if z.shape[0] and x.real:
            z[-1] += 1.5
    return Made(z, x.exact)


def _scattered(x, y, k):
    if not x.real or not x.value.ndim or not x.value.shape[0]:
        return x
    places = np.arange(7) * (k + 1) % x.value.shape[0]
    z = x.value * 0.5
    z[places[:3]] = x.value[places[2:5]] * 2
    return Made(z[places].sum(0) + x.value, False)


def _product(x, y, k):
    a, b = x.value, y.value
    if a.dtype == bool or a.ndim != 2 or b.dtype == bool:
        return x
    if b.ndim == 2 and b.shape[0] == a.shape[1]:
        return Made((a * 0.1) @ (b * 0.1), False)
    return Made((a * 0.1) @ (a * 0.1).T if a.shape[0] <= 40 else (a * 0.1).T @ (a * 0.1), False)


def _reshaped(x, k):
    if x.ndim == 1 and x.size % 2 == 0:
        return x.reshape(2, -1)
    return x.reshape(-1) if k % 2 else x.reshape(x.shape[::-1])


OPERATIONS = [
    _smooth(np.tanh), _smooth(np.sin), _smooth(lambda x: np.exp(-x * x)), _smooth(lambda x: np.log1p(x * x)),
    _smooth(lambda x: 1 / (1 + x * x)), _smooth(lambda x: np.sqrt(np.abs(x) + 1)), _smooth(lambda x: np.tanh(x) ** 3),
    _moved(lambda x, k: x.T), _moved(lambda x, k: x[::-1]), _moved(lambda x, k: x[..., k % 3 :: 2]),
    _moved(lambda x, k: np.roll(x, k)), _moved(lambda x, k: np.concatenate([x, x[: k % 4]])),
    _moved(_reshaped), _moved(lambda x, k: x[None] if x.ndim < 3 else x[0] if x.shape[0] else x),
    _moved(lambda x, k: np.pad(x, k % 3)), _moved(lambda x, k: x[np.arange(k % 6) % max(len(x), 1)] if len(x) else x),
    _moved(lambda x, k: np.swapaxes(x, 0, -1)), _moved(lambda x, k: np.repeat(x, 2, axis=0) if x.size < 500 else x),
    _moved(lambda x, k: np.stack([x, x]) if x.size < 300 and x.ndim < 3 else x),
    _pair(np.add), _pair(np.multiply), _pair(lambda x, y: x - y * 1), _pair(np.maximum), _pair(np.minimum),
    _pair(lambda x, y: np.tanh(x * 1.0) / (2.0 + np.abs(y * 1.0)), exact=False), _pair(lambda x, y: np.hypot(x, y * 1.0), False),
    _reduced(lambda x, a, k: np.sum(x, a, keepdims=k)), _reduced(lambda x, a, k: np.max(x, a, keepdims=k)),
    _reduced(lambda x, a, k: np.min(x, a, keepdims=k)), _reduced(lambda x, a, k: np.mean(x, a, keepdims=k)),
    _reduced(lambda x, a, k: np.var(x, a, keepdims=k)), _reduced(lambda x, a, k: np.any(x, a, keepdims=k)),
    _decided(lambda x, k: np.argmax(x, k % x.ndim)), _decided(lambda x, k: x > k % 3), _decided(lambda x, k: x != 0),
    _decided(lambda x, k: np.cumsum(x, k % x.ndim)), _decided(lambda x, k: np.sort(x, k % x.ndim)),
    _decided(lambda x, k: x.astype(DTYPES[k % 5])), _decided(lambda x, k: np.floor(x * 0.5)),
    _select, _written, _scattered, _product,
    lambda x, y, k: Made(np.cumsum(x.value * 0.1, axis=-1), False) if x.real and x.value.ndim else x,
    lambda x, y, k: Made(np.cumprod(np.tanh(x.value * 1.0), axis=0), False) if x.value.ndim else x,
    lambda x, y, k: Made(np.linalg.norm(x.value * 1.0, axis=-1), False) if x.value.ndim else x,
]  # fmt: skip

STEPS = st.lists(
    st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 40), st.integers(0, 40)),
    min_size=3,
    max_size=40,
)
SHAPES = st.sampled_from(
    [((7,), (3, 7)), ((4, 5), (5,)), ((2, 3, 4), (4,)), ((700,), (1,)), ((6, 130), (6, 1)), ((1, 1), (0, 3))]
)


def program(steps, largest=3000):
    def function(*inputs):
        values = [Made(x, True) for x in inputs]
        for which, i, j in steps:
            x, y = values[-1 - i % min(4, len(values))], values[j % len(values)]
            z = OPERATIONS[which](x, y, i + j)
            if z.value.size <= largest:
                values.append(z)
        return [v.value for v in values[len(inputs) :][-4:]]

    return function


def agree(steps, shapes, single, seed):
    rng = np.random.default_rng(seed)
    inputs = [
        rng.standard_normal(shapes[0]),
        rng.standard_normal(shapes[1]).astype(np.float32 if single else np.float64),
        rng.integers(-4, 5, shapes[0]),
        rng.integers(0, 2, shapes[1]).astype(bool),
    ]
    f = program(steps)
    with np.errstate(all="ignore"):
        want = f(*inputs)
        got = fg.jit(f)(*inputs)
    for g, w in zip(got, want, strict=True):
        g, w = np.asarray(g), np.asarray(w)
        assert g.shape == w.shape and g.dtype == w.dtype, (g.dtype, g.shape, w.dtype, w.shape)
        if w.dtype.kind in "biu":
            np.testing.assert_array_equal(g, w)
            continue
        scale = np.max(np.abs(w[np.isfinite(w)]), initial=1.0)
        tolerance = 1e-4 if single else 1e-10
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance * scale)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, SHAPES, st.booleans(), st.integers(0, 2**31))
def test_random_programs_compiled(steps, shapes, single, seed):
    agree(steps, shapes, single, seed)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, SHAPES, st.booleans(), st.integers(0, 2**31))
def test_many_random_programs_compiled(steps, shapes, single, seed):
    agree(steps, shapes, single, seed)
