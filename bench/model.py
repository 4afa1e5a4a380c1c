"""What a benchmark is made of: cases that systems answer, the rows measured, and the report that holds them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

__all__ = ["Call", "Case", "Report", "Row", "Sample"]


class Call(NamedTuple):
    """A prepared call of one system.

    Attributes:
        run: does the work and waits for its results.
        finish: from a result to numbers in containers, comparable between systems; not timed.
        trace: traces what is compiled once more, and returns the number of equations; None where nothing is traced.
    """

    run: Callable[[], Any]
    finish: Callable[[Any], Any] = lambda result: result
    trace: Callable[[], int] | None = None


class Sample(NamedTuple):
    """What a call that times itself returns, in seconds and bytes."""

    seconds: float | None
    memory: int | None = None


@dataclass(frozen=True)
class Case:
    """One thing to be measured, and the systems that can do it.

    Attributes:
        suite, workload, size, kind: the name; kind is "function", "gradient", "jacobian" and the like.
        systems: from a system's name to what makes its call; NotImplementedError there leaves the system out.
        n: the size as a number, where the workload is measured at growing sizes.
        per: what the seconds are for: one call does this many steps.
        tolerance: relative, to which systems agree; None where results cannot be compared.
        compiled: whether what the first call takes, which compiles, is of interest.
        self_timed: whether calls return a Sample: from a process of their own, say.
        limit: seconds beyond which a system is not tried at larger n.
    """

    suite: str
    workload: str
    size: str
    kind: str
    systems: Mapping[str, Callable[[], Call]]
    n: int | None = None
    per: int = 1
    tolerance: float | None = 1e-6
    compiled: bool = False
    self_timed: bool = False
    limit: float | None = None

    def __str__(self) -> str:
        return _name(self)

    def matches(self, pattern: str | None) -> bool:
        return pattern is None or pattern.lower() in str(self).lower()


def _name(of: "Case | Row") -> str:
    return " ".join(f"{of.suite}: {of.kind} of {of.workload}, {of.size}".rstrip(", ").split())


@dataclass(frozen=True)
class Row:
    """What one system took on one case.

    Attributes:
        rounds: seconds of a call, in each round; none where only memory was measured.
        calibration: seconds that fixed work took in the same rounds: how fast the machine was just then.
        first: seconds of making the call and calling it the first time, compilation included.
        memory: peak bytes.
        n, per: the case's.
        traced, equations: seconds that tracing alone takes, and how many equations come of it.
    """

    suite: str
    workload: str
    size: str
    kind: str
    system: str
    rounds: tuple[float, ...]
    calibration: float
    first: float | None = None
    memory: int | None = None
    n: int | None = None
    per: int = 1
    traced: float | None = None
    equations: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.case, self.system

    @property
    def case(self) -> str:
        """The name of the case, as the case itself writes it."""
        return _name(self)

    @property
    def label(self) -> str:
        of = f"{self.workload}, {self.size}" if self.size else self.workload
        return of if self.kind == "function" else f"{self.kind} of {of}"

    @cached_property
    def best(self) -> float | None:
        return min(self.rounds, default=None)

    @cached_property
    def median(self) -> float | None:
        return median(self.rounds) if self.rounds else None

    @property
    def spread(self) -> float:
        """How much the rounds differ: the median over the best, less one."""
        return self.median / self.best - 1 if self.best else 0.0


@dataclass
class Report:
    """One suite's rows of one run, and where they were measured.

    Attributes:
        suite: its name.
        about: machine, versions, date, thread settings.
        rows: the measurements.
        failures: what failed, as (case, system, message).
    """

    suite: str
    about: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)

    def write(self, path: Path) -> None:
        rows = [{**asdict(row), "best": row.best, "median": row.median} for row in self.rows]
        content = {"suite": self.suite, **self.about, "failures": self.failures, "rows": rows}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Raise ValueError, with the path, where the file is not a report."""
        try:
            content = json.loads(path.read_text())
            rows = [_row(item) for item in content.pop("rows")]
            failures = [tuple(item) for item in content.pop("failures")]
            return cls(content.pop("suite"), content, rows, failures)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path} is not a report of python -m bench: {error!r}") from error


def _row(item: dict[str, Any]) -> Row:
    item = {key: value for key, value in item.items() if key not in ("best", "median")}  # from the rounds
    return Row(**{**item, "rounds": tuple(item["rounds"])})
