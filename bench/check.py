"""Regressions: counts and ratios that do not depend on the machine, against those recorded.

Counts are exact, so that they may grow by a tenth, which a trade of one thing for another inside the compiler takes
now and then, and no more. Ratios of times taken in turns repeat within some percent on an idle machine, and differ by
a third between machines or beside other work: they may be half as large again in the best of three tries, which is
passed only by what got slower in earnest. Executed instructions are compared where the libraries that execute them are
those recorded.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tqdm import tqdm

from bench.executed import available, executed
from bench.machine import about
from bench.subjects import COUNTS, EXECUTED, RATIOS, Subject, counts, ratios, subjects

__all__ = ["Recorded", "Verdict", "main", "settled", "verdicts"]

_TOLERANCES = dict.fromkeys(COUNTS, 1.1) | dict.fromkeys(RATIOS, 1.5)
_TRIES = 3
_EXECUTORS = ("llvmlite", "numpy", "scipy", "python")

Found = dict[str, dict[str, float]]  # by subject's name, by quantity


class Verdict(NamedTuple):
    """One quantity as recorded, and as found."""

    name: str
    quantity: str
    recorded: float
    found: float

    @property
    def worse(self) -> bool:
        return self.found > self.recorded * _TOLERANCES[self.quantity]

    @property
    def better(self) -> bool:
        return self.found * _TOLERANCES[self.quantity] < self.recorded

    def __str__(self) -> str:
        factor = f" ({self.found / self.recorded:.2f}x)" if self.recorded else ""
        return f"{self.name}: {self.quantity} {self.recorded:.4g} -> {self.found:.4g}{factor}"


@dataclass
class Recorded:
    """What was found when it was recorded: where, and the numbers."""

    about: dict[str, Any]
    found: Found

    @classmethod
    def read(cls, path: Path) -> "Recorded":
        """Raise ValueError, with the path and what to do, where there is no such record."""
        again = "record it anew: python -m bench --check --record"
        try:
            content = json.loads(path.read_text())
            found = {
                str(name): {str(q): float(v) for q, v in of.items()} for name, of in content["found"].items()
            }
            return cls(dict(content["about"]), found)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}; {again}") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path} is not what --record wrote ({error!r}); {again}") from error

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"about": self.about, "found": self.found}, indent=1) + "\n")

    def executes_alike(self, other: Mapping[str, Any]) -> bool:
        """Whether calls there are executed by the same libraries."""
        ours, theirs = self.about.get("versions", {}), other.get("versions", {})
        return all(ours.get(name) == theirs.get(name) for name in _EXECUTORS)


def main(path: Path, pattern: str | None, record: bool) -> int:
    """Check, or record, the subjects with a pattern in their names; return the exit status."""
    chosen = [s for s in subjects() if pattern is None or pattern.lower() in s.name.lower()]
    if not chosen:
        print(f"no subject of the check has {pattern!r} in its name", file=sys.stderr)
        return 2
    here = about()
    if record:
        found = _found(
            chosen, lambda subject: _typical([ratios(subject) for _ in range(_TRIES)]), counted=True
        )
        kept = Recorded.read(path).found if pattern and path.exists() else {}
        Recorded(here, kept | found).write(path)
        print(f"recorded: {len(found)} subjects, in {path}")
        return 0
    try:
        recorded = Recorded.read(path)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    alike = recorded.executes_alike(here)
    if not alike:
        print(f"other versions than those recorded: {EXECUTED} are not compared")
    found = _found(
        chosen, lambda s: settled(lambda: ratios(s), recorded.found.get(s.name, {})), counted=alike
    )
    judged = list(verdicts(recorded.found, found))
    new = [s.name for s in chosen if s.name not in recorded.found]
    print(text(judged, new))
    return int(any(verdict.worse for verdict in judged))


def verdicts(recorded: Found, found: Found) -> Iterator[Verdict]:
    """Yield a verdict on each number that was both recorded and found."""
    for name, numbers in found.items():
        for quantity, number in numbers.items():
            if quantity in recorded.get(name, {}):
                yield Verdict(name, quantity, recorded[name][quantity], number)


def settled(measure: Callable[[], dict[str, float]], recorded: Mapping[str, float]) -> dict[str, float]:
    """Return the best ratios of up to three tries, stopping at the first that is within tolerance."""
    best = measure()
    for _ in range(_TRIES - 1):
        if not any(v.worse for v in verdicts({"": dict(recorded)}, {"": best})):
            break
        again = measure()
        best = {quantity: min(value, again[quantity]) for quantity, value in best.items()}
    return best


def text(judged: Sequence[Verdict], new: Sequence[str] = ()) -> str:
    """Return what got worse, what got better, and what is not recorded."""
    worse, better = [v for v in judged if v.worse], [v for v in judged if v.better]
    lines = [f"{len(worse)} worse, {len(better)} better, of {len(judged)} compared."]
    for title, found in (
        ("worse", worse),
        ("better (record it, so that it stays)", better),
        ("not recorded", new),
    ):
        lines += ["", f"{title}:", *(f"    {item}" for item in found)] if found else []
    return "\n".join(lines)


def _found(chosen: Sequence[Subject], timed: Callable[[Subject], dict[str, float]], counted: bool) -> Found:
    found = {}
    with tqdm(chosen, desc="check", unit="subject", disable=None, leave=False, file=sys.stderr) as bar:
        for subject in bar:
            bar.set_postfix_str(subject.name)
            found[subject.name] = counts(subject) | timed(subject)
    if counted:
        for name, count in _executed([s for s in chosen if s.small]).items():
            found[name][EXECUTED] = count
    return found


def _executed(chosen: Sequence[Subject]) -> dict[str, int]:
    if not chosen or not available():
        return {}
    print(
        f"counting executed instructions under valgrind: {len(chosen)} subjects, some seconds each",
        flush=True,
    )
    try:
        return executed([subject.name for subject in chosen])
    except OSError as error:
        print(f"{EXECUTED} are not compared: {error}", file=sys.stderr)
        return {}


def _typical(tries: Sequence[dict[str, float]]) -> dict[str, float]:
    return {quantity: median(one[quantity] for one in tries) for quantity in tries[0]}
