"""Regressions: counts and ratios that do not depend on the machine, against those recorded.

Counts are exact, so that they may grow by a tenth, which a trade of one thing for another inside the compiler takes
now and then, and no more. Ratios of times taken in turns repeat within some percent on an idle machine, and differ by
a third between machines or beside other work: they may be half as large again in the best of three tries, which is
passed only by what got slower in earnest; or by a derivative whose function got faster, and then the record is made
anew. Executed instructions are compared where the libraries that execute them are those recorded.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    chosen = {s.name: s for s in subjects() if pattern is None or pattern.lower() in s.name.lower()}
    if not chosen:
        print(f"no subject of the check has {pattern!r} in its name", file=sys.stderr)
        return 2
    if record:
        return _record(path, chosen)
    try:
        recorded = Recorded.read(path)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    times = settled(chosen, _timed(chosen), recorded.found)
    alike = recorded.executes_alike(about())
    if not alike:
        print(f"other versions than those recorded: {EXECUTED} are not compared")
    judged = list(verdicts(recorded.found, _joined(chosen, times, executing=alike)))
    print(text(judged, [name for name in chosen if name not in recorded.found]))
    return int(any(verdict.worse for verdict in judged))


def _record(path: Path, chosen: dict[str, Subject]) -> int:
    measure = _timed(chosen)
    passes = [
        {name: measure(name) for name in chosen} for _ in range(_TRIES)
    ]  # apart, as what disturbs is brief
    times = {name: {q: median(one[name][q] for one in passes) for q in passes[0][name]} for name in chosen}
    old = Recorded.read(path).found if path.exists() else {}
    found = _joined(chosen, times, executing=True)
    kept = old if len(chosen) < len(subjects()) else {}
    Recorded(about(), kept | found).write(path)
    print(text(list(verdicts(old, found))))
    print(f"recorded: {len(found)} subjects, in {path}")
    return 0


def verdicts(recorded: Found, found: Found) -> Iterator[Verdict]:
    """Yield a verdict on each number that was both recorded and found."""
    for name, numbers in found.items():
        for quantity, number in numbers.items():
            if quantity in recorded.get(name, {}):
                yield Verdict(name, quantity, recorded[name][quantity], number)


def settled(names: Iterable[str], measure: Callable[[str], dict[str, float]], recorded: Found) -> Found:
    """Return the best ratios of up to three passes: each is over what was worse than recorded in all before."""
    best: Found = {}
    left = list(names)
    for _ in range(_TRIES):
        for name in left:
            again = measure(name)
            best[name] = {
                quantity: min(value, best.get(name, again)[quantity]) for quantity, value in again.items()
            }
        left = [name for name in left if any(v.worse for v in verdicts(recorded, {name: best[name]}))]
    return best


def text(judged: Sequence[Verdict], new: Sequence[str] = ()) -> str:
    """Return what got worse, what got better, and what is not recorded."""
    worse, better = [v for v in judged if v.worse], [v for v in judged if v.better]
    lines = [f"{len(worse)} worse, {len(better)} better, of {len(judged)} compared."]
    for title, found in (
        ("worse", worse),
        ("better", better),
        ("not recorded", new),
    ):
        lines += ["", f"{title}:", *(f"    {item}" for item in found)] if found else []
    return "\n".join(lines)


def _timed(chosen: dict[str, Subject]) -> Callable[[str], dict[str, float]]:
    """Return what measures one subject, with a bar that counts them."""
    bar = tqdm(desc="check", unit="subject", disable=None, leave=False, file=sys.stderr)

    def measure(name: str) -> dict[str, float]:
        bar.set_postfix_str(name, refresh=False)
        bar.update()
        return ratios(chosen[name])

    return measure


def _joined(chosen: dict[str, Subject], times: Found, executing: bool) -> Found:
    """Return ratios and counts together."""
    found = {name: counts(subject) | times[name] for name, subject in chosen.items()}
    if executing:
        for name, count in _executed([s for s in chosen.values() if s.small]).items():
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
