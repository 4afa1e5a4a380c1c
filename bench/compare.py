"""What changed between two reports of a suite, told apart from what only the machine did.

A time of funcgrad's is compared as its ratio to the peers' on the same case, where both reports have a peer in the
same version: whatever slows the machine slows them too. Other times are compared as their ratio to the calibration of
their own rounds. Memory is compared as it is. Of peers only the means are told.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from bench.model import Report, Row
from bench.peers import style_of
from bench.tables import formatted

__all__ = ["Change", "changes", "lost", "text"]

# Below these nothing changed: rounds taken in turns repeat within a tenth, and so does memory; a first call is
# measured once, without the best of anything.
_LEAST = {"time": 1.1, "first call": 1.5, "peak memory": 1.1}


@dataclass(frozen=True)
class Change:
    """How one quantity of one system on one case stands to what it was.

    Attributes:
        label, system, quantity: of what.
        old, new: as they were measured, in seconds or bytes.
        ratio: new to old, without what the machine did; above 1 is worse.
        noise: the ratio up to which, and down to whose inverse, nothing is said to have changed.
        against: what the machine's part was told from.
    """

    label: str
    system: str
    quantity: str
    old: float
    new: float
    ratio: float
    noise: float
    against: str

    @property
    def worse(self) -> bool:
        """Whether something of funcgrad's got worse."""
        return _ours(self.system) and self.ratio > self.noise

    @property
    def better(self) -> bool:
        return _ours(self.system) and self.ratio < 1 / self.noise

    def __str__(self) -> str:
        shown = _megabytes if self.quantity == "peak memory" else formatted
        against = f", against {self.against}" if self.against else ""
        return (
            f"{self.system} on {self.label}: {self.quantity} {self.ratio:.2f}x{against} "
            f"({shown(self.old)} -> {shown(self.new)}; noise {self.noise:.2f}x)"
        )


class _Pair(NamedTuple):
    """The rows of one system on one case, in both reports."""

    old: Row
    new: Row

    @property
    def calibration(self) -> float:
        return self.new.calibration / self.old.calibration

    @property
    def time(self) -> float:
        return self.new.best / self.old.best

    @property
    def spread(self) -> float:
        return math.hypot(self.old.spread, self.new.spread)


def changes(old: Report, new: Report) -> list[Change]:
    """Return the changes of whatever both reports have, in the order of the new one."""
    before = {row.key: row for row in old.rows}
    pairs = [_Pair(before[row.key], row) for row in new.rows if row.key in before]
    peers: dict[str, list[_Pair]] = {}
    for pair in pairs:
        if pair.old.best and pair.new.best and _same_version(pair.new.system, old, new):
            peers.setdefault(pair.new.case, []).append(pair)
    return [change for pair in pairs for change in _changes(pair, peers.get(pair.new.case, ()))]


def lost(old: Report, new: Report) -> list[str]:
    """Return what of funcgrad's failed in the new report, and was measured in the old one."""
    measured = {row.key for row in old.rows if _ours(row.system)}
    return [
        f"{system} on {case}: {message}"
        for case, system, message in new.failures
        if (case, system) in measured
    ]


def text(changes: Sequence[Change]) -> str:
    """Return what got worse and better beyond noise, the largest first, and the means."""
    worse = sorted((c for c in changes if c.worse), key=lambda c: -c.ratio)
    better = sorted((c for c in changes if c.better), key=lambda c: c.ratio)
    ours = sum(_ours(change.system) for change in changes)
    lines = [f"{len(worse)} worse, {len(better)} better, of {ours} compared."]
    for title, found in (("worse", worse), ("better", better)):
        lines += ["", f"{title}:", *(f"    {change}" for change in found)] if found else []
    return "\n".join([*lines, "", *_means(changes)]).rstrip() + "\n"


def _changes(pair: _Pair, peers: Sequence[_Pair]) -> Iterator[Change]:
    old, new = pair
    if old.best and new.best:
        if _ours(new.system) and peers:
            machine = median(p.time for p in peers)
            apart = max(p.spread for p in peers)
            against = ", ".join(p.new.system for p in peers)
        else:
            machine, apart, against = pair.calibration, 0.0, "calibration"
        noise = _LEAST["time"] * (1 + math.hypot(pair.spread, apart))
        yield _change(pair, "time", old.best, new.best, machine, noise, against)
    if old.first and new.first and style_of(new.system).compiles:
        noise = _LEAST["first call"]
        yield _change(pair, "first call", old.first, new.first, pair.calibration, noise, "calibration")
    if old.memory and new.memory:
        yield _change(pair, "peak memory", old.memory, new.memory, 1.0, _LEAST["peak memory"], "")


def _change(
    pair: _Pair, quantity: str, old: float, new: float, machine: float, noise: float, against: str
) -> Change:
    return Change(pair.new.label, pair.new.system, quantity, old, new, new / old / machine, noise, against)


def _ours(system: str) -> bool:
    return style_of(system).module is None


def _same_version(system: str, old: Report, new: Report) -> bool:
    """Whether this is a peer, and the same one."""
    module = style_of(system).module
    versions = [report.about.get("versions", {}).get(module) for report in (old, new)]
    return not _ours(system) and versions[0] is not None and versions[0] == versions[1]


def _means(changes: Sequence[Change]) -> Iterator[str]:
    found: dict[tuple[str, str], list[float]] = {}
    for change in changes:
        found.setdefault((change.system, change.quantity), []).append(math.log(change.ratio))
    for (system, quantity), logs in found.items():
        yield f"{system}, {quantity}: geometric mean {math.exp(sum(logs) / len(logs)):.2f}x over {len(logs)}."


def _megabytes(memory: float) -> str:
    return f"{memory / 1e6:.3g} MB"
