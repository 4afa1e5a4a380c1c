"""Forward derivatives of loops and branches carry the tangents there are, and run the loop once."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.core.primitive import primitives
from funcgrad.programs.dataflow import activity


def descent(x, start):
    """Return where a descent of (y - start)**2 + x ends: x is only compared, and has no tangent to give."""

    def step(state):
        y, value, rate = state
        new = y - rate * 2 * (y - start)
        after = (new - start) ** 2 + x
        return fg.cond(after < value, lambda: (new, after, rate * 1.1), lambda: (y, value, rate * 0.5))

    return fg.while_loop(lambda s: s[2] > 1e-3, step, (0.0 * start + 1.0, x + 1e3, 0.1))


def loops(program):
    return [e for e in program.equations if e.primitive.name in ("while", "scan", "switch")]


def test_what_is_only_compared_has_no_tangent():
    program = fg.trace(lambda x: descent(x, 0.3))(2.0)
    assert activity(program, (True,)) == (False, True, False)
    tangents = fg.trace(lambda x: fg.jvp(lambda x: descent(x, 0.3), (x,), (1.0,)))(2.0)
    (loop,) = loops(tangents)
    assert len(loop.outputs) == 4  # y, value and rate, and the value's tangent
    y_dot, value_dot, rate_dot = fg.jvp(lambda x: descent(x, 0.3), (2.0,), (1.0,))[1]
    assert (y_dot, value_dot, rate_dot) == (0.0, 1.0, 0.0)


def test_start_reaches_everything_but_the_rate():
    program = fg.trace(lambda s: descent(2.0, s))(0.3)
    assert activity(program, (True,)) == (True, True, False)


@pytest.mark.parametrize("compiled", [False, True])
def test_loop_of_a_chain(compiled):
    """A tangent goes from part to part of the carry, one further an iteration."""

    def chain(x, n):
        parts = fg.fori_loop(
            0, n, lambda i, s: (s[0], s[0] * 2, s[1] * 3, s[2] * 5, s[4]), (x, x, 1.0, 1.0, 7.0)
        )
        return parts[1:]

    f = fg.jit(chain, static_argnums=1) if compiled else chain
    for n in (1, 2, 3, 5):
        x, h = 0.7, 1e-6
        want = [(b - a) / (2 * h) for a, b in zip(chain(x - h, n), chain(x + h, n), strict=True)]
        np.testing.assert_allclose(
            fg.jvp(lambda x, n=n: f(x, n), (x,), (1.0,))[1], want, rtol=1e-6, atol=1e-9
        )


def test_scan_stacks_tangents_of_what_is_reached():
    def function(x):
        return fg.scan(lambda c, t: ((c[0] * x, c[1] + t), (c[0], c[1])), (1.0, 0.0), np.arange(3.0))

    program = fg.trace(function)(2.0)
    assert activity(program, (True,)) == (True, False, True, False)
    ((c_dot, t_dot), (y_dot, z_dot)) = fg.jvp(function, (2.0,), (1.0,))[1]
    np.testing.assert_array_equal(c_dot, 12.0)
    np.testing.assert_array_equal(y_dot, [0.0, 1.0, 4.0])
    np.testing.assert_array_equal(t_dot, 0.0)
    np.testing.assert_array_equal(z_dot, np.zeros(3))


def test_branches_may_reach_different_results():
    def function(x, w):
        return fg.cond(w > 0, lambda x: (x * 2, w), lambda x: (w, fnp.sin(x)), x)

    for w in (1.0, -1.0):
        program = fg.trace(lambda x, w=w: function(x, np.float64(w)))(0.5)
        assert activity(program, (True,)) == (True, True)
        got = fg.jvp(lambda x, w=w: function(x, np.float64(w)), (0.5,), (1.0,))[1]
        np.testing.assert_allclose(got, (2.0, 0.0) if w > 0 else (0.0, np.cos(0.5)))


def test_a_loop_runs_once_for_value_and_tangent():
    function = lambda x: fg.while_loop(lambda s: s[0] < 9.0, lambda s: (s[0] * 1.5, np.sin(s[1])), (x, x))
    program = fg.trace(lambda x: fg.jvp(function, (x,), (1.0,)))(1.0)
    assert len(loops(program)) == 1
    program = fg.trace(
        lambda x: fg.jvp(lambda x: fg.scan(lambda c, t: (c * x + t, c), x, np.arange(4.0)), (x,), (1.0,))
    )
    assert len(loops(program(1.0))) == 1
    program = fg.trace(lambda x: fg.jvp(lambda x: fg.cond(x > 0, np.sin, np.cos, x), (x,), (1.0,)))(1.0)
    assert len(loops(program)) == 1


RULED = [p for p in primitives().values() if p.activity_rule is not None]


@pytest.mark.parametrize("primitive", RULED, ids=lambda p: p.name)
def test_an_activity_rule_leaves_no_tangent_out(primitive):
    """For every choice of active arguments, results said to have no tangent have none."""
    rng = np.random.default_rng(0)
    for sample in primitive.samples():
        args = [np.asarray(x.array() if hasattr(x, "array") else x) for x in sample.args]
        smooth = [i for i, x in enumerate(args) if x.dtype.kind == "f"]
        for chosen in (set(smooth[k::2]) for k in range(2)):
            active = tuple(i in chosen for i in range(len(args)))
            reached = primitive.activity_rule(active, **sample.params)

            def function(*changing, chosen=chosen, args=args, sample=sample):
                given = iter(changing)
                return primitive(
                    *(next(given) if i in chosen else x for i, x in enumerate(args)), **sample.params
                )

            changing = [args[i] for i in sorted(chosen)]
            ways = [rng.standard_normal(x.shape) for x in changing]
            h = 1e-6
            ends = [function(*(x + s * w for x, w in zip(changing, ways, strict=True))) for s in (h, -h)]
            for a, b, has in zip(*ends, reached, strict=True):
                if not has:
                    np.testing.assert_allclose(a, b, atol=1e-12)
