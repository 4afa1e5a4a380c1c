"""`python -m bench.rolled`: the Python loops in what bench/ and examples/ compile, and why some are not one loop.

A line for each run of turns that are alike, of all programs that funcgrad compiles of its own accord: the function, its
derivative, bodies of control flow. What has no lines has no runs.
"""

import contextlib
import io
import os
import runpy
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import funcgrad as fg
from bench.suites import SUITES
from funcgrad.programs import optimize
from funcgrad.programs.rolling.roll import report_of

__all__ = ["found_by"]

_SUITES = ("compiled", "complex", "control", "gradbench", "loops", "shapes")
_ROOT = Path(__file__).parent.parent
_EXAMPLES = _ROOT / "examples"


def found_by(run: Callable[[], object]) -> list[str]:
    """Return what rolling finds while this runs."""
    found: dict[str, None] = {}

    def noted(step, program):
        after = step(program)
        found.update(dict.fromkeys(str(report).replace(f"{_ROOT}/", "") for report in report_of(after)))
        return after

    passes = tuple(p._replace(run=partial(noted, p.run)) for p in optimize.ROLLING)
    fg.clear_caches()
    with mock.patch.object(optimize, "ROLLING", passes), contextlib.redirect_stdout(io.StringIO()):
        run()
    return [*found]


def _subjects() -> Iterator[tuple[str, Callable[[], object]]]:
    for name in _SUITES:
        for case in SUITES[name](False):
            if "funcgrad" in case.systems:
                yield str(case), lambda case=case: case.systems["funcgrad"]().run()
    for path in sorted(_EXAMPLES.rglob("*.py")):
        yield (
            f"examples/{path.relative_to(_EXAMPLES)}",
            partial(runpy.run_path, str(path), run_name="__main__"),
        )


def main() -> None:
    os.environ["MPLBACKEND"] = "Agg"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # where examples write
        for name, run in _subjects():
            lines = found_by(run)
            if lines:
                print(name, *lines, sep="\n    ", flush=True)


if __name__ == "__main__":
    main()
