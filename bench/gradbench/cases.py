"""The suite `gradbench`: the evals' functions and derivatives in this process, in funcgrad and its peers.

What is timed is what GradBench times, without its protocol: from arrays, or tensors, to the same.
"""

from functools import partial
from typing import Any

import numpy as np

from bench.gradbench.systems import SYSTEMS
from bench.gradbench.workloads import FUNCTIONS, NESTED, Workload, of_class
from bench.model import Call, Case

__all__ = ["cases"]

# What outputs count and number, which would drown the values in a comparison.
COUNTS = {"rows", "cols", "repeated"}


def cases(quick: bool) -> list[Case]:
    """GradBench's evals, each function and derivative at small, middle and large sizes; quickly, at small ones."""
    classes = ("small",) if quick else ("small", "middle", "large")
    return [
        _case(workload, function, _names(function, quick))
        for workload in of_class(*classes)
        for function in FUNCTIONS[workload.module]
    ]


def _names(function: str, quick: bool) -> list[str]:
    """Return the systems; PyTorch steps through the descents from Python, for 5 to 25 seconds a run."""
    return [name for name in SYSTEMS if not (quick and name == "PyTorch" and function in NESTED)]


def _case(workload: Workload, function: str, names: list[str]) -> Case:
    objective = function == FUNCTIONS[workload.module][0] and function not in NESTED
    kind = "function" if objective else function
    systems = {name: partial(_call, name, workload, function) for name in names}
    return Case("gradbench", workload.module, workload.label, kind, systems, compiled=True)


def _call(name: str, workload: Workload, function: str) -> Call:
    """Return the call of one system; each makes the input anew, so that none finds it made."""
    evaluation = SYSTEMS[name](workload.module, function)
    if evaluation is None:
        raise NotImplementedError(f"{name} has no {function} of {workload.module}")
    run, args = evaluation.prepare(workload.make())
    return Call(partial(run, *args), lambda result: _numbers(evaluation.finish(result)))


def _numbers(output: Any) -> Any:
    if isinstance(output, dict):
        return {name: _numbers(part) for name, part in output.items() if name not in COUNTS}
    return np.asarray(output, dtype=float)
