"""The suite of `python -m bench`: every class, function and system, and results that can be compared."""

import numpy as np
import pytest

from bench.gradbench.systems import SYSTEMS
from bench.gradbench.workloads import FUNCTIONS, of_class

pytest.importorskip("bench.model")  # the rest of the benchmarks
cases = pytest.importorskip("bench.gradbench.cases").cases


def test_each_function_of_each_workload_is_a_case():
    for quick, classes in ((True, ["small"]), (False, ["small", "middle", "large"])):
        found = cases(quick)
        assert len({str(case) for case in found}) == len(found)
        assert [(c.workload, c.size) for c in found] == [
            (w.module, w.label) for w in of_class(*classes) for _ in FUNCTIONS[w.module]
        ]
        assert all(c.suite == "gradbench" and c.compiled and "funcgrad" in c.systems for c in found)
    assert all(set(c.systems) == set(SYSTEMS) for c in found)


def test_kinds():
    kinds = {}
    for case in cases(True):
        kinds.setdefault(case.workload, set()).add(case.kind)
    assert kinds["hello"] == {"function", "double"}
    assert kinds["det"] == {"function", "gradient"}
    assert kinds["kmeans"] == {"function", "dir"}
    assert kinds["particle"] == kinds["saddle"] == {"rr", "rf", "fr", "ff"}


@pytest.mark.parametrize("workload", ["hello", "ba", "kmeans"])
def test_calls_run_again_and_finish_in_numbers(workload):
    function, derivative = [c for c in cases(True) if c.workload == workload][:2]
    for case in (function, derivative):
        call = case.systems["funcgrad"]()
        first, again = call.finish(call.run()), call.finish(call.run())
        if workload == "ba":
            assert set(first) == ({"reproj_error", "w_err"} if case is function else {"vals"})
        else:
            assert np.array_equal(first, again)


def test_what_a_system_has_not_is_left_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("JAX", "PyTorch"):
        with pytest.raises(NotImplementedError, match=f"{name} has no primal of det"):
            next(c for c in cases(True) if c.workload == "det").systems[name]()
