"""A report as text: Markdown tables of times, first calls, memory and derivatives' costs, and their means."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from bench.model import Report, Row
from bench.peers import SYSTEMS, style_of

__all__ = ["derivative_ratios", "formatted", "systems_of", "text"]

Value = Callable[[Row], float | None]


class _Quantity(NamedTuple):
    """A column of a report: what it is, its value in a row if the row has it, and how that is written."""

    title: str
    value: Value
    shown: Callable[[float], str]


def text(report: Report) -> str:
    """Return every table that the report has rows for."""
    parts = [
        *(_table(quantity, rows) for quantity, rows in _quantities(report.rows)),
        _derivative_table(report.rows),
        "\n".join(
            f"{line}  " for quantity, rows in _quantities(report.rows) for line in _means(quantity, rows)
        ),
        "\n".join(f"{system} on {case}: {message}  " for case, system, message in report.failures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _quantities(rows: Sequence[Row]) -> Iterator[tuple[_Quantity, list[Row]]]:
    """Yield the quantities there are, each with its rows: of derivatives and the like, and of plain functions."""
    quantities = [
        _Quantity(_time_of(rows), lambda row: row.best and row.best / row.per, formatted),
        _Quantity(
            "first call: tracing and compiling, nothing cached",
            lambda row: row.first if style_of(row.system).compiles else None, formatted,
        ),
        _Quantity(
            "first call beyond tracing",
            lambda row: row.first and row.traced and max(row.first - row.traced, 0.0), formatted,
        ),
        _Quantity("tracing, of an equation", lambda row: row.traced and row.traced / row.equations, formatted),
        _Quantity("peak memory", lambda row: row.memory, lambda memory: f"{memory / 1e6:.3g} MB"),
    ]  # fmt: skip
    for quantity in quantities:
        for plain in (False, True):
            chosen = [r for r in rows if (r.kind == "function") == plain and quantity.value(r)]
            if chosen:
                title = f"{quantity.title}: functions" if plain else quantity.title
                yield quantity._replace(title=title), chosen


def _time_of(rows: Sequence[Row]) -> str:
    """Return what the seconds are of."""
    if any(row.kind.startswith("first ") for row in rows):
        return "time of a fresh process"
    if any(row.kind == "compilation" for row in rows):
        return "time"
    several = {row.per > 1 for row in rows}
    return "time of a " + (
        "call, or of a step" if len(several) > 1 else "step" if several == {True} else "call"
    )


def formatted(seconds: float) -> str:
    """Return a time with three digits and its unit."""
    for factor, unit in ((1e9, "ns"), (1e6, "us"), (1e3, "ms")):
        if seconds * factor < (100 if unit == "ns" else 1000):
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def systems_of(rows: Sequence[Row]) -> list[str]:
    """Return the systems in the order of `peers`."""
    present = dict.fromkeys(row.system for row in rows)
    return [name for name in SYSTEMS if name in present] + [name for name in present if name not in SYSTEMS]


def derivative_ratios(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return, by the label of the derivative, the systems' times over those of their functions."""
    functions = {(r.workload, r.size, r.system): r.best for r in rows if r.kind == "function" and r.best}
    ratios: dict[str, dict[str, float]] = {}
    for row in rows:
        function = functions.get((row.workload, row.size, row.system))
        if row.kind != "function" and function and row.best:
            ratios.setdefault(row.label, {})[row.system] = row.best / function
    return ratios


def _table(quantity: _Quantity, rows: Sequence[Row]) -> str:
    """Return a line a workload, a column a system, with the ratio to the first column."""
    names = systems_of(rows)
    lines = []
    for label, found in _by_label(rows).items():
        values = {name: quantity.value(row) for name, row in found.items()}
        base = values.pop(names[0], None)
        cells = [
            _cell(base, None, quantity.shown),
            *(_cell(values.get(n), base, quantity.shown) for n in names[1:]),
        ]
        lines.append([label, *cells])
    return _markdown([quantity.title, *names], lines)


def _by_label(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.label, {})[row.system] = row
    return found


def _cell(value: float | None, base: float | None, shown: Callable[[float], str]) -> str:
    if value is None:
        return ""
    return shown(value) + (f" ({_ratio(value / base)}x)" if base else "")


def _ratio(x: float) -> str:
    return f"{x:.2f}" if 0.1 <= x < 100 else f"{x:.2g}" if x < 0.1 else f"{x:.0f}"


def _derivative_table(rows: Sequence[Row]) -> str:
    ratios = derivative_ratios(rows)
    if not ratios:
        return ""
    names = [n for n in systems_of(rows) if any(n in found for found in ratios.values())]
    lines = [
        [label, *(f"{found[n]:.2f}" if n in found else "" for n in names)] for label, found in ratios.items()
    ]
    return _markdown(["time of a derivative over its function's", *names], lines)


def _means(quantity: _Quantity, rows: Sequence[Row]) -> Iterator[str]:
    """Yield how the first system does against each other one: geometric mean, worst row, rows lost."""
    ours, *others = systems_of(rows)
    for name in others:
        pairs = [(f[ours], f[name]) for f in _by_label(rows).values() if ours in f and name in f]
        logs = [math.log(quantity.value(x) / quantity.value(y)) for x, y in pairs]
        if logs:
            yield (
                f"{quantity.title}, {ours} against {name}: geometric mean {math.exp(sum(logs) / len(logs)):.3f} over "
                f"{len(logs)} rows, the largest {math.exp(max(logs)):.2f}, above 1 on {sum(x > 0 for x in logs)}."
            )


def _markdown(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
