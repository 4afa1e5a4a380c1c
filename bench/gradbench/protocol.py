"""GradBench's protocol: one JSON object a line in, one out, until the input ends."""

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TextIO

__all__ = ["Evaluation", "serve"]

EVALS = ("hello", "det", "gmm", "ba", "ht", "kmeans", "llsq", "lse", "lstm", "ode", "particle", "saddle")


class Evaluation(NamedTuple):
    """One function of an eval.

    Attributes:
        prepare: from the input as JSON has it to the arguments as arrays, and the function to be timed.
        finish: from the function's result to what JSON has.
    """

    prepare: Callable[[Any], tuple[Callable, tuple]]
    finish: Callable[[Any], Any]


def _timed(evaluation: Evaluation, given: Any) -> tuple[Any, list[dict]]:
    """Run a function as often, and as long, as the input asks; return the output and the times."""
    repeats, seconds = (given["min_runs"], given["min_seconds"]) if isinstance(given, dict) else (1, 0)
    start = time.perf_counter_ns()
    function, args = evaluation.prepare(given)
    prepared = time.perf_counter_ns() - start
    times: list[int] = []
    total = 0
    while len(times) < repeats or total < seconds * 1e9:
        start = time.perf_counter_ns()
        result = function(*args)
        took = time.perf_counter_ns() - start
        times.append(took)
        total += took
    timings = [{"name": "prepare", "nanoseconds": prepared}]
    timings += [{"name": "evaluate", "nanoseconds": t} for t in times]
    return evaluation.finish(result), timings


def _functions(module: Any) -> dict[str, Evaluation]:
    if module not in EVALS:
        raise ValueError(f"expected a module among {', '.join(EVALS)}, got {module!r}")
    return importlib.import_module(f"bench.gradbench.evals.{module}").FUNCTIONS


def _answer(message: dict) -> dict:
    kind = message.get("kind")
    if kind == "start":
        return {"tool": "funcgrad"}
    if kind == "define":
        _functions(message.get("module"))
        return {"success": True}
    if kind != "evaluate":
        return {}
    functions = _functions(message.get("module"))
    name = message.get("function")
    if name not in functions:
        raise ValueError(f"expected a function among {', '.join(functions)}, got {name!r}")
    output, timings = _timed(functions[name], message["input"])
    return {"success": True, "output": output, "timings": timings}


def serve(lines: TextIO, out: TextIO) -> None:
    """Answer every line; what fails is answered with its error, and the tool goes on."""
    for line in lines:
        if not line.strip():
            continue
        number = None
        try:
            message = json.loads(line)
            number = message["id"]
            answer = {"id": number, **_answer(message)}
            text = json.dumps(answer, allow_nan=False)
        except Exception as error:  # whatever the input was, the session goes on
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            text = json.dumps({"id": number, "success": False, "error": f"{type(error).__name__}: {error}"})
        out.write(text + "\n")
        out.flush()
