"""How costs grow: loops that read elements, long chains, and what one primitive costs."""

import time
import tracemalloc

import numpy as np

import funcgrad as fg
from bench.timing import formatted, interleaved, markdown
from funcgrad.transforms.tape import record


def reads(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] ** 2
    return total


def chain(n):
    def function(x):
        for _ in range(n):
            x = np.sin(x)
        return x

    return function


def main() -> None:
    """Print the tables."""
    rows = []
    for n in (100, 1000, 10_000):
        x = np.ones(n)
        tape, _, outs, _ = record(lambda t: ([reads(t)], None), [x], "bench")
        start = time.perf_counter()
        tape.pull([np.float64(1.0)], outs, 1)
        backward = time.perf_counter() - start
        rows.append([str(n), formatted(backward), formatted(backward / n)])
    print("A Python loop that reads x[i]: the backward pass\n")
    print(markdown(["n", "backward", "for each read"], rows))

    rows = []
    for n in (1000, 10_000, 100_000):
        start = time.perf_counter()
        fg.grad(chain(n))(0.3)
        elapsed = time.perf_counter() - start
        tracemalloc.start()
        fg.grad(chain(n))(0.3)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows.append([str(n), formatted(elapsed), formatted(elapsed / n), f"{peak / n:.0f} bytes"])
    print("\nA chain of n operations: its gradient\n")
    print(markdown(["n", "gradient", "for each operation", "peak memory for each"], rows))

    x = np.ones(3)
    tape, _, outs, _ = record(lambda t: ([chain(1000)(t)], None), [x], "bench")
    times = interleaved(
        {
            "plain NumPy": lambda: chain(1000)(x),
            "traced forward": lambda: record(lambda t: ([chain(1000)(t)], None), [x], "bench"),
            "backward": lambda: tape.pull([x], outs, 1),
        }
    )
    print("\nOne operation (np.sin of 3 numbers), of 1000 in a row\n")
    print(markdown(["", "time"], [[name, formatted(t / 1000)] for name, t in times.items()]))
