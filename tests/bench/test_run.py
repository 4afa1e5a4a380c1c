"""Runs of made-up cases: peers that are missing, fail, disagree, or take long."""

import time

import numpy as np
import pytest

from bench.measure import Budget, disagreeing, interleaved
from bench.model import Call, Case, Sample
from bench.run import run

BRIEF = Budget(0.002, 2, 2)


def returning(result, seconds=0.0):
    def call():
        time.sleep(seconds)
        return result

    return lambda: Call(call)


def raising(error):
    def call():
        raise error

    return lambda: Call(call)


def case(systems, **options):
    return Case("made up", "sum", options.pop("size", "10"), "gradient", systems, **options)


def measured(*cases, systems=None):
    report = run("made up", cases, systems, BRIEF)
    return [row.system for row in report.rows], report


def test_rows_hold_the_rounds_of_systems_in_turns():
    names, report = measured(case({"funcgrad": returning(1.0), "NumPy": returning(1.0)}, per=5, n=10))
    assert names == ["funcgrad", "NumPy"]
    for row in report.rows:
        assert len(row.rounds) == 2 and min(row.rounds) > 0 and row.calibration > 0
        assert (row.per, row.n, row.first) == (5, 10, None)
    assert {"machine", "versions", "date", "threads"} <= report.about.keys()


def test_systems_asked_for():
    both = case({"funcgrad": returning(1.0), "NumPy": returning(1.0)})
    assert measured(both, systems=["NumPy"])[0] == ["NumPy"]


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr("bench.run.installed", lambda name: name != "JAX")
    names, report = measured(case({"funcgrad": returning(1.0), "JAX": raising(ImportError("no jax"))}))
    assert names == ["funcgrad"] and not report.failures


def test_what_a_system_cannot_do_is_left_out_without_a_word():
    names, report = measured(case({"funcgrad": returning(1.0), "NumPy": raising(NotImplementedError())}))
    assert names == ["funcgrad"] and not report.failures


def test_a_peer_that_fails_is_told_and_the_rest_goes_on(capsys):
    broken = case({"funcgrad": returning(1.0), "NumPy": raising(ValueError("bad\nand more"))})
    names, report = measured(broken, case({"NumPy": returning(2.0)}, size="20"))
    assert names == ["funcgrad", "NumPy"]
    assert report.failures == [("made up: gradient of sum, 10", "NumPy", "ValueError: bad")]
    assert "NumPy on made up: gradient of sum, 10: ValueError: bad" in capsys.readouterr().err


def test_a_peer_that_fails_in_its_rounds_costs_its_case_only():
    results = [1.0]  # enough for one call
    failing = case({"NumPy": lambda: Call(results.pop)})
    names, report = measured(failing, case({"NumPy": returning(2.0)}, size="20"))
    assert names == ["NumPy"]
    assert report.failures == [("made up: gradient of sum, 10", "NumPy", "IndexError: pop from empty list")]


def test_a_peer_that_disagrees_has_no_row():
    right, wrong = returning([1.0, 2.0]), returning([1.0, 3.0])
    names, report = measured(case({"funcgrad": right, "NumPy": right, "NumPy by hand": wrong}))
    assert names == ["funcgrad", "NumPy"]
    assert report.failures[0][1:] == (
        "NumPy by hand",
        "differs from funcgrad by 3.3e-01 of its largest number",
    )


def test_a_system_too_slow_at_one_size_is_not_tried_at_larger_ones():
    systems = {"funcgrad": returning(1.0), "NumPy": returning(1.0, 0.02)}
    cases = [case(systems, size=str(n), n=n, limit=0.1) for n in (1, 100)]
    assert measured(*cases)[0] == ["funcgrad", "NumPy", "funcgrad"]


def test_an_interruption_keeps_what_was_measured():
    names, report = measured(
        case({"NumPy": returning(1.0)}), case({"NumPy": raising(KeyboardInterrupt())}, size="20")
    )
    assert names == ["NumPy"] and report.about["interrupted"]


def test_calls_that_time_themselves():
    samples = iter([Sample(0.3, 200), Sample(0.2, 100)])
    systems = {"NumPy": lambda: Call(lambda: next(samples))}
    _, report = measured(case(systems, tolerance=None, self_timed=True))
    assert report.rows[0].rounds == (0.3, 0.2) and report.rows[0].memory == 100


def test_tracing_is_measured_on_its_own():
    _, report = measured(case({"funcgrad": lambda: Call(lambda: 1.0, trace=lambda: time.sleep(0.01) or 7)}))
    assert report.rows[0].equations == 7 and report.rows[0].traced >= 0.01


def test_one_that_times_itself_and_fails():
    _, report = measured(case({"NumPy": raising(RuntimeError("died"))}, tolerance=None, self_timed=True))
    assert not report.rows and report.failures[0][2] == "RuntimeError: died"


def test_interleaved_rounds():
    order = []
    rounds = interleaved(
        {name: lambda name=name: order.append(name) or time.sleep(0.001) for name in "ab"}, BRIEF
    )
    assert {name: len(times) for name, times in rounds.items()} == {"a": 2, "b": 2}
    assert "".join(order).count("ab") >= 2  # in turns


@pytest.mark.parametrize(
    ("results", "apart"),
    [
        ({"a": [1.0, np.nan], "b": [1.0, np.nan]}, set()),
        ({"a": [1.0, np.inf], "b": [1.0, np.inf]}, set()),
        ({"a": [1.0, np.nan], "b": [1.0, 2.0]}, {"b"}),
        ({"a": [1.0], "b": [1.0, 2.0]}, {"b"}),
        ({"a": [1.0], "b": [1.0 + 1e-9]}, set()),
        ({"a": [3.0], "b": [1.0], "c": [1.0]}, {"a"}),
        ({"a": [0.0], "b": [0.0]}, set()),
        ({"a": [], "b": []}, set()),
        ({}, set()),
    ],
)
def test_who_disagrees(results, apart):
    arrays = {name: np.array(values, float) for name, values in results.items()}
    assert disagreeing(arrays, 1e-6).keys() == apart
