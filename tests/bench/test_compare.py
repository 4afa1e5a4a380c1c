"""What changed between reports, on made-up times."""

import pytest

from bench.compare import changes, lost, text
from tests.bench.made_up import report, row


def ours(old, new):
    (change,) = [c for c in changes(old, new) if c.system == "funcgrad"]
    return change


def test_what_slows_a_peer_as_well_is_the_machine():
    old = report(row("funcgrad", 1.0), row("JAX", 4.0))
    new = report(row("funcgrad", 3.0), row("JAX", 12.0))
    change = ours(old, new)
    assert change.ratio == pytest.approx(1.0) and not change.worse and not change.better
    assert change.against == "JAX"


def test_what_slows_alone_is_worse():
    old = report(row("funcgrad", 1.0), row("JAX", 4.0))
    change = ours(old, report(row("funcgrad", 2.0), row("JAX", 4.0)))
    assert change.ratio == 2.0 and change.worse
    back = ours(report(row("funcgrad", 2.0), row("JAX", 4.0)), old)
    assert back.ratio == 0.5 and back.better


def test_one_peer_of_several_that_jumps_is_not_believed():
    old = report(row("funcgrad", 1.0), row("JAX", 4.0), row("torch.compile", 5.0), row("NumPy by hand", 6.0))
    new = report(row("funcgrad", 1.0), row("JAX", 40.0), row("torch.compile", 5.0), row("NumPy by hand", 6.0))
    assert ours(old, new).ratio == 1.0


def test_a_peer_of_another_version_is_no_measure():
    old = report(row("funcgrad", 1.0), row("JAX", 4.0))
    new = report(row("funcgrad", 2.0, calibration=2e-5), row("JAX", 8.0), versions={"jax": "1.1"})
    change = ours(old, new)
    assert change.against == "calibration" and change.ratio == 1.0


def test_without_peers_the_calibration_tells_the_machine():
    old, new = report(row("funcgrad", 1.0)), report(row("funcgrad", 3.0, calibration=2e-5))
    assert ours(old, new).ratio == 1.5 and ours(old, new).worse


def test_rounds_that_differ_are_noise():
    old = report(row("funcgrad", 1.0, 1.0, 1.0))
    steady, noisy = report(row("funcgrad", 1.3, 1.3, 1.3)), report(row("funcgrad", 1.3, 2.0, 2.0))
    assert ours(old, steady).worse
    assert not ours(old, noisy).worse


def test_peers_are_not_judged():
    found = changes(report(row("JAX", 1.0)), report(row("JAX", 3.0)))
    assert not found[0].worse and found[0].ratio == 3.0
    assert text(found) == "0 worse, 0 better, of 0 compared.\n\nJAX, time: geometric mean 3.00x over 1.\n"


def test_first_calls_and_memory():
    old = report(row("funcgrad", 1.0, first=0.1, memory=1000))
    new = report(row("funcgrad", 1.0, first=0.3, memory=1200))
    found = {c.quantity: c for c in changes(old, new)}
    assert found["first call"].worse and found["first call"].ratio == pytest.approx(3.0)
    assert found["peak memory"].worse
    assert not found["time"].worse


def test_rows_of_one_report_only_are_left_out():
    assert changes(report(row("funcgrad", 1.0)), report(row("funcgrad", 1.0, size="20"))) == []


def test_the_text_tells_the_largest_first():
    old = report(row("funcgrad", 1.0), row("funcgrad", 1.0, size="20"), row("funcgrad", 1.0, size="30"))
    new = report(row("funcgrad", 2.0), row("funcgrad", 3.0, size="20"), row("funcgrad", 0.5, size="30"))
    assert (
        text(changes(old, new))
        == """\
2 worse, 1 better, of 3 compared.

worse:
    funcgrad on gradient of sum, 20: time 3.00x, against calibration (1 s -> 3 s; noise 1.10x)
    funcgrad on gradient of sum, 10: time 2.00x, against calibration (1 s -> 2 s; noise 1.10x)

better:
    funcgrad on gradient of sum, 30: time 0.50x, against calibration (1 s -> 500 ms; noise 1.10x)

funcgrad, time: geometric mean 1.44x over 3.
"""
    )


def test_what_fails_now_is_told():
    failures = [
        ("compiled: gradient of sum, 10", "funcgrad", "ValueError: no"),
        ("compiled: gradient of sum, 10", "PyTensor", "ValueError: never did"),
    ]
    old, new = report(row("funcgrad", 1.0)), report(failures=failures)
    assert lost(old, new) == ["funcgrad on compiled: gradient of sum, 10: ValueError: no"]
