"""Plots, of made-up rows."""

from xml.etree import ElementTree

import pytest

from bench import plots
from tests.bench.made_up import report, row

TIMED = [row("funcgrad", 1e-6), row("JAX", 4e-6), row("funcgrad", 5e-7, kind="function")]
FRESH = [row(s, 0.5, kind="first gradient", memory=10**8) for s in ("funcgrad", "JAX")]
GROWING = [
    row(s, t * n, size=str(n), n=n, kind=kind, workload=workload)
    for s, t in (("funcgrad", 1e-7), ("JAX", 1e-6))
    for n in (1, 10, 100)
    for kind in ("function", "gradient")
    for workload in ("sum", "chain")
]


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (TIMED, ["compiled.svg", "compiled-derivatives.svg"]),
        (FRESH, ["compiled.svg", "compiled-memory.svg"]),
        (GROWING, ["compiled.svg"]),
        ([], []),
        ([row("funcgrad", 1e-6)], []),
    ],
    ids=["timed", "fresh", "growing", "none", "one system"],
)
def test_the_same_rows_make_the_same_files(tmp_path, rows, names):
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        paths = plots.write(report(*rows), folder)
        assert [path.name for path in paths] == names
        files.append([path.read_bytes() for path in paths])
    assert files[0] == files[1]


def test_a_plot_names_workloads_and_systems(tmp_path):
    path, _ = plots.write(report(*TIMED), tmp_path)
    written = {element.text for element in ElementTree.parse(path).iter() if element.tag.endswith("text")}
    assert {"gradient of sum, 10", "funcgrad", "JAX", "time of a call over that of funcgrad"} <= written


def test_what_is_thin_is_named(tmp_path):
    rows = [
        row("JAX", n, size=str(n), n=n, kind=kind) for n in (1, 10) for kind in ("compilation", "tracing")
    ]
    [path] = plots.write(report(*rows), tmp_path)
    assert "seconds (thin: tracing alone)" in path.read_text()


def test_nothing_stays_open(tmp_path):
    from matplotlib import pyplot

    plots.write(report(*TIMED), tmp_path)
    assert not pyplot.get_fignums()
