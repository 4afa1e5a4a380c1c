"""Answers to the small workloads against plain NumPy and complex steps of it."""

from functools import cache

import numpy as np
import pytest

from bench.gradbench.differences import STEP, along, apart, central, gradient, judge, relative
from bench.gradbench.evals import ba
from bench.gradbench.protocol import timed
from bench.gradbench.reference import REFERENCES
from bench.gradbench.systems import SYSTEMS
from bench.gradbench.workloads import FUNCTIONS, WORKLOADS, Workload, of_class

# Beside the workloads of class small: results that are not zero, and other ways through the same programs.
SHORT = [
    Workload("ode", f"n={n},s={s}", "", lambda n=n, s=s: {"x": np.random.RandomState(n).rand(n), "s": s})
    for n, s in ((1, 1), (2, 1), (20, 10))
]
NESTED = [*WORKLOADS["particle"], *WORKLOADS["saddle"]]  # their reference takes seconds
TWINS = {
    "7",
    "10_10_1000",
    "n=1000,s=100",
    "simple_small/hand1_t26_c100",
}  # each with a sibling that is tested here
SMALL = [w for w in of_class("small") if w not in NESTED and w.label not in TWINS]
SLOW = [*NESTED, *(w for w in of_class("small", "middle") if w.label in TWINS or w.size == "middle")]


@pytest.mark.parametrize("workload", [*SMALL, *SHORT], ids=lambda w: f"{w.module}-{w.label}")
def test_small_workloads(workload):
    given = workload.make()
    error = judge(workload.module, given)
    for function in FUNCTIONS[workload.module]:
        output, _, times = timed(SYSTEMS["funcgrad"](workload.module, function), given, runs=2)
        assert len(times) == 2
        assert error(function, output) <= 1e-10, function


@pytest.mark.slow
@pytest.mark.parametrize("workload", SLOW, ids=lambda w: f"{w.module}-{w.label}")
def test_other_workloads(workload):
    given = workload.make()
    error = judge(workload.module, given)
    for function in FUNCTIONS[workload.module]:
        output, _, _ = timed(SYSTEMS["funcgrad"](workload.module, function), given)
        assert error(function, output) <= 1e-10, function


def test_the_jacobian_of_observations_that_differ():
    """The eval's own are copies, which would hide an observation that sees another's camera."""
    rng = np.random.default_rng(0)
    n, m, p = 3, 4, 13
    given = WORKLOADS["ba"][0].make()
    near = lambda x, count: x * rng.uniform(0.9, 1.1, (count, *np.shape(x)))
    cameras, points = near(given["cam"], n), near(given["x"], m)
    weights, features = near(given["w"], p), near(given["feat"], p)
    i = np.arange(p)
    seen = ba.Observations(i, i % n, i % m)
    rows, columns, values = ba.jacobian(seen, cameras, points, weights, features)
    dense = np.zeros((3 * p, 11 * n + 3 * m + p))
    for row in range(3 * p):
        part = slice(rows[row], rows[row + 1])
        assert (np.diff(columns[part]) > 0).all()
        dense[row, columns[part]] = values[part]
    want = np.zeros_like(dense)
    for i in range(p):
        variables = {"cam": cameras[i % n], "x": points[i % m], "w": weights[i]}
        f, _ = REFERENCES["ba"]({**given, **variables, "feat": features[i]})
        starts = {"cam": 11 * (i % n), "x": 11 * n + 3 * (i % m), "w": 11 * n + 3 * m + i}
        for name, x in variables.items():
            for k, unit in enumerate(np.eye(np.size(x))):
                one = lambda x, name=name, f=f, variables=variables: f(**{**variables, name: x})
                error = along(one, x, unit.reshape(np.shape(x)))
                want[[2 * i, 2 * i + 1, 2 * p + i], starts[name] + k] = error
    assert relative(dense, want) <= 1e-13
    errors, misses = ba.objective(seen, cameras, points, weights, features)
    assert errors.shape == (p, 2)
    assert misses.shape == (p,)


@cache
def right(module):
    """Return the judge of one of an eval's workloads, and the derivative's output there."""
    given = next(w for w in SMALL if w.module == module).make()
    output, _, _ = timed(SYSTEMS["funcgrad"](module, FUNCTIONS[module][1]), given)
    return judge(module, given), output


@pytest.mark.parametrize(
    ("module", "spoil"),
    [
        ("det", lambda x: [*x[:-1], x[-1] * 1.001]),
        ("gmm", lambda x: {**x, "q": (1.001 * np.array(x["q"])).tolist()}),
        ("gmm", lambda x: {name: part for name, part in x.items() if name != "l"}),
        ("ba", lambda x: {**x, "vals": [*x["vals"][:-1], 0.0]}),
        ("ba", lambda x: {**x, "cols": [*x["cols"][:-1], 0]}),
        ("ba", lambda x: {**x, "vals": x["vals"][:-1]}),
        ("ht", lambda x: [[0.0, *row[1:]] for row in x]),
        ("ht", lambda x: x[:-1]),
        ("ht", lambda x: [row[:-1] for row in x]),
        ("kmeans", lambda x: (-np.array(x)).tolist()),
        ("kmeans", lambda x: x[:-1]),
        ("lse", lambda x: (1.001 * np.array(x)).tolist()),
        ("lse", lambda x: x[:-1]),
    ],
)
def test_wrong_answers_are_seen(module, spoil):
    error, output = right(module)
    assert error(FUNCTIONS[module][1], output) <= 1e-10
    assert error(FUNCTIONS[module][1], spoil(output)) >= 1e-4


def test_differences_are_those_of_known_functions():
    x = np.array([0.5, -2.0, 3.0])
    f = lambda x: (x**3).sum() * np.exp(x[0])
    want = 3 * x**2 * np.exp(0.5) + np.array([f(x), 0.0, 0.0])
    assert STEP < np.finfo(float).eps
    assert relative(gradient(f, x), want) <= 1e-15
    assert relative(central(f, x), want) <= 1e-9


def test_relative_errors():
    assert relative([1.0, 2.0], [1.0, 2.5]) == 0.2
    assert relative(0.0, 0.0) == 0.0
    assert relative([], []) == 0.0
    assert relative(1.0, [1.0]) == np.inf
    assert apart({"a": 1.0, "b": [2.0]}, {"b": [1.0], "a": 1.0}) == 1.0
    assert apart({"a": 1.0}, {"b": 1.0}) == np.inf
    assert apart(1.0, {"a": 1.0}) == np.inf
