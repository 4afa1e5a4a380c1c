"""Running a suite: its cases one after the other, with a bar; what fails is told, and what was measured is kept."""

import sys
from collections.abc import Sequence

from tqdm import tqdm

from bench.machine import about
from bench.measure import Budget, Failure, measured, told
from bench.model import Case, Report, Row
from bench.peers import installed
from bench.systems import warm_up

__all__ = ["run"]


def run(suite: str, cases: Sequence[Case], systems: Sequence[str] | None, budget: Budget) -> Report:
    """Return the report of cases, by those of their systems that are asked for and installed.

    An interruption ends the run; the report says so, and holds what was measured by then.
    """
    report = Report(suite, about())
    runner = _Runner(report, systems, budget)
    try:
        # disable=None: no bar where standard error is not a terminal
        with tqdm(cases, desc=suite, unit="case", disable=None, leave=False, file=sys.stderr) as bar:
            for case in bar:
                bar.set_postfix_str(str(case).partition(": ")[2])
                runner.run(case)
    except KeyboardInterrupt:
        report.about["interrupted"] = True
    return report


class _Runner:
    def __init__(self, report: Report, systems: Sequence[str] | None, budget: Budget):
        self._report, self._systems, self._budget = report, systems, budget
        self._latest: dict[tuple, Row] = {}  # by workload, kind and system
        self._warm: set[str] = set()

    def run(self, case: Case) -> None:
        names = [name for name in case.systems if self._wanted(case, name)]
        if case.compiled:
            for name in names:
                self._warm_up(name)
        try:
            for got in measured(case, names, self._budget):
                self._keep(case, got)
        except Exception as error:  # of a system, in its rounds
            self._keep(case, Failure(", ".join(names), told(error)))

    def _keep(self, case: Case, got: Row | Failure) -> None:
        if isinstance(got, Failure):
            self._report.failures.append((str(case), *got))
            tqdm.write(f"{got.system} on {case}: {got.message}", file=sys.stderr)
        else:
            self._report.rows.append(got)
            self._latest[case.workload, case.kind, got.system] = got

    def _wanted(self, case: Case, name: str) -> bool:
        asked = self._systems is None or name in self._systems
        return asked and installed(name) and not self._too_slow(case, name)

    def _too_slow(self, case: Case, name: str) -> bool:
        """Whether a smaller size was so slow that this one would pass the limit, growing in proportion."""
        latest = self._latest.get((case.workload, case.kind, name))
        if case.limit is None or latest is None or not latest.best:
            return False
        growth = case.n / latest.n
        return latest.best * growth > case.limit or (latest.first or 0.0) > 10 * case.limit

    def _warm_up(self, name: str) -> None:
        """Let a system import what it needs, which is not to count as compiling."""
        if name not in self._warm:
            self._warm.add(name)
            try:
                warm_up(name)
            except Exception:  # reported when it is measured
                return
