"""Which statements share loops, that they may, and that the fused loops give what NumPy gives."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import funcgrad as fg
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves
from tests.compile.schedule.loop_interpreter import interpret, lowered
from tests.compile.schedule.test_random_fusion import STEPS, program

RNG = np.random.default_rng(0)
A = RNG.standard_normal((5, 7))
V = RNG.standard_normal(7)


def nests(function, *args):
    """Return the outermost blocks and leaves of a function's loops."""
    module = lowered(fg.trace(function)(*args))
    return [node for nodes in module.steps for node in nodes]


def agree(function, *args, rtol=1e-12, seeds=(None, 0)):
    """Compare the fused loops, in order and with free loops shuffled, with the plain function."""
    program = fg.trace(function)(*args)
    with np.errstate(all="ignore"):
        want = fg.tree.leaves(function(*args))
    flat = fg.tree.leaves(args)
    for seed in seeds:
        for got, w in zip(interpret(program, *flat, seed=seed), want, strict=True):
            w = np.asarray(w)
            assert got.dtype == w.dtype and got.shape == w.shape
            np.testing.assert_allclose(got, w, rtol=rtol, atol=rtol)


def moving(x):
    """Each element needs its neighbours, of an array that is worth storing."""
    y = np.sin(x) * np.exp(x)
    return y[2:] + y[:-2] * y[1:-1]


SHARED = {
    "elementwise": (lambda x: np.sin(np.cos(x)) * np.tanh(x), (A,), 1),
    "two results": (lambda x: (np.sin(x), np.cos(x) + np.sin(x)), (A,), 1),
    "softmax of rows": (
        lambda x: np.exp(x - x.max(1, keepdims=True)) / np.exp(x).sum(1, keepdims=True),
        (A,),
        1,
    ),
    "rows' sums": (lambda x: (x.sum(1), (x * x).sum(1), x.max(1)), (A,), 1),
    "sum, then what needs it": (lambda x: np.sin(x) / np.sum(np.sin(x)), (A,), 3),
    "stencil": (moving, (V,), 2),
    "transposed reader": (lambda x: (np.exp(np.sin(x)), np.exp(np.sin(x)).T + 1.0), (A[:, :5],), 2),
    "reversed reader": (lambda x: (np.exp(np.sin(x)), np.exp(np.sin(x))[::-1] + 1.0), (V,), 2),
    "other extent": (lambda x: (np.sin(x), np.sin(x[:3])), (V,), 2),
}


@pytest.mark.parametrize("name", SHARED)
def test_which_share_loops(name):
    function, args, count = SHARED[name]
    agree(function, *args)
    blocks = [n for n in nests(function, *args) if isinstance(n, Loop)]
    assert len(blocks) <= count, [n.extent for n in blocks]
    if name in ("sum, then what needs it", "stencil", "transposed reader", "reversed reader"):
        assert len(blocks) >= 2, "a producer read elsewhere runs to its end first"


def test_adjacent_axes_are_one_loop():
    (node,) = nests(lambda x: np.sin(x) + 1.0, A)
    assert node.extent == A.size and isinstance(node.children[0], Leaf)
    (node,) = nests(lambda x, v: np.sin(x) + v, A, V)
    assert node.extent == 5 and node.children[0].extent == 7


def test_reductions_complete_before_they_are_read():
    def function(x):
        s = np.sum(np.exp(x))
        t = np.max(x * s)
        return x / t + s

    agree(function, V)
    ends = {}
    for number, node in enumerate(nests(function, V)):
        for leaf in leaves(node):
            for access in leaf.statement.accesses:
                if access.writes and leaf.statement.sequential:
                    ends[access.buffer] = number
                elif not access.writes and not leaf.statement.sequential and access.buffer in ends:
                    assert ends[access.buffer] < number


def writers_come_first(nodes, inputs=("input", "constant")):
    """Whether each buffer has been written to by some statement before another reads it."""
    written = set()
    for node in nodes:
        for leaf in leaves(node):
            accesses = leaf.statement.accesses
            assert all(a.buffer in written or a.buffer.kind in inputs for a in accesses if not a.writes)
            written |= {a.buffer for a in accesses if a.writes}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, st.integers(0, 2**31))
def test_groups_are_in_an_order_that_respects_what_they_need(steps, seed):
    args = arguments(seed, ((3, 7), (7,)))
    with np.errstate(all="ignore"):
        traced = fg.trace(program(steps))(*args)
    writers_come_first([node for nodes in lowered(traced).steps for node in nodes])


def arguments(seed, shapes):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal(shapes[0]),
        rng.standard_normal(shapes[1]),
        rng.integers(-4, 5, shapes[0]),
        rng.integers(0, 2, shapes[1]).astype(bool),
    )


def random_program(steps, shapes, seed):
    args = arguments(seed, shapes)
    with np.errstate(all="ignore"):
        function = program(steps, largest=300)
        want = function(*args)
        traced = fg.trace(function)(*args)
    if lowered(traced).work > 20_000:
        return
    for order in (None, seed):
        for got, w in zip(interpret(traced, *args, seed=order), want, strict=True):
            w = np.asarray(w)
            assert got.dtype == w.dtype and got.shape == w.shape
            if w.dtype.kind in "biu":
                np.testing.assert_array_equal(got, w)
                continue
            scale = np.max(np.abs(w[np.isfinite(w)]), initial=1.0)
            np.testing.assert_allclose(got, w, rtol=1e-10, atol=1e-10 * scale)


SHAPES = st.sampled_from(
    [((3,), (2, 3)), ((4, 5), (5,)), ((2, 1, 4), (4,)), ((2, 6), (2, 1)), ((1, 1), (0, 3))]
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, SHAPES, st.integers(0, 2**31))
def test_random_programs_one_scalar_at_a_time(steps, shapes, seed):
    random_program(steps, shapes, seed)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, SHAPES, st.integers(0, 2**31))
def test_many_random_programs_one_scalar_at_a_time(steps, shapes, seed):
    random_program(steps, shapes, seed)


def recurrent(x):
    y = np.tanh(x) * 1.0
    for i in range(1, 6):
        y[i] = y[i - 1] * 0.5 + np.sin(y[i])
        y[:i] += y[i]
    return np.sum(y * y)


def mixed(x):
    y = np.sin(x)
    y[::2] *= 3.0
    z = y.T @ y
    y[1:] += y[:-1]
    z[np.array([0, 2, 0])] += y[0]
    return z, np.cumsum(y, axis=0)[::-1], y.max(0)


PROGRAMS = {
    "recurrence": (recurrent, V),
    "its gradient": (fg.grad(recurrent), V),
    "written, read, written": (mixed, A),
    "gradient of a mixture": (fg.grad(lambda x: sum(np.sum(z**2) for z in mixed(x))), A),
    "hessian": (fg.hessian(lambda x: np.sum(np.tanh(x)[1:] * x[:-1] ** 2)), V),
    "batched": (fg.vmap(fg.grad(recurrent)), A),
    "scans": (lambda x: np.cumprod(np.cumsum(x, 1)[:, ::-1], 0), A),
    "positions": (lambda x: (np.argmax(x, 0), np.argmin(x, 1), np.argmax(x)), A),
    "masks": (lambda x: np.where(x > 0, np.log(np.abs(x)), np.pad(x[1:], ((0, 1), (0, 0)))), A),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_one_scalar_at_a_time(name):
    agree(*PROGRAMS[name], seeds=(None, 0, 1), rtol=1e-11)
