"""Compiled derivatives against the interpreter, derivatives written by hand, JAX, torch.compile and PyTensor.

Three tables: the time of a call (NumPy arrays in and out, results waited for), the time from a fresh process to
the first derivative with nothing cached, and the peak memory of that process; and a plot of the first. Everything
is float64. BENCH_SYSTEMS=funcgrad,JAX leaves the others out (torch.compile alone takes ten minutes to compile),
BENCH_FRESH=0 the fresh processes.
"""

import compileall
import importlib.util
import math
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

import funcgrad as fg
from bench.programs import PROGRAMS
from bench.systems import SYSTEMS
from bench.timing import formatted, interleaved, markdown

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Print the tables, and write them with the plot to bench/results."""
    warnings.simplefilter("ignore")
    chosen = os.environ.get("BENCH_SYSTEMS", ",".join(SYSTEMS)).split(",")
    present = [
        n for n in chosen if SYSTEMS[n][0] is None or importlib.util.find_spec(SYSTEMS[n][0]) is not None
    ]
    compileall.compile_dir(Path(fg.__file__).parent, quiet=2)  # peers come with their bytecode
    os.environ["FUNCGRAD_CACHE_DIR"] = "off"
    results = [_calls(program, present) for program in PROGRAMS]
    calls, compiling = [r[0] for r in results], [r[1] for r in results]
    timed = [n for n in present if n in ("funcgrad", "JAX", "torch.compile", "Numba by hand")]
    fresh = [n for n in present if n in ("funcgrad", "JAX") and os.environ.get("BENCH_FRESH") != "0"]
    firsts = {name: [_fresh(name, row) for row in range(len(PROGRAMS))] for name in fresh}
    if "funcgrad" in firsts:
        firsts["funcgrad, cached"] = [_fresh("funcgrad", row, cached=True) for row in range(len(PROGRAMS))]
        shutil.rmtree(RESULTS / ".cache", ignore_errors=True)
    parts = [
        _call_table("time of a call", calls, present), "",
        _call_table("first call (tracing and compiling), nothing cached", compiling, timed), "",
        _first_table(firsts) if firsts else "", "",
        *_summary("a call", calls, present), *_summary("compiling", compiling, timed), *_summary_of_starts(firsts),
    ]  # fmt: skip
    text = "\n".join(parts)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "compiled.md").write_text(text + "\n")
    if importlib.util.find_spec("matplotlib"):
        _plot(calls, present)


def _calls(program, names):
    """Return the times of a call and of the first one by system; raise where results differ."""
    runners, firsts, want = {}, {}, None
    for name in names:
        try:
            run = SYSTEMS[name][1](program)
            start = time.perf_counter()
            out = run()
            firsts[name] = time.perf_counter() - start
            flat = _flat(out)
        except (KeyError, NotImplementedError):
            continue
        except Exception as error:
            print(f"{name} failed on {program.name}, {program.size}: {type(error).__name__}", file=sys.stderr)
            continue
        if want is None:
            want = flat
        np.testing.assert_allclose(flat, want, rtol=1e-6, atol=1e-8 * np.max(np.abs(want)), err_msg=name)
        runners[name] = run
    times = interleaved(runners, seconds=0.3)
    line = "  ".join(f"{n} {formatted(t)}" for n, t in times.items())
    print(f"{program.name}, {program.size}: {line}", file=sys.stderr, flush=True)
    return times, firsts


def _flat(out):
    leaves = out if isinstance(out, (tuple, list)) else [out]
    return np.concatenate([np.ravel(np.asarray(leaf)) for leaf in leaves])


def _fresh(name, row, cached=False):
    """Return (seconds, megabytes) of a fresh process up to its first derivative: the best of three."""
    folder = str(RESULTS / ".cache") if cached else "off"
    best = (math.inf, math.inf)
    for _ in range(3):
        environment = {**os.environ, "FUNCGRAD_CACHE_DIR": folder, "BENCH_START": str(time.time())}
        command = [sys.executable, "-m", "bench.first", name, str(row)]
        out = subprocess.run(command, capture_output=True, text=True, env=environment)
        if out.returncode == 0:
            best = min(best, tuple(map(float, out.stdout.split())))
    return best


def _call_table(title, calls, names):
    rows = []
    for program, times in zip(PROGRAMS, calls, strict=True):
        ours = times["funcgrad"]
        cells = [formatted(ours)]
        for name in names[1:]:
            cells.append(f"{formatted(times[name])} ({times[name] / ours:.2f}x)" if name in times else "")
        rows.append([f"{program.name}, {program.size}", *cells])
    return markdown([title, *names], rows)


def _first_table(firsts):
    names = list(firsts)
    rows = []
    for row, program in enumerate(PROGRAMS):
        cells = [f"{firsts[n][row][0]:.2f} s, {firsts[n][row][1]:.0f} MB" for n in names]
        rows.append([f"{program.name}, {program.size}", *cells])
    return markdown(["fresh process to the first derivative, peak memory", *names], rows)


def _summary(what, calls, names):
    for name in names[1:]:
        ratios = [math.log(t["funcgrad"] / t[name]) for t in calls if name in t]
        if ratios:
            lost = sum(r > 0 for r in ratios)
            mean = math.exp(sum(ratios) / len(ratios))
            worst = math.exp(max(ratios))
            yield (
                f"{what}, against {name}: geometric mean {mean:.3f} over {len(ratios)} rows, "
                f"the largest {worst:.2f}, above 1 on {lost}.  "
            )


def _summary_of_starts(firsts):
    if "JAX" in firsts:
        for name in ("funcgrad", "funcgrad, cached"):
            ratios = sorted(a[0] / b[0] for a, b in zip(firsts[name], firsts["JAX"], strict=True))
            yield (
                f"fresh process, {name}, against JAX: median {ratios[len(ratios) // 2]:.2f}, "
                f"the largest {ratios[-1]:.2f}.  "
            )


def _plot(calls, names):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 10), layout="constrained")
    rows = [f"{p.name}, {p.size}" for p in PROGRAMS]
    for name in names:
        points = [(t[name] / t["funcgrad"], k) for k, t in enumerate(calls) if name in t]
        axes.plot(*zip(*points, strict=True), "o", label=name, alpha=0.8)
    axes.set(xscale="log", xlabel="time of a call over funcgrad's", yticks=range(len(rows)), yticklabels=rows)
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(RESULTS / "compiled.svg")
