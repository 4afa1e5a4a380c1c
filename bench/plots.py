"""A report as pictures: times against each other, derivatives' costs, growth with size, starts and memory."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.model import Report, Row
from bench.peers import SYSTEMS, style_of
from bench.tables import derivative_ratios, systems_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write"]

# Kinds that are drawn thin, and what they are called there.
_THIN = {"function": "functions", "tracing": "tracing alone"}

Points = dict[str, dict[str, float]]  # by label of the workload, by system


def write(report: Report, folder: Path) -> list[Path]:
    """Write the plots that the report has rows for; return their paths."""
    import matplotlib

    matplotlib.use("Agg")
    paths = []
    # A fixed salt, and no date: the same rows make the same file.
    with matplotlib.rc_context(
        {"svg.hashsalt": "funcgrad", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True}
    ):
        for name, figure in _figures(report):
            path = folder / f"{report.suite}{name}.svg"
            figure.savefig(path, metadata={"Date": None})
            _close(figure)
            paths.append(path)
    return paths


def _figures(report: Report):
    timed = [row for row in report.rows if row.best]
    sizes: dict[str, set[int | None]] = {}
    for row in timed:
        sizes.setdefault(row.workload, set()).add(row.n)
    fresh = [row for row in timed if row.kind.startswith("first ")]
    growing = [row for row in timed if row.n is not None and len(sizes[row.workload]) > 1]
    if growing:
        yield "", _growth(growing)
    elif fresh:
        seconds = _values(fresh, lambda row: row.best)
        yield "", _dots(seconds, "seconds from a fresh process to the first derivative")
        memory = _values([row for row in fresh if row.memory], lambda row: row.memory / 1e6)
        yield "-memory", _dots(memory, "peak memory of the process, megabytes")
    elif ratios := _ratios(timed):
        yield "", _dots(ratios, f"time of a call over that of {systems_of(timed)[0]}", line=1.0)
    derivatives = derivative_ratios(timed)
    if derivatives and not growing:
        title = "time of a derivative over its function's (line: 4)"
        yield "-derivatives", _dots(derivatives, title, line=4.0)


def _values(rows: Sequence[Row], value: Callable[[Row], float]) -> Points:
    points: Points = {}
    for row in rows:
        points.setdefault(row.label, {})[row.system] = value(row)
    return points


def _ratios(rows: Sequence[Row]) -> Points:
    """Return each derivative's times over the first system's: of all rows, where there are no derivatives."""
    chosen = [row for row in rows if row.kind != "function"] or rows
    ours = systems_of(rows)[0] if rows else ""
    points = _values(chosen, lambda row: row.best)
    return {
        label: {name: value / found[ours] for name, value in found.items()}
        for label, found in points.items()
        if ours in found and len(found) > 1
    }


def _dots(points: Points, title: str, line: float | None = None) -> "Figure":
    """Draw a row of dots for each label on a logarithmic axis."""
    from matplotlib import pyplot as plt

    labels = list(points)
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.24 * len(labels)), layout="constrained")
    for name in _ordered(points.values()):
        shown = [(points[label][name], y) for y, label in enumerate(labels) if name in points[label]]
        axes.plot(*zip(*shown, strict=True), linestyle="", label=name, alpha=0.9, **_style(name))
    if line is not None:
        axes.axvline(line, color="#444444", linewidth=1)
    axes.set(xscale="log", xlabel=title, yticks=range(len(labels)), yticklabels=labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(alpha=0.25)
    _plain_numbers(axes.xaxis)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def _growth(rows: Sequence[Row]) -> "Figure":
    """Draw seconds against size, a panel for each workload; functions, and tracing alone, in thin lines."""
    from matplotlib import pyplot as plt

    workloads = list(dict.fromkeys(row.workload for row in rows))
    across = min(3, len(workloads))
    down = -(-len(workloads) // across)
    shape = {"figsize": (3.2 * across, 0.6 + 2.7 * down), "layout": "constrained", "squeeze": False}
    figure, panels = plt.subplots(down, across, **shape)
    for panel, workload in zip(panels.flat, workloads, strict=False):
        _lines(panel, [row for row in rows if row.workload == workload])
        panel.set(xscale="log", yscale="log", title=workload)
        panel.minorticks_off()
        panel.grid(alpha=0.25)
    for panel in panels.flat[len(workloads) :]:
        panel.set_axis_off()
    figure.supxlabel("size n")
    thin = dict.fromkeys(_THIN[row.kind] for row in rows if row.kind in _THIN)
    figure.supylabel("seconds" + (f" (thin: {', '.join(thin)})" if thin else ""))
    handles = {}
    for panel in panels.flat:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=5, frameon=False)
    return figure


def _lines(panel: Any, rows: Sequence[Row]) -> None:
    series: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in rows:
        series.setdefault((row.system, row.kind), []).append((row.n, row.best))
    for (name, kind), line in series.items():
        look = _style(name)
        if kind in _THIN:
            panel.plot(*zip(*sorted(line), strict=True), color=look["color"], linewidth=0.7, alpha=0.6)
        else:
            panel.plot(*zip(*sorted(line), strict=True), label=name, linewidth=1.3, **look)


def _ordered(found: Any) -> list[str]:
    present = {name for values in found for name in values}
    return [name for name in SYSTEMS if name in present] + sorted(present - SYSTEMS.keys())


def _style(name: str) -> dict[str, Any]:
    look = style_of(name)
    return {"color": look.colour, "marker": look.marker, "markersize": 4.5}


def _plain_numbers(axis: Any) -> None:
    """Write 0.1, 1, 10 rather than powers of ten, with numbers between them where the axis is short."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x, pos=None):
            return f"{x:g}" if super().__call__(x, pos) else ""

    axis.set_major_formatter(Plain(labelOnlyBase=False))
    axis.set_minor_formatter(Plain(labelOnlyBase=False, minor_thresholds=(2, 0.5)))


def _close(figure: "Figure") -> None:
    from matplotlib import pyplot as plt

    plt.close(figure)
