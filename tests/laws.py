"""The laws every differentiable function keeps, checked on one call: `check_laws(function, *args)`."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.core.program import every_program

__all__ = ["assert_same", "check_laws", "equations_of", "leaves"]

STEP = 1e-5
RTOL = 1e-6


def check_laws(
    function: Callable, *args: Any, order: int = 2, vmap: bool = True, traced: Any = np, exact: bool = False
) -> None:
    """Check `function(namespace, *args)` against NumPy, finite differences, and itself.

    Args:
        function: takes a namespace (NumPy's or funcgrad's) and the arguments.
        args: arrays; the floating and complex ones are differentiated.
        order: the highest derivative compared with finite differences; 0 for none.
        vmap: whether to compare vmap with a loop.
        traced: the namespace the traced calls use: `numpy`, or funcgrad's where it cannot dispatch.
        exact: values must be equal, not close.
    """
    expected = function(np, *args)
    assert_same(function(fnp, *args), expected, exact)

    def f(*xs):
        return function(traced, *xs)

    def g(*xs):
        return function(fnp, *xs)

    assert_same(fg.trace(f)(*args)(*args), expected, exact)
    assert_same(fg.trace(g)(*args)(*args), expected, exact)
    if order and any(_differentiable(x) for x in args) and any(_differentiable(y) for y in leaves(expected)):
        single = any(np.asarray(x).dtype.char in "fF" for x in (*args, *leaves(expected)))
        _check_first(f, args, single)
        if order > 1 and not single:
            _check_second(f, args)
    if vmap:
        _check_vmap(f, args, order)


def leaves(y: Any) -> list[Any]:
    """Return the arrays of a result: an array, or nested tuples and lists of them."""
    return [z for item in y for z in leaves(item)] if isinstance(y, (tuple, list)) else [y]


def assert_same(y: Any, expected: Any, exact: bool = False, rtol: float = 1e-11) -> None:
    """Assert that two results have the same leaves: shape, dtype and value."""
    ys, zs = leaves(y), leaves(expected)
    assert len(ys) == len(zs), (y, expected)
    for a, b in zip(ys, zs, strict=True):
        assert np.shape(a) == np.shape(b), (np.shape(a), np.shape(b))
        assert np.asarray(a).dtype == np.asarray(b).dtype, (np.asarray(a).dtype, np.asarray(b).dtype)
        if exact or np.asarray(b).dtype.kind not in "fc":
            np.testing.assert_array_equal(a, b)
        else:
            single = np.asarray(b).dtype in (np.float32, np.complex64)
            np.testing.assert_allclose(a, b, rtol=1e-5 if single else rtol, atol=1e-6 if single else 1e-12)


def _differentiable(x):
    return np.asarray(x).dtype.kind in "fc"


def _rng(args):
    return np.random.default_rng([len(args), *(n for x in args for n in np.shape(x))])


def _like(rng, x):
    """A random array of the shape and dtype of x."""
    x = np.asarray(x)
    y = rng.standard_normal(x.shape)
    if x.dtype.kind == "c":
        y = y + 1j * rng.standard_normal(x.shape)
    return y.astype(x.dtype)


def _split(f, args) -> tuple[Callable, list]:
    """Return f as a function of its differentiable arguments that returns the differentiable leaves."""
    chosen = [i for i, x in enumerate(args) if _differentiable(x)]

    def h(*xs):
        full = list(args)
        for i, x in zip(chosen, xs, strict=True):
            full[i] = x
        out = leaves(f(*full))
        return [y for y in out if np.dtype(y.dtype if hasattr(y, "dtype") else type(y)).kind in "fc"]

    return h, [args[i] for i in chosen]


def _inner(xs, ys):
    return sum(float(np.real(np.sum(np.asarray(x) * np.asarray(y)))) for x, y in zip(xs, ys, strict=True))


def _shifted(xs, ds, step):
    return [x + step * d for x, d in zip(xs, ds, strict=True)]


def _close(a, b):
    scale = max([1.0, *(float(np.max(np.abs(y), initial=0)) for y in b)])
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=RTOL, atol=RTOL * scale)


def _difference(h, xs, ds):
    ups, downs = h(*_shifted(xs, ds, STEP)), h(*_shifted(xs, ds, -STEP))
    return [(np.asarray(u) - np.asarray(d)) / (2 * STEP) for u, d in zip(ups, downs, strict=True)]


def _check_first(f, args, single):
    h, xs = _split(f, args)
    rng = _rng(args)
    ds = [_like(rng, x) for x in xs]
    ys, dots = fg.jvp(h, tuple(xs), tuple(ds))
    _close(ys, h(*xs))
    if not single:
        _close(dots, _difference(h, xs, ds))
    again, pullback = fg.vjp(h, *xs)
    _close(again, ys)
    bars = [_like(rng, y) for y in ys]
    x_bars = pullback(bars)
    for bar, x in zip(x_bars, xs, strict=True):
        assert np.shape(bar) == np.shape(x) and bar.dtype == np.asarray(x).dtype
    left, right = _inner(bars, dots), _inner(x_bars, ds)
    np.testing.assert_allclose(left, right, rtol=1e-4 if single else 1e-9, atol=1e-5 if single else 1e-9)


def _check_second(f, args):
    """The derivative of the pullback along a direction, forward over reverse."""
    h, xs = _split(f, args)
    rng = _rng(args)
    ds = [_like(rng, x) for x in xs]
    bars = [_like(rng, y) for y in h(*xs)]

    def gradient(*points):
        return fg.vjp(h, *points)[1](bars)

    _, dots = fg.jvp(gradient, tuple(xs), tuple(ds))
    _close(dots, _difference(gradient, xs, ds))


def _examples(args) -> Iterator[tuple]:
    rng = _rng(args)
    for _ in range(3):
        yield tuple([x + 0.01 * _like(rng, x) if _differentiable(x) else x for x in args])


def _check_vmap(f, args, order):
    examples = list(_examples(args))
    batched = [np.stack(column) for column in zip(*examples, strict=True)]
    got = leaves(fg.vmap(f)(*batched))
    rows = [leaves(f(*example)) for example in examples]
    for y, column in zip(got, zip(*rows, strict=True), strict=True):
        assert_same(y, np.stack(column), rtol=1e-9)
    if order and any(map(_differentiable, args)) and any(map(_differentiable, rows[0])):
        _check_vmap_of_gradient(f, args, examples)


def _check_vmap_of_gradient(f, args, examples):
    rng = _rng(args)
    h, _ = _split(f, args)
    bars = [_like(rng, y) for y in h(*[x for x in args if _differentiable(x)])]

    def gradient(*xs):
        return fg.vjp(h, *xs)[1](bars)

    points = [[x for x in example if _differentiable(x)] for example in examples]
    got = fg.vmap(gradient)(*[np.stack(column) for column in zip(*points, strict=True)])
    rows = [gradient(*point) for point in points]
    for y, column in zip(got, zip(*rows, strict=True), strict=True):
        assert_same(y, np.stack(column), rtol=1e-8)


def equations_of(program):
    """Return the equations of a program, and of those in it."""
    return [e for p in every_program(program) for e in p.equations]
