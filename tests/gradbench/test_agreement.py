"""The table of `python -m bench.gradbench.agreement`, of two evals."""

import pytest

from bench.gradbench import agreement
from bench.gradbench.workloads import WORKLOADS, Workload


@pytest.fixture(autouse=True)
def without_peers(monkeypatch):
    monkeypatch.setattr(agreement, "PEERS", ())


def test_rows_come_through_the_protocol():
    found = list(agreement.rows([WORKLOADS["hello"][0], WORKLOADS["det"][0]]))
    assert [(row.workload.module, row.function) for row in found] == [
        ("hello", "square"), ("hello", "double"), ("det", "primal"), ("det", "gradient")
    ]  # fmt: skip
    assert all(row.right for row in found)
    assert agreement.table(found).count("\n| det | 5 | ") == 2
    spoilt = found[0]._replace(errors={"NumPy": 1e-15, "JAX": None, "PyTorch": 1e-7})
    assert not spoilt.right
    assert not found[0]._replace(errors={"NumPy": float("nan")}).right
    assert "| 1e-15 |  | 1e-07 |" in agreement.table([spoilt])


def test_a_refusal_ends_the_run():
    wrong = Workload("det", "wrong", "", lambda: {"A": [1.0], "ell": 2})
    with pytest.raises(RuntimeError, match=r"det wrong primal: .*shape \(4,\), got shape \(1,\)"):
        list(agreement.rows([wrong]))
