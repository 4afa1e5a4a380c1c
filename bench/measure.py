"""Measuring a case: results compared first, then rounds in which the systems take turns.

The machine is shared and noisy, so only ratios within one run count; each row is kept with the time that fixed work
took in the same rounds.
"""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bench.model import Call, Case, Row, Sample

__all__ = [
    "FULL",
    "QUICK",
    "Budget",
    "Failure",
    "calibration",
    "disagreeing",
    "interleaved",
    "measured",
    "told",
]


class Budget(NamedTuple):
    """How long each system is measured on a case: so many seconds in so many rounds; or so many samples."""

    seconds: float
    rounds: int
    samples: int


FULL, QUICK = Budget(0.3, 7, 3), Budget(0.03, 3, 1)
_SLOW = 0.5  # seconds of a call from which three rounds will do


class Failure(NamedTuple):
    """Why a system has no row."""

    system: str
    message: str


_numbers = np.linspace(0.0, 1.0, 2000)


def calibration() -> None:
    """Do a little of what programs here do: Python's own steps, NumPy calls, and arithmetic on an array."""
    total = 0
    for k in range(300):
        total += k * k
    for _ in range(10):
        np.exp(_numbers)


def interleaved(calls: dict[str, Callable[[], Any]], budget: Budget) -> dict[str, tuple[float, ...]]:
    """Return the seconds of a call in each round; within a round, systems take turns."""
    counts, slowest = {}, 0.0
    for name, call in calls.items():
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
        counts[name] = max(1, int(budget.seconds / budget.rounds / max(once, 1e-7)))
        slowest = max(slowest, once)
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.freeze()  # so that a collection before each turn costs little
    try:
        for _ in range(budget.rounds if slowest < _SLOW else min(3, budget.rounds)):
            for name, call in calls.items():
                rounds[name].append(_turn(call, counts[name]))
    finally:
        gc.unfreeze()
    return {name: tuple(times) for name, times in rounds.items()}


def _turn(call: Callable[[], Any], count: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def measured(case: Case, systems: list[str], budget: Budget) -> Iterator[Row | Failure]:
    """Yield a row, or why there is none, for each of these systems of a case."""
    calls, firsts = {}, {}
    results: dict[str, Any] = {}
    for name in systems:
        try:
            start = time.perf_counter()
            call = case.systems[name]()
            result = None if case.self_timed else call.run()
            firsts[name] = time.perf_counter() - start if case.compiled else None
            results[name] = _flat(call.finish(result)) if case.tolerance is not None else None
        except NotImplementedError:
            continue
        except Exception as error:  # a system that fails on a row does not stop the run
            yield Failure(name, told(error))
            continue
        calls[name] = call
    if case.tolerance is not None:
        for name, message in disagreeing(results, case.tolerance).items():
            del calls[name]
            yield Failure(name, message)
    results.clear()
    take = _sampled if case.self_timed else _timed
    yield from take(case, calls, firsts, budget)


def _timed(case: Case, calls: dict[str, Call], firsts: dict[str, Any], budget: Budget) -> Iterator[Row]:
    runs = {name: call.run for name, call in calls.items()}
    rounds = interleaved({**runs, "": calibration}, budget)
    for name, call in calls.items():
        row = _row(case, name, rounds[name], min(rounds[""]), firsts[name])
        yield row if call.trace is None else _with_tracing(row, call.trace)


def _with_tracing(row: Row, trace: Callable[[], int]) -> Row:
    gc.collect()
    start = time.perf_counter()
    equations = trace()
    return replace(row, traced=time.perf_counter() - start, equations=equations)


def _sampled(
    case: Case, calls: dict[str, Call], firsts: dict[str, Any], budget: Budget
) -> Iterator[Row | Failure]:
    samples: dict[str, list[Sample]] = {name: [] for name in calls}
    steady = []
    failed = {}
    for _ in range(budget.samples):
        steady.append(_turn(calibration, 50))
        for name, call in calls.items():
            try:
                samples[name].append(call.run())
            except Exception as error:
                failed[name] = Failure(name, told(error))
    for name, taken in samples.items():
        if name in failed:
            yield failed[name]
            continue
        memory = [s.memory for s in taken if s.memory is not None]
        rounds = tuple(s.seconds for s in taken if s.seconds is not None)
        yield _row(case, name, rounds, min(steady), None, min(memory, default=None))


def _row(case, system, rounds, steady, first, memory=None) -> Row:
    return Row(
        case.suite, case.workload, case.size, case.kind, system, rounds, steady, first, memory, case.n, case.per
    )  # fmt: skip


def disagreeing(results: dict[str, Any], tolerance: float) -> dict[str, str]:
    """Return those whose numbers differ from the majority's, and by how much."""
    votes = {
        name: sum(_difference(got, other) <= tolerance for other in results.values())
        for name, got in results.items()
    }
    if not votes:
        return {}
    judge = max(votes, key=votes.__getitem__)  # of equals, the first
    apart = {name: _difference(got, results[judge]) for name, got in results.items()}
    return {
        name: f"differs from {judge} by {gap:.1e} of its largest number"
        for name, gap in apart.items()
        if not gap <= tolerance
    }


def _difference(x: np.ndarray, y: np.ndarray) -> float:
    if x.shape != y.shape:
        return np.inf
    if x.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        gap = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
        scale = max(np.abs(x[np.isfinite(x)]).max(initial=0.0), np.abs(y[np.isfinite(y)]).max(initial=0.0))
    return float(gap.max() / scale) if scale else float(gap.max())


def _flat(out: Any) -> np.ndarray:
    """Return the numbers in containers, one after the other."""
    if isinstance(out, dict):
        out = [out[key] for key in sorted(out)]
    if isinstance(out, (list, tuple)):
        return np.concatenate([_flat(item) for item in out]) if len(out) else np.zeros(0)
    return np.ravel(np.asarray(out, dtype=float))


def told(error: Exception) -> str:
    """Return an error in a line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:150]}" if lines else type(error).__name__
