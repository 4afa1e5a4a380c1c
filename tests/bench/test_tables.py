"""Tables, on made-up rows."""

import pytest

from bench.tables import derivative_ratios, formatted, systems_of, text
from tests.bench.made_up import report, row


def test_the_text_of_a_report():
    made = report(
        row("funcgrad", 2e-6, 1e-6, first=0.05),
        row("JAX", 4e-6, first=0.1),
        row("funcgrad", 5e-7, kind="function"),
        failures=[("compiled: gradient of sum, 10", "PyTensor", "ValueError: no")],
    )
    assert (
        text(made)
        == """\
| time of a call | funcgrad | JAX |
| --- | --- | --- |
| gradient of sum, 10 | 1 us | 4 us (4.00x) |

| time of a call: functions | funcgrad |
| --- | --- |
| sum, 10 | 0.5 us |

| first call: tracing and compiling, nothing cached | funcgrad | JAX |
| --- | --- | --- |
| gradient of sum, 10 | 50 ms | 100 ms (2.00x) |

| time of a derivative over its function's | funcgrad |
| --- | --- |
| gradient of sum, 10 | 2.00 |

time of a call, funcgrad against JAX: geometric mean 0.250 over 1 rows, the largest 0.25, above 1 on 0.  
first call: tracing and compiling, nothing cached, funcgrad against JAX: geometric mean 0.500 over 1 rows, the \
largest 0.50, above 1 on 0.  

PyTensor on compiled: gradient of sum, 10: ValueError: no  
"""
    )


def test_what_is_missing_is_left_empty():
    lines = text(report(row("funcgrad", 1.0), row("JAX", 2.0, size="20"))).splitlines()
    assert lines[2:4] == ["| gradient of sum, 10 | 1 s |  |", "| gradient of sum, 20 |  | 2 s |"]


def test_memory_alone():
    assert "| memory of sum, 10 | 2.5 MB |" in text(report(row(kind="memory", memory=2_500_000)))


def test_times_are_of_what_was_timed():
    assert text(report(row("funcgrad", 1.0, per=10))).startswith("| time of a step |")
    assert "| gradient of sum, 10 | 100 ms |" in text(report(row("funcgrad", 1.0, per=10)))
    assert text(report(row("funcgrad", 1.0, kind="first gradient"))).startswith("| time of a fresh process |")


def test_tracing_is_told_apart():
    found = text(report(row("funcgrad", 1e-3, first=0.5, traced=0.2, equations=10_000)))
    assert (
        "| first call beyond tracing | funcgrad |\n| --- | --- |\n| gradient of sum, 10 | 300 ms |" in found
    )
    assert "| tracing, of an equation | funcgrad |\n| --- | --- |\n| gradient of sum, 10 | 20 us |" in found
    assert "tracing, of" not in text(report(row("funcgrad", 1e-3, first=0.5)))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2.5e-8, "25 ns"), (1.234e-7, "0.123 us"), (0.0254, "25.4 ms"), (3.0, "3 s")]
)
def test_times_have_three_digits(seconds, shown):
    assert formatted(seconds) == shown


def test_systems_stand_in_one_order_with_strangers_last():
    rows = [row("another"), row("PyTensor"), row("JAX"), row("funcgrad")]
    assert systems_of(rows) == ["funcgrad", "JAX", "PyTensor", "another"]


def test_derivatives_over_functions_are_of_one_system_and_size():
    rows = [
        row("funcgrad", 3.0),
        row("funcgrad", 1.0, kind="function"),
        row("JAX", 9.0),
        row("funcgrad", 2.0, size="20"),
    ]
    assert derivative_ratios(rows) == {"gradient of sum, 10": {"funcgrad": 3.0}}
