"""Regressions told from made-up numbers, and from a program's own."""

import json

import numpy as np
import pytest

import funcgrad as fg
from bench import check
from bench.check import Recorded, Verdict, settled, verdicts
from bench.subjects import COUNTS, RATIOS, Subject, counts, ratios


@pytest.mark.parametrize(
    ("quantity", "recorded", "found", "worse", "better"),
    [
        ("loops", 10, 11, False, False),
        ("loops", 10, 12, True, False),
        ("loops", 2, 3, True, False),
        ("loops", 12, 10, False, True),
        ("scratch bytes", 0, 0, False, False),
        ("scratch bytes", 0, 64, True, False),
        ("LLVM instructions", 1000, 1099, False, False),
        ("executed instructions", 1000, 1101, True, False),
        ("compiled / interpreted", 0.1, 0.14, False, False),
        ("compiled / interpreted", 0.1, 0.16, True, False),
        ("derivative / function", 3.0, 1.9, False, True),
    ],
)
def test_a_verdict(quantity, recorded, found, worse, better):
    verdict = Verdict("sum", quantity, recorded, found)
    assert (verdict.worse, verdict.better) == (worse, better)


def test_only_what_was_recorded_is_judged():
    recorded = {"a": {"loops": 1}, "gone": {"loops": 1}}
    found = {"a": {"loops": 2, "scratch bytes": 8}, "new": {"loops": 1}}
    assert list(verdicts(recorded, found)) == [Verdict("a", "loops", 1, 2)]


def test_ratios_are_tried_again_only_where_they_are_worse():
    taken = {"good": iter([1.0]), "slow once": iter([9.0, 1.2]), "slow": iter([9.0, 8.0, 7.0])}
    recorded = {name: {"derivative / function": 1.0} for name in taken}
    best = settled(taken, lambda name: {"derivative / function": next(taken[name])}, recorded)
    assert {name: found["derivative / function"] for name, found in best.items()} == {
        "good": 1.0,
        "slow once": 1.2,
        "slow": 7.0,
    }


def test_the_text_tells_what_got_worse():
    judged = [
        Verdict("sum", "loops", 1, 2),
        Verdict("sum", "scratch bytes", 0, 64),
        Verdict("sum", "loops", 1, 1),
    ]
    assert (
        check.text(judged, ["mean"])
        == """\
2 worse, 0 better, of 3 compared.

worse:
    sum: loops 1 -> 2 (2.00x)
    sum: scratch bytes 0 -> 64

not recorded:
    mean"""
    )


@pytest.fixture
def one_subject(monkeypatch):
    def function(x):
        return np.sum(np.sin(x) ** 2)

    subject = Subject("gradient of sum, 10", function, fg.grad(function), lambda: (np.ones(10),))
    monkeypatch.setattr(check, "subjects", lambda: [subject])
    monkeypatch.setattr(check, "available", lambda: False)
    return subject


def test_counts_and_ratios_of_a_program(one_subject):
    found = counts(one_subject)
    assert found["loops"] == 1 and found["LLVM instructions"] > 10 and found["scratch bytes"] == 0
    assert found.keys() < set(COUNTS)
    assert ratios(one_subject).keys() == set(RATIOS)


def test_recorded_and_checked(one_subject, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(check, "ratios", lambda subject: {"derivative / function": 2.0})
    path = tmp_path / "recorded.json"
    assert check.main(path, None, record=True) == 0
    assert check.main(path, None, record=False) == 0
    assert "0 worse, 0 better, of 4 compared" in capsys.readouterr().out

    content = json.loads(path.read_text())
    content["found"]["gradient of sum, 10"]["LLVM instructions"] //= 2
    path.write_text(json.dumps(content))
    assert check.main(path, None, record=False) == 1
    assert "gradient of sum, 10: LLVM instructions" in capsys.readouterr().out


def test_other_versions_execute_otherwise():
    recorded = Recorded({"versions": {"numpy": "1", "python": "3"}}, {})
    assert recorded.executes_alike({"versions": {"numpy": "1", "python": "3", "jax": "9"}})
    assert not recorded.executes_alike({"versions": {"numpy": "2", "python": "3"}})


def test_a_part_recorded_anew_keeps_the_rest(one_subject, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "subjects", lambda: [one_subject, Subject("other", None, None, None)])
    monkeypatch.setattr(check, "ratios", lambda subject: {"derivative / function": 2.0})
    path = tmp_path / "recorded.json"
    Recorded({}, {"other": {"loops": 1.0}}).write(path)
    assert check.main(path, "gradient of", record=True) == 0
    assert Recorded.read(path).found.keys() == {"other", "gradient of sum, 10"}


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"about": {}, "found": {"sum": {"loops": "many"}}}']
)
def test_a_missing_or_damaged_record_says_what_to_do(one_subject, tmp_path, content, capsys):
    path = tmp_path / "recorded.json"
    if content is not None:
        path.write_text(content)
    assert check.main(path, None, record=False) == 2
    message = capsys.readouterr().err
    assert str(path) in message and "python -m bench --check --record" in message


def test_a_pattern_that_matches_nothing(one_subject, tmp_path, capsys):
    assert check.main(tmp_path / "recorded.json", "hessian", record=False) == 2
    assert "'hessian'" in capsys.readouterr().err
