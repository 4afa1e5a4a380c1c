"""A primitive added by one file, as docs/contributing.md says: its laws hold for free, and it is native."""

import importlib
import sys

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.testing import zero_laws  # noqa: F401  (registers its laws)
from funcgrad.testing.battery import bad_calls, cases, refuses

FILES = {"elementwise": "softabs", "reduction": "sum_of_fourth_powers", "structured": "log_determinant"}


@pytest.fixture(params=FILES)
def added(request, own_primitives):
    """The primitive that a file adds, for as long as a test runs."""
    sys.modules.pop(f"tests.extending.{request.param}", None)
    module = importlib.import_module(f"tests.extending.{request.param}")
    return getattr(module, FILES[request.param])


def test_its_laws_hold(added):
    mine = [case for _, case in cases() if case.primitive is added]
    assert len(mine) > 10
    for case in mine:
        case.run()
    for _, primitive, bad in bad_calls():
        if primitive is added:
            refuses(primitive, bad)


def test_it_is_native(added):
    sample = next(s for s in added.samples() if isinstance(s, fg.extend.Sample))
    (x,) = [a.array() if isinstance(a, fg.extend.box) else a for a in sample.args]
    loss = lambda x: np.sum(added(x, **sample.params))
    for function in (loss, fg.grad(loss)):
        compiled = fg.jit(function)
        np.testing.assert_allclose(compiled(x), function(x), rtol=1e-12)
        assert "calls NumPy" not in compiled.explain()
    assert not any(e.primitive is added for e in fg.jit(loss).lower(x).program.equations) or added.lower_rule
