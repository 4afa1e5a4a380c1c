"""Reports as files."""

import pytest

from bench.model import Case, Report
from tests.bench.made_up import report, row


def test_a_report_is_read_as_it_was_written(tmp_path):
    rows = [row("funcgrad", 2e-6, 1e-6, first=0.1, memory=100, n=10), row("JAX", per=5)]
    written = report(*rows, failures=[("compiled: gradient of sum, 10", "PyTensor", "ValueError: no")])
    written.write(tmp_path / "new" / "compiled.json")
    assert Report.read(tmp_path / "new" / "compiled.json") == written


def test_statistics_of_rounds():
    x = row("funcgrad", 3.0, 2.0, 4.0)
    assert (x.best, x.median, x.spread) == (2.0, 3.0, 0.5)
    none = row("funcgrad")
    assert (none.best, none.median, none.spread) == (None, None, 0.0)


def test_a_row_names_its_case_as_the_case_does():
    case = Case("compiled", "sum", "10", "gradient", {})
    assert str(case) == row().case == "compiled: gradient of sum, 10"
    assert case.matches("Gradient of S") and case.matches(None) and not case.matches("hessian")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"suite": "compiled", "rows": 3, "failures": []}',
        '{"suite": "compiled", "rows": [{"suite": "compiled"}], "failures": []}',
        '{"suite": "compiled", "failures": []}',
    ],
)
def test_a_damaged_report_is_named(tmp_path, content):
    path = tmp_path / "old.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"old\.json is not a report of python -m bench"):
        Report.read(path)


def test_a_missing_report_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: No such file"):
        Report.read(tmp_path / "none.json")
