"""Interleaved timing: the machine is shared and noisy, so only ratios within one run count."""

import gc
import time
from collections.abc import Callable


def interleaved(
    functions: dict[str, Callable[[], object]], seconds: float = 0.15, rounds: int = 7
) -> dict[str, float]:
    """Return the best time of a call, in seconds, of each function; rounds take turns."""
    counts = {}
    for name, function in functions.items():
        function()  # warm up
        start = time.perf_counter()
        function()
        once = time.perf_counter() - start
        counts[name] = max(1, int(seconds / rounds / max(once, 1e-7)))
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            gc.collect()
            start = time.perf_counter()
            for _ in range(counts[name]):
                function()
            best[name] = min(best[name], (time.perf_counter() - start) / counts[name])
    return best


def formatted(seconds: float) -> str:
    """Return a time with three digits and its unit."""
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
