"""The collector's threshold, while programs are made and afterwards."""

import gc
import os

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.garbage import THRESHOLD, rare_collections


@pytest.fixture(autouse=True)
def threshold():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_tracing_raises_the_threshold_and_puts_it_back():
    seen = []

    def f(x):
        seen.append(gc.get_threshold()[0])
        return x

    fg.jit(f)(1.0)
    fg.trace(f)(1.0)
    assert seen == [THRESHOLD, THRESHOLD]
    assert gc.get_threshold() == (700, 10, 10)


def test_an_error_puts_it_back():
    def f(x):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fg.trace(f)(1.0)
    assert gc.get_threshold() == (700, 10, 10)


def test_the_last_to_leave_puts_it_back():
    first, second = rare_collections(), rare_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == THRESHOLD
    second.__exit__(None, None, None)
    assert gc.get_threshold()[0] == 700


@pytest.mark.parametrize("mine", [0, THRESHOLD, 1_000_000])
def test_what_the_user_has_set_stays(mine):
    gc.set_threshold(mine, 5, 5)
    with rare_collections():
        assert gc.get_threshold()[0] == mine
    assert gc.get_threshold() == (mine, 5, 5)


def test_what_the_user_sets_within_it_stays():
    with rare_collections():
        gc.set_threshold(900)
    assert gc.get_threshold()[0] == 900


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_it_back():
    with rare_collections():
        child = os.fork()
        if not child:
            os._exit(gc.get_threshold()[0] != 700)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_long_program_is_kept_as_the_loop_that_it_has_become():
    def long(x):
        for _ in range(500):
            x = np.sin(x) * 1.01
        return np.sum(x)

    jitted = fg.jit(long)
    gc.collect()
    gc.disable()  # no circle of references keeps the rest
    try:
        jitted(np.ones(3))
    finally:
        gc.enable()
    kept = [o for o in gc.get_objects() if type(o) is fg.Program and o.name == "long"]
    assert kept and all(len(program.equations) < 20 for program in kept)
