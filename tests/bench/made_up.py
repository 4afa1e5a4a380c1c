"""Rows and reports with made-up numbers."""

from bench.model import Report, Row


def row(
    system="funcgrad",
    *times,
    workload="sum",
    size="10",
    kind="gradient",
    suite="compiled",
    calibration=1e-5,
    **rest,
):
    return Row(suite, workload, size, kind, system, tuple(times), calibration, **rest)


def report(*rows, suite="compiled", versions=None, failures=()):
    about = {"versions": versions or {"jax": "1.0", "torch": "2.0", "numpy": "3.0"}}
    return Report(suite, about, list(rows), list(failures))
