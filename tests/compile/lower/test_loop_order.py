"""The order of loops: along memory."""

import numpy as np
import pytest

import funcgrad as fg
from tests.compile.schedule.loop_interpreter import lowered

X, S = np.ones((30, 40)), np.ones(40)

INNERMOST = {
    "rows' sums": (lambda x, s: np.sum(np.sin(x), 1), 40),
    "columns' sums": (lambda x, s: np.sum(np.sin(x), 0), 40),
    "rows' sums, each with a number": (lambda x, s: np.sum(x * s[:30, None], 1), 40),
    "columns' sums, each with a number": (lambda x, s: np.sum(x * s, 0), 40),
    "of a transpose": (lambda x, s: np.sum(x.T * s[:30], 0), 40),
    "matrix times vector": (lambda x, s: x @ s, 40),
    "vector times matrix": (lambda x, s: s[:30] @ x, 40),
}


@pytest.mark.parametrize("name", INNERMOST)
def test_the_innermost_loop_is_along_memory(name):
    function, extent = INNERMOST[name]
    module = lowered(fg.trace(function)(X, S))
    sums = [s for s in module.statements if s.sequential]
    assert sums and all(s.loops[-1].extent == extent for s in sums)
    np.testing.assert_allclose(fg.jit(function)(X, S), function(X, S), rtol=1e-12)
