"""The battery: every registered primitive, on each of its samples, against every law.

A law is a function of a primitive, a sample and its arrays that raises AssertionError where it does
not hold. `cases()` lists what there is to run; `tests/test_battery.py` runs it. A new primitive
needs no test file: its samples are enough.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from funcgrad.compile.jit import jit
from funcgrad.core.check import check
from funcgrad.core.primitive import Bad, Primitive, Sample, box, primitives
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import is_inexact, type_of
from funcgrad.errors import FuncgradError
from funcgrad.testing.finite import directional, inner, random_like
from funcgrad.transforms.collective import bound_axis
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp
from funcgrad.transforms.vmap import vmap
from funcgrad.tree import leaves

__all__ = [
    "LAWS",
    "Case",
    "active",
    "bad_calls",
    "cases",
    "differentiable",
    "function_of",
    "law",
    "precision",
    "refuses",
    "same",
    "smooth",
]


class Case(NamedTuple):
    """A primitive, one of its samples, and the law to try."""

    primitive: Primitive
    sample: Sample
    law: Callable

    def run(self) -> None:
        """Raise AssertionError where the law does not hold."""
        with bound_axis("battery", 1, 0), np.errstate(all="ignore"):
            self.law(self.primitive, self.sample, arrays_of(self.sample))


def arrays_of(sample: Sample) -> list[Any]:
    """Return the arguments of a sample as arrays and numbers."""
    return [x.array(i) if isinstance(x, box) else x for i, x in enumerate(sample.args)]


def cases() -> Iterator[tuple[str, Case]]:
    """Yield a readable name and a case for every primitive, sample and law that applies."""
    for name, primitive in primitives().items():
        samples = [s for s in primitive.samples() if isinstance(s, Sample)]
        for i, sample in enumerate(samples):
            for variant, changed in _variants(sample):
                for law in LAWS:
                    if law.applies(primitive, changed):
                        label = f"{name}-{i}{variant}-{law.__name__}"
                        yield label, Case(primitive, changed, law)


def bad_calls() -> Iterator[tuple[str, Primitive, Bad]]:
    """Yield every call that a primitive says must be refused."""
    for name, primitive in primitives().items():
        for i, bad in enumerate(s for s in primitive.samples() if isinstance(s, Bad)):
            yield f"{name}-{i}", primitive, bad


def _variants(sample: Sample) -> Iterator[tuple[str, Sample]]:
    yield "", sample
    if sample.derivative is None and any(
        isinstance(x, box) and np.dtype(x.dtype) == float for x in sample.args
    ):
        single = [box(x.shape, x.low, x.high, np.float32) if _is_real_box(x) else x for x in sample.args]
        yield "-float32", Sample(tuple(single), sample.params, smooth=False)


def _is_real_box(x):
    return isinstance(x, box) and np.dtype(x.dtype) == float


def active(primitive: Primitive, arrays: list[Any]) -> list[int]:
    """Return the positions of the arguments that have derivatives."""
    partials = getattr(primitive, "partials", None)
    return [
        i
        for i, x in enumerate(arrays)
        if is_inexact(type_of(x).dtype) and (partials is None or partials[i] is not None)
    ]


def function_of(primitive: Primitive, sample: Sample, arrays: list[Any], positions: list[int]) -> Callable:
    """Return the primitive as a function of the arguments at `positions`, with inexact results only."""

    def function(*xs):
        args = list(arrays)
        for i, x in zip(positions, xs, strict=True):
            args[i] = x
        out = bind(primitive, *args, **sample.params)
        outs = list(out) if primitive.multiple else [out]
        return [y for y in outs if is_inexact(type_of(y).dtype)]

    return function


def law(applies: Callable) -> Callable:
    def register(law: Callable) -> Callable:
        law.applies = applies  # type: ignore[attr-defined]
        LAWS.append(law)
        return law

    return register


LAWS: list[Any] = []


def _always(primitive, sample):
    return True


def differentiable(primitive, sample):
    return primitive.differentiable and bool(active(primitive, arrays_of(sample)))


def smooth(primitive, sample):
    return sample.smooth and sample.derivative is None and differentiable(primitive, sample)


def _results(primitive, out):
    return list(out) if primitive.multiple else [out]


def same(got, want, tolerance, what):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    scale = max(1.0, float(np.max(np.abs(want[np.isfinite(want)]), initial=0.0)))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def precision(arrays):
    single = any(type_of(x).dtype in (np.float32, np.complex64) for x in arrays)
    return 2e-4 if single else 1e-10


@law(_always)
def types_agree(primitive, sample, arrays):
    """The type rule gives the shape and dtype of what evaluation gives."""
    out = primitive.type_rule(*map(type_of, arrays), **sample.params)
    got = bind(primitive, *arrays, **sample.params)
    for t, y in zip(_results(primitive, out), _results(primitive, got), strict=True):
        assert t.strong() == type_of(y).strong(), f"type rule {t}, evaluation {type_of(y)}"


@law(_always)
def staged_equals_eager(primitive, sample, arrays):
    """The staged program is lawful and computes what evaluation computes."""
    program = stage_flat(
        lambda *xs: _results(primitive, bind(primitive, *xs, **sample.params)),
        [*map(type_of, arrays)],
        "battery",
    )
    check(program)
    want = _results(primitive, bind(primitive, *arrays, **sample.params))
    for got, y in zip(program(*arrays), want, strict=True):
        np.testing.assert_array_equal(got, y)


@law(_always)
def compiled_equals_interpreted(primitive, sample, arrays):
    """Machine code computes what NumPy does, and so do its pushforward and its pullback."""

    def function(*xs):
        return _results(primitive, bind(primitive, *xs, **sample.params))

    for got, want in zip(jit(function)(*arrays), function(*arrays), strict=True):
        assert type_of(got).strong() == type_of(want).strong(), (
            f"compiled {type_of(got)}, evaluated {type_of(want)}"
        )
        same(got, want, precision([*arrays, want]), "compiled")
    if not differentiable(primitive, sample):
        return
    positions = active(primitive, arrays)
    smooth = function_of(primitive, sample, arrays, positions)
    xs = tuple(arrays[i] for i in positions)
    y_bars = random_like(smooth(*xs), np.random.default_rng(2))

    def derivatives(xs, x_dots, y_bars):
        return jvp(smooth, xs, x_dots)[1], vjp(smooth, *xs)[1](y_bars)

    args = (xs, random_like(xs, np.random.default_rng(1)), y_bars)
    for got, want in zip(*(leaves(f(*args)) for f in (jit(derivatives), derivatives)), strict=True):
        same(got, want, precision([*arrays, want]), "compiled derivative")


@law(_always)
def inputs_are_kept(primitive, sample, arrays):
    """Evaluation takes strided and read-only arrays, gives the same, and writes to none."""
    want = _results(primitive, bind(primitive, *arrays, **sample.params))
    before = [np.array(x) for x in arrays]
    strided = []
    for x in arrays:
        if isinstance(x, np.ndarray) and x.ndim:
            wide = np.repeat(x, 2, axis=-1)
            view = wide[..., ::2]
            view.flags.writeable = False
            x = view
        strided.append(x)
    got = _results(primitive, bind(primitive, *strided, **sample.params))
    for g, w in zip(got, want, strict=True):
        same(g, w, precision(arrays), "strided input")
    for x, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, b)


@law(smooth)
def jvp_is_the_derivative(primitive, sample, arrays):
    """The pushforward is what central differences (or a complex step) give."""
    positions = active(primitive, arrays)
    function = function_of(primitive, sample, arrays, positions)
    xs = tuple(arrays[i] for i in positions)
    x_dots = random_like(xs, np.random.default_rng(1))
    want = directional(lambda args: function(*args), xs, x_dots, 1e-3)
    _, got = jvp(function, xs, x_dots)
    for g, w in zip(got, want, strict=True):
        same(g, w, 1e-8, "jvp against differences")


@law(differentiable)
def derivative_types_agree(primitive, sample, arrays):
    """Tangents have the type of the result, cotangents the types of the arguments."""
    positions = active(primitive, arrays)
    function = function_of(primitive, sample, arrays, positions)
    xs = tuple(arrays[i] for i in positions)
    ys, y_dots = jvp(function, xs, random_like(xs, np.random.default_rng(1)))
    for y, y_dot in zip(ys, y_dots, strict=True):
        assert type_of(y).strong() == type_of(y_dot).strong(), f"{type_of(y)} and tangent {type_of(y_dot)}"
    ys, pullback = vjp(function, *xs)
    for x, x_bar in zip(xs, pullback(random_like(ys, np.random.default_rng(2))), strict=True):
        assert type_of(x).strong() == type_of(x_bar).strong(), f"{type_of(x)} and cotangent {type_of(x_bar)}"


@law(differentiable)
def vjp_is_the_transpose(primitive, sample, arrays):
    """<y_bar, J x_dot> = <J^T y_bar, x_dot>, for each argument alone and for all together."""
    positions = active(primitive, arrays)
    subsets = [positions] if len(positions) == 1 else [positions, *([i] for i in positions)]
    for chosen in subsets:
        function = function_of(primitive, sample, arrays, chosen)
        xs = tuple(arrays[i] for i in chosen)
        x_dots = random_like(xs, np.random.default_rng(1))
        ys, y_dots = jvp(function, xs, x_dots)
        y_bars = random_like(ys, np.random.default_rng(2))
        _, pullback = vjp(function, *xs)
        got, want = inner(pullback(y_bars), x_dots), inner(y_bars, y_dots)
        if np.isfinite(want):
            same(got, want, precision([*arrays, *ys]), f"vjp against jvp, by arguments {chosen}")


@law(lambda primitive, sample: smooth(primitive, sample) and sample.order >= 2)
def second_derivatives(primitive, sample, arrays):
    """The derivative of the pushforward and of the pullback are what differences give."""
    positions = active(primitive, arrays)
    function = function_of(primitive, sample, arrays, positions)
    xs = tuple(arrays[i] for i in positions)
    rng = np.random.default_rng(3)
    u, v = random_like(xs, rng), random_like(xs, rng)
    y_bars = random_like(function(*xs), rng)

    def pushed(*args):
        return jvp(function, args, u)[1]

    def pulled(*args):
        return list(vjp(function, *args)[1](y_bars))

    for derivative in (pushed, pulled):
        want = directional(lambda args, f=derivative: f(*args), xs, v, 1e-3)
        _, forward = jvp(derivative, xs, v)
        for g, w in zip(forward, want, strict=True):
            same(g, w, 1e-7, f"second derivative ({derivative.__name__}, forward)")
        zs, pullback = vjp(derivative, *xs)
        z_bars = random_like(zs, rng)
        same(
            inner(pullback(z_bars), v), inner(z_bars, want), 1e-7, f"second ({derivative.__name__}, reverse)"
        )


@law(lambda primitive, sample: any(type_of(x).ndim or True for x in arrays_of(sample)))
def vmap_equals_loop(primitive, sample, arrays):
    """Batching any subset of the arguments equals a loop over the examples."""
    if not arrays:
        return
    size = 3
    rng = np.random.default_rng(4)
    for batched in product([False, True], repeat=len(arrays)):
        if not any(batched):
            continue
        rows = [_examples(x, size, rng) if b else x for x, b in zip(arrays, batched, strict=True)]
        in_axes = tuple(0 if b else None for b in batched)

        def one(*xs):
            return _results(primitive, bind(primitive, *xs, **sample.params))

        got = vmap(one, in_axes=in_axes)(*rows)
        for i in range(size):
            want = one(*[x[i] if b else x for x, b in zip(rows, batched, strict=True)])
            for g, w in zip(got, want, strict=True):
                same(g[i], w, precision(arrays), f"vmap over {in_axes}, example {i}")
    if differentiable(primitive, sample) and sample.derivative is None:
        _vmapped_derivatives(primitive, sample, arrays)


def _vmapped_derivatives(primitive, sample, arrays):
    """The batched pullback equals a loop over cotangents."""
    positions = active(primitive, arrays)
    function = function_of(primitive, sample, arrays, positions)
    xs = tuple(arrays[i] for i in positions)
    ys, pullback = vjp(function, *xs)
    rng = np.random.default_rng(5)
    rows = [random_like(ys, rng) for _ in range(2)]
    stacked = [np.stack([row[k] for row in rows]) for k in range(len(ys))]
    got = vmap(pullback)(stacked)
    for i, row in enumerate(rows):
        for g, w in zip(got, pullback(row), strict=True):
            if np.isfinite(w).all():
                same(g[i], w, precision([*arrays, *ys]), "vmap of the pullback")


def _examples(x, size, rng):
    """Return `size` examples like `x`: it, and permutations of its elements within their range."""
    x = np.asarray(x)
    rows = [x]
    for _ in range(size - 1):
        if is_inexact(x.dtype) and x.size and np.isfinite(x).all():
            rows.append((x * (1 + 0.01 * rng.random())).astype(x.dtype))
        else:
            rows.append(x)
    return np.stack(rows)


@law(lambda primitive, sample: sample.derivative is not None)
def special_point(primitive, sample, arrays):
    """At a special point the gradient of the sum is the declared one, in both modes."""
    positions = [i for i, d in enumerate(sample.derivative) if d is not None]
    function = function_of(primitive, sample, arrays, positions)
    xs = tuple(np.asarray(arrays[i]) for i in positions)
    ys, pullback = vjp(function, *xs)
    gradient = pullback([np.ones_like(y) for y in ys])
    for i, g in zip(positions, gradient, strict=True):
        np.testing.assert_allclose(g, sample.derivative[i], rtol=1e-12, err_msg=f"gradient by argument {i}")
    for k, i in enumerate(positions):
        want = np.asarray(sample.derivative[i])
        for j in np.ndindex(want.shape):
            x_dots = [np.zeros_like(x) for x in xs]
            x_dots[k][j] = 1
            _, y_dots = jvp(function, xs, tuple(x_dots))
            total = sum(np.sum(d) for d in y_dots)
            np.testing.assert_allclose(total, want[j], rtol=1e-12, err_msg=f"jvp along {i}{j}")


def refuses(primitive: Primitive, bad: Bad) -> FuncgradError:
    """Return the error with which a bad call is refused; raise AssertionError if it is not."""
    arrays = [x.array(i) if isinstance(x, box) else x for i, x in enumerate(bad.args)]
    try:
        primitive.type_rule(*map(type_of, arrays), **bad.params)
    except FuncgradError as error:
        return error
    raise AssertionError(f"{primitive.name} accepted {bad}")
