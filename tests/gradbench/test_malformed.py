"""What is no message, or no input, is answered with what was required and what came; the tool goes on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.gradbench import fields
from bench.gradbench.session import Session

RUNS = {"min_runs": 1, "min_seconds": 0}
DET = {"A": [1.0, 2.0, 3.0, 4.0], "ell": 2}
GMM = {
    "d": 2, "k": 1, "n": 1, "m": 0, "gamma": 1.0, "x": [[0.0, 1.0]], "alpha": [0.0], "mu": [[0.0, 0.0]],
    "q": [[0.0, 0.0]], "l": [[0.0]],
}  # fmt: skip
BA = {"n": 1, "m": 1, "p": 1, "cam": [0.1] * 11, "x": [0.0] * 3, "w": 0.5, "feat": [0.0] * 2}
LSTM = {
    "main_params": [[0.0] * 4] * 2, "extra_params": [[0.0]] * 3, "state": [[0.0]] * 2, "sequence": [[0.0], [1.0]],
}  # fmt: skip
MODEL = {
    "bone_count": 1, "parents": [-1], "base_relatives": [np.eye(4).tolist()], "weights": [[1.0]],
    "inverse_base_absolutes": [np.eye(4).tolist()], "base_positions": [[0.0] * 4], "triangles": [[0, 0, 0]],
}  # fmt: skip
HT = {"theta": [0.0] * 26, "us": [], "data": {"correspondences": [0], "points": [[0.0] * 3], "model": MODEL}}


@pytest.fixture(scope="module")
def tool():
    with Session(quiet=True) as session:
        yield session


def refused(tool, line, number):
    """Return the reason that a line is refused for, having seen that the next one is answered."""
    tool.say(line)
    answer = tool.heard()
    assert answer.keys() == {"id", "success", "error"}
    assert answer["id"] == number
    assert answer["success"] is False
    asked = {"id": 99, "kind": "evaluate", "module": "hello", "function": "square", "input": 3}
    after = tool.ask(asked)
    assert (after["id"], after["success"], after["output"]) == (99, True, 9.0)
    return answer["error"]


@pytest.mark.parametrize(
    ("line", "number", "parts"),
    [
        ("{not json", None, ["JSON object a line", "{not json"]),
        ('{"id": 1, "kind": "start"', None, ["JSON object a line", "delimiter"]),
        ('{"id": 1, "kind": "start"} {}', None, ["JSON object a line", "Extra data"]),
        ("\x00\x01", None, ["JSON object a line"]),
        ("[" * 100_000, None, ["JSON object a line", "[[[..."]),
        ('{"id": 1' + "0" * 5000 + "}", None, ["JSON object a line", "integer"]),
        ("[1, 2]", None, ["JSON object a line", "a list of 2"]),
        ('"start"', None, ["JSON object a line", '"start"']),
        ("null", None, ["JSON object a line", "null"]),
        ("{}", None, ["integer 'id'", "null"]),
        ('{"kind": "start"}', None, ["integer 'id'", "null"]),
        ('{"id": "1", "kind": "start"}', None, ["integer 'id'", '"1"']),
        ('{"id": 1.0, "kind": "start"}', None, ["integer 'id'", "1.0"]),
        ('{"id": true, "kind": "start"}', None, ["integer 'id'", "true"]),
        ('{"id": 5}', 5, ["'kind'", "null"]),
        ('{"id": 5, "kind": ["start"]}', 5, ["'kind'", "a list of 1"]),
        ('{"id": 5, "kind": "define"}', 5, ["a module among hello, det", "null"]),
        ('{"id": 5, "kind": "define", "module": "nothing"}', 5, ["a module among hello, det", '"nothing"']),
        ('{"id": 5, "kind": "define", "module": ["det"]}', 5, ["a module among hello, det", "a list of 1"]),
        ('{"id": 5, "kind": "define", "module": "../det"}', 5, ["a module among hello, det", '"../det"']),
        ('{"id": 5, "kind": "evaluate", "module": "x", "function": "y"}', 5, ["a module among", '"x"']),
        ('{"id": 5, "kind": "evaluate", "module": "det"}', 5, ["a function among primal, gradient", "null"]),
        (
            '{"id": 5, "kind": "evaluate", "module": "det", "function": "inverse", "input": {}}',
            5,
            ["a function among primal, gradient", '"inverse"'],
        ),
        ('{"id": 5, "kind": "evaluate", "module": "det", "function": "primal"}', 5, ["'input'", "none"]),
        (
            '{"id": 5, "kind": "evaluate", "module": "det", "function": "primal", "input": null}',
            5,
            ["the input to be an object", "null"],
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_messages(tool, line, number, parts):
    reason = refused(tool, line, number)
    assert all(part in reason for part in parts), reason


HUGE = 10**400
CASES = [
    # How often to run.
    ("det", "primal", {**DET, "min_seconds": 0}, ["the field 'min_runs'", "'A', 'ell', 'min_seconds'"]),
    ("det", "primal", {**DET, "min_runs": 1}, ["the field 'min_seconds'", "'A', 'ell', 'min_runs'"]),
    *(
        ("det", "primal", {**DET, **RUNS, "min_runs": runs}, ["'min_runs'", "integer from 1", shown])
        for runs, shown in [(0, "0"), (-1, "-1"), (1.5, "1.5"), ("3", '"3"'), (True, "true"), (None, "null"),
                            ([1], "a list of 1"), (HUGE, "a huge integer")]
    ),
    *(
        ("det", "primal", {**DET, **RUNS, "min_seconds": seconds}, ["'min_seconds'", "finite number of at least 0", shown])
        for seconds, shown in [(-1, "-1"), (-1e-9, "-1e-09"), ("1", '"1"'), (float("nan"), "NaN"), (None, "null"),
                               (float("inf"), "Infinity"), (True, "true"), ({}, "an object of nothing"),
                               (HUGE, "a huge integer")]
    ),
    # Fields that are missing, of the wrong type or shape.
    ("det", "primal", {"ell": 2, **RUNS}, ["the field 'A'"]),
    ("det", "primal", {"A": [1.0], **RUNS}, ["the field 'ell'"]),
    *(
        ("det", "gradient", {"A": value, "ell": 2, **RUNS}, ["'A'", "numbers of shape (4,)", shown])
        for value, shown in [
            ([1, 2, 3], "shape (3,)"), ([[1, 2], [3, 4]], "shape (2, 2)"), ([[1, 2], [3]], "different lengths"),
            ([1, [2], 3, 4], "different lengths"), ("1234", '"1234"'), (7, "7"), (None, "null"),
            ({"0": 1}, "an object of '0'"), ([], "shape (0,)"), (["1", "2", "3", "4"], "strings"),
            ([1, "2", 3, 4], "strings"), ([True, False, True, True], "booleans"), ([1, 2, None, 4], "null"),
            ([1, 2, {}, 4], "objects"), ([1, 2, 3, HUGE], "huge integers"), ([1.5, 2, 3, HUGE], "huge integers"),
        ]
    ),
    ("det", "primal", {**DET, "A": [1.0, float("nan"), 3, 4], **RUNS}, ["'A' to be finite", "nan"]),
    ("det", "primal", {**DET, "A": [1.0, float("-inf"), 3, 4], **RUNS}, ["'A' to be finite", "-inf"]),
    *(
        ("det", "primal", {**DET, "ell": ell, **RUNS}, ["'ell'", "integer from 1 to 16", shown])
        for ell, shown in [(0, "0"), (-2, "-2"), (2.0, "2.0"), ("2", '"2"'), (17, "17"), (HUGE, "a huge integer")]
    ),
    *(
        ("hello", function, value, ["a finite number", shown])
        for function in ("square", "double")
        for value, shown in [("3", '"3"'), ([3], "a list of 1"), ({"x": 3}, "an object of 'x'"), (None, "null"),
                             (True, "true"), (float("nan"), "NaN"), (HUGE, "a huge integer")]
    ),
    ("gmm", "objective", {**GMM, "d": 1, **RUNS}, ["'d'", "integer from 2", "1"]),
    ("gmm", "objective", {**GMM, "m": -1, **RUNS}, ["'m'", "integer from 0", "-1"]),
    ("gmm", "objective", {**GMM, "gamma": 0, **RUNS}, ["'gamma' to be above zero", "0"]),
    ("gmm", "jacobian", {**GMM, "mu": [[0.0]], **RUNS}, ["'mu'", "shape (1, 2)", "shape (1, 1)"]),
    ("gmm", "jacobian", {**GMM, "l": [0.0], **RUNS}, ["'l'", "shape (1, 1)", "shape (1,)"]),
    ("ba", "objective", {**BA, "cam": [0.1] * 10, **RUNS}, ["'cam'", "shape (11,)", "shape (10,)"]),
    ("ba", "objective", {**BA, "p": 0, **RUNS}, ["'p'", "integer from 1", "0"]),
    ("ba", "jacobian", {**BA, "p": HUGE, **RUNS}, ["'p'", "integer from 1", "a huge integer"]),
    ("ba", "jacobian", {**BA, "w": "half", **RUNS}, ["'w'", "finite number", '"half"']),
    ("ht", "objective", {**HT, "data": [], **RUNS}, ["'data' to be an object", "a list of 0"]),
    ("ht", "objective", {**HT, "theta": [0.0] * 25, **RUNS}, ["'theta'", "shape (26,)", "shape (25,)"]),
    ("ht", "objective", {**HT, "us": 3, **RUNS}, ["'us'", "shape (1, 2)", "3"]),
    ("ht", "jacobian", {**HT, "us": [[0.1]], **RUNS}, ["'us'", "shape (1, 2)", "shape (1, 1)"]),
    *(
        ("ht", "objective", {**HT, "data": {**HT["data"], "correspondences": value}, **RUNS}, ["'correspondences'", *parts])
        for value, parts in [([1], ["from 0 to 0", "got 1"]), ([-1], ["from 0 to 0", "got -1"]), ([2**63], ["got 9223372036854775808"]),
                             ([0.5], ["integers", "fractions"]), ([0, 0], ["shape (1,)", "shape (2,)"])]
    ),
    (
        "ht", "objective", {**HT, "data": {**HT["data"], "model": {**MODEL, "parents": [0]}}, **RUNS},
        ["every parent before its bone", "[0]"],
    ),
    ("kmeans", "cost", {"points": [[0.0, 1.0]], "centroids": [[0.0]], **RUNS}, ["'centroids'", "shape (k, 2)", "shape (1, 1)"]),
    ("kmeans", "dir", {"points": [], "centroids": [[0.0]], **RUNS}, ["'points'", "shape (n, d)", "shape (0,)"]),
    ("llsq", "primal", {"x": [1.0], "n": 1, **RUNS}, ["'n'", "integer from 2", "1"]),
    ("lse", "gradient", {"x": [], **RUNS}, ["'x'", "shape (n,)", "shape (0,)"]),
    ("lse", "gradient", {"x": [[1.0]], **RUNS}, ["'x'", "shape (n,)", "shape (1, 1)"]),
    ("lstm", "objective", {**LSTM, "main_params": [[0.0] * 4], **RUNS}, ["'main_params'", "two rows for each layer", "1 rows"]),
    ("lstm", "objective", {**LSTM, "sequence": [[1.0]], **RUNS}, ["'sequence'", "a row to predict", "one row"]),
    ("lstm", "jacobian", {**LSTM, "state": [[0.0]], **RUNS}, ["'state'", "shape (2, 1)", "shape (1, 1)"]),
    ("ode", "primal", {"x": [1.0], "s": 0, **RUNS}, ["'s'", "integer from 1", "0"]),
    ("particle", "rr", {"w": None, **RUNS}, ["'w'", "finite number", "null"]),
    ("saddle", "ff", {"start": [1.0], **RUNS}, ["'start'", "shape (2,)", "shape (1,)"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "function", "given", "parts"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_inputs(tool, module, function, given, parts):
    message = {"id": 7, "kind": "evaluate", "module": module, "function": function, "input": given}
    reason = refused(tool, json.dumps(message), 7)
    assert all(part in reason for part in parts), reason


@pytest.mark.parametrize("name", ["det", "gmm", "ba", "ht", "lstm"])
def test_the_inputs_spoilt_here_are_right_themselves(tool, name):
    given = {"det": DET, "gmm": GMM, "ba": {**BA, "x": [0.0, 0.0, 1.0]}, "ht": HT, "lstm": LSTM}[name]
    function = "primal" if name == "det" else "objective"
    message = {"id": 1, "kind": "evaluate", "module": name, "function": function}
    answer = tool.ask({**message, "input": {**given, **RUNS}})
    assert answer["success"], answer


def test_unknown_kinds_are_acknowledged_and_blank_lines_passed_over(tool):
    tool.say("")
    tool.say("   ")
    assert tool.ask({"id": 3, "kind": "unheard"}) == {"id": 3}
    assert tool.ask({"id": 4, "kind": "analysis", "of": 2, "valid": True}) == {"id": 4}
    assert tool.ask({"id": 5, "kind": "end"}) == {"id": 5}
    assert tool.ask({"id": 10**30, "kind": "end"}) == {"id": 10**30}


def test_a_result_that_json_cannot_hold_is_an_error(tool):
    message = {"id": 1, "kind": "evaluate", "module": "hello", "function": "square", "input": 1e300}
    answer = tool.ask(message)
    assert answer == {"id": 1, "success": False, "error": answer["error"]}
    assert "expected a finite output, got inf or nan in it" in answer["error"]


def test_bytes_that_are_no_text():
    """The input ends after them without a newline, and the tool with status 0."""
    lines = b'\xff\xfe{"id"\n{"id": 1, "kind": "start"}'
    command = [sys.executable, "-m", "bench.gradbench"]
    ran = subprocess.run(command, input=lines, capture_output=True, cwd=Path(__file__).parents[2], timeout=60)
    bad, good = map(json.loads, ran.stdout.splitlines())
    assert (bad["id"], bad["success"], ran.returncode) == (None, False, 0)
    assert good == {"id": 1, "tool": "funcgrad"}


def test_messages_show_values_briefly():
    assert fields.shown("x" * 1000) == '"' + "x" * 56 + "..."
    assert len(fields.shown({str(n): n for n in range(1000)})) == 200
    assert fields.shown(np.zeros((2, 3))) == "an array of shape (2, 3)"
