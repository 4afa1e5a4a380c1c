"""GradBench's protocol: one JSON object a line in, one out, until the input ends."""

import importlib
import json
import sys
import time
from array import array
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TextIO

from bench.gradbench.fields import among, field, integer, number, shown

__all__ = ["EVALS", "Evaluation", "serve", "timed"]

EVALS = ("hello", "det", "gmm", "ba", "ht", "kmeans", "llsq", "lse", "lstm", "ode", "particle", "saddle")


class Evaluation(NamedTuple):
    """One function of an eval.

    Attributes:
        prepare: from the input as JSON has it to the arguments as arrays, and the function to be timed.
        finish: from the function's result to what JSON has.
    """

    prepare: Callable[[Any], tuple[Callable, tuple]]
    finish: Callable[[Any], Any]


def timed(evaluation: Evaluation, given: Any, runs: int = 1, seconds: float = 0) -> tuple[Any, int, array]:
    """Run a function `runs` times and for `seconds`; return output, time to prepare, times of the runs in ns."""
    start = time.perf_counter_ns()
    function, args = evaluation.prepare(given)
    prepared = time.perf_counter_ns() - start
    times = array("q")  # of millions of runs, where a run takes a microsecond
    total, enough = 0, seconds * 1e9
    while len(times) < runs or total < enough:
        start = time.perf_counter_ns()
        result = function(*args)
        took = time.perf_counter_ns() - start
        times.append(took)
        total += took
    return evaluation.finish(result), prepared, times


def _functions(module: Any) -> dict[str, Evaluation]:
    return importlib.import_module(f"bench.gradbench.evals.{among(module, EVALS, 'a module')}").FUNCTIONS


def _evaluate(message: dict) -> str:
    """Return the fields of an answer, as JSON without the brackets."""
    module = message.get("module")
    functions = _functions(module)
    evaluation = functions[among(message.get("function"), functions, "a function")]
    if "input" not in message:
        raise ValueError("expected an evaluation with the field 'input', got none")
    given = message["input"]
    runs, seconds = 1, 0.0
    if module != "hello":  # its input is a bare number
        runs, seconds = integer(given, "min_runs"), number(field(given, "min_seconds"), "min_seconds", 0)
    output, prepared, times = timed(evaluation, given, runs, seconds)
    try:
        text = json.dumps(output, allow_nan=False)
    except ValueError:
        raise ValueError("expected a finite output, got inf or nan in it, which JSON does not have") from None
    return f'"success": true, "output": {text}, "timings": [{_timings(prepared, times)}]'


def _timings(prepared: int, times: Iterable[int]) -> str:
    """Return the timings as JSON without the brackets; written here, since there may be millions."""
    evaluated = '{"name": "evaluate", "nanoseconds": '
    return f'{{"name": "prepare", "nanoseconds": {prepared}}}, {evaluated}' + (
        f"}}, {evaluated}".join(map(str, times)) + "}"
    )


def _fields(message: dict) -> str:
    """Return the fields of the answer to a message beside its id, as JSON without the brackets."""
    kind = message.get("kind")
    if not isinstance(kind, str):
        raise ValueError(f"expected a message with a 'kind', a string, got {shown(kind)}")
    if kind == "start":
        return '"tool": "funcgrad"'
    if kind == "define":
        _functions(message.get("module"))
        return '"success": true'
    return _evaluate(message) if kind == "evaluate" else ""


def _message(line: str) -> dict:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected a JSON object a line, got {shown(line.strip())}: {error}") from error
    if not isinstance(message, dict):
        raise ValueError(f"expected a JSON object a line, got {shown(message)}")
    if not isinstance(message.get("id"), int) or isinstance(message["id"], bool):
        raise ValueError(f"expected a message with an integer 'id', got {shown(message.get('id'))}")
    return message


def serve(lines: Iterable[str], out: TextIO) -> None:
    """Answer every line; what fails is answered with its error, and the tool goes on."""
    for line in lines:
        if not line.strip():
            continue
        number = "null"
        try:
            message = _message(line)
            number = str(message["id"])
            fields = _fields(message)
        except Exception as error:  # whatever the input was, the session goes on
            reason = f"{type(error).__name__}: {error}"
            print(reason, file=sys.stderr)
            fields = f'"success": false, "error": {json.dumps(reason)}'
        out.write(f'{{"id": {number}{", " * bool(fields)}{fields}}}\n')
        out.flush()
