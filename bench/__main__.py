"""Measure funcgrad and whatever peers are installed: tables, plots, and one JSON file a suite.

`--compare OLD.json` tells what changed since a report; `--check` fails where ratios that do not depend on the machine
got worse than those recorded (with `--compare`: than that report).
"""

import argparse
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import check, compare, plots, tables
from bench.machine import ONE_THREAD, nothing_cached
from bench.measure import FULL, QUICK
from bench.model import Case, Report
from bench.peers import SYSTEMS, missing
from bench.run import run
from bench.suites import SUITES

RESULTS = Path(__file__).parent / "results"
PARTIAL = Path("build") / "bench"  # where a part of a suite goes: it is not to replace the whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        old = Report.read(given.compare) if given.compare else None
        suites = _suites(given, old)
        systems = _systems(given.systems)
    except ValueError as error:
        parser.error(str(error))
    warnings.simplefilter("ignore")
    if given.list:
        return _list(suites, given)
    if given.check and old is None:
        return _check(given)
    return _measure(suites, systems, old, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(SUITES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="short rounds, small sizes, no slow compilers")
    parser.add_argument("--systems", metavar="A,B", help=f"only these of: {', '.join(SYSTEMS)}")
    parser.add_argument("--only", metavar="PATTERN", help="only cases with this in their name (see --list)")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help=f"of results; {PARTIAL} for a part of a suite"
    )
    parser.add_argument("--compare", metavar="OLD.json", type=Path, help="tell what changed since a report")
    parser.add_argument("--check", action="store_true", help="exit with 1 where something got worse")
    parser.add_argument("--record", action="store_true", help="with --check: record what it found")
    parser.add_argument("--list", action="store_true", help="list the cases, and measure nothing")
    return parser


def _suites(given: argparse.Namespace, old: Report | None) -> list[str]:
    """Return the suites to measure; raise ValueError where options contradict each other."""
    for name in given.names:
        if name not in SUITES:
            raise ValueError(f"expected names among {', '.join(SUITES)}, got {name}")
    if given.record and not (given.check and old is None):
        raise ValueError("--record goes with --check, without --compare")
    if old is None:
        if given.check and given.names:
            raise ValueError("--check alone looks at programs of every suite: choose among them by --only")
        return list(given.names) or list(SUITES)
    if old.suite not in SUITES or any(name != old.suite for name in given.names):
        raise ValueError(f"--compare: the report is of the suite {old.suite}, so only that can be run")
    return [old.suite]


def _systems(text: str | None) -> list[str] | None:
    names = None if text is None else [part.strip() for part in text.split(",")]
    for name in names or ():
        if name not in SYSTEMS:
            raise ValueError(f"--systems: expected names among {', '.join(SYSTEMS)}, got {name!r}")
    return names


def _cases(name: str, given: argparse.Namespace) -> list[Case]:
    return [case for case in SUITES[name](given.quick) if case.matches(given.only)]


def _list(suites: list[str], given: argparse.Namespace) -> int:
    for name in suites:
        print(f"{name}: {SUITES[name].__doc__}")
        for case in _cases(name, given):
            print(f"    {case} ({', '.join(case.systems)})")
    return 0


def _check(given: argparse.Namespace) -> int:
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):  # read when libraries are loaded
        return _in_a_process([], given, ONE_THREAD)
    with nothing_cached():
        return check.main(RESULTS / "recorded.json", given.only, given.record)


def _measure(
    suites: list[str], systems: list[str] | None, old: Report | None, given: argparse.Namespace
) -> int:
    chosen = {name: cases for name in suites if (cases := _cases(name, given))}
    if not chosen:
        print(f"no case has {given.only!r} in its name: see --list", file=sys.stderr)
        return 2
    if len(chosen) > 1:  # what one suite has compiled would be found again by the next
        statuses = (_in_a_process([name], given) for name in chosen)
        return next((status for status in statuses if status), 0)
    if absent := missing():
        print(f"not installed, so skipped: {', '.join(absent)}\n")
    [(name, cases)] = chosen.items()
    with nothing_cached():  # first calls compile
        report = run(name, cases, systems, QUICK if given.quick else FULL)
    whole = not (given.quick or given.only or given.systems)
    if report.rows or report.failures:
        _write(report, given.out or (RESULTS if whole else PARTIAL))
    else:
        print(f"{name}: none of the systems asked for is in this suite and installed", file=sys.stderr)
    if "interrupted" in report.about:
        print("interrupted: what was measured is written", file=sys.stderr)
        return 130
    return _compared(old, report, given.check) if old is not None else 0


def _in_a_process(
    names: list[str], given: argparse.Namespace, environment: Mapping[str, str] | None = None
) -> int:
    """Return the status of a process with the same options."""
    options = [f"--{name}" for name in ("quick", "check", "record") if getattr(given, name)]
    values = {name: getattr(given, name) for name in ("systems", "only", "out")}
    options += [f"--{name}={value}" for name, value in values.items() if value is not None]
    sys.stdout.flush()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *names, *options], env=os.environ | (environment or {})
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it is for the process, which writes what it has and ends
            continue


def _compared(old: Report, new: Report, check: bool) -> int:
    """Print what changed; return 1 where that is checked, and something got worse or failed."""
    found, failed = compare.changes(old, new), compare.lost(old, new)
    print(compare.text(found))
    for line in failed:
        print(f"failed now: {line}")
    return int(check and (any(change.worse for change in found) or bool(failed)))


def _write(report: Report, folder: Path) -> None:
    """Print the tables, and write them, the rows and the plots."""
    report.write(folder / f"{report.suite}.json")
    text = tables.text(report)
    (folder / f"{report.suite}.md").write_text(f"# {report.suite}\n\n{text}")
    drawn = plots.write(report, folder) if report.rows else []
    print(f"## {report.suite}\n\n{text}")
    print(f"written: {', '.join(str(folder / f'{report.suite}.{end}') for end in ('json', 'md'))}", end="")
    print("".join(f", {path}" for path in drawn) + "\n", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # outside a run, which keeps what it has measured
        sys.exit(130)
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
