"""Interrupts at any moment, threads and forks in the middle of things: nothing is left behind, and no number is wrong."""

import gc
import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core import held_arrays, roles, tracer

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX timers"),
    # Python drops what is raised in callbacks of its garbage collector, such as hypothesis has.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Alarm(Exception):
    """What the timer raises."""


@contextmanager
def alarm_after(seconds):
    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Compiled loops.

ENDLESS = {
    "while": lambda x: fg.while_loop(lambda c: c < 2, lambda c: c * 1.0, x),
    "long scan": lambda x: fg.scan(lambda c, _: (c * 1.0000001, None), x, None, length=10**11)[0],
    "while in scan": lambda x: fg.scan(
        lambda c, _: (fg.while_loop(lambda d: d < c, lambda d: d + 1e-9, c * 0), None), x, None, length=10**6
    )[0],
    "fori_loop": lambda x: fg.fori_loop(0, 10**11, lambda i, c: c * 1.0000001, x),
    "callback": lambda x: fg.while_loop(
        lambda c: c < 2, lambda c: fg.pure_callback(lambda v: v * 1.0, fg.ArrayType((), float), c), x
    ),
    "gradient": fg.grad(
        lambda x: fg.while_loop(lambda c: c[0] < 1e18, lambda c: (c[0] + 0 * x, c[1] * 1.0), (1.0, x))[1]
    ),
}


@pytest.mark.parametrize("transform", [fg.jit, lambda f: f], ids=["compiled", "as it is"])
@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_loop_is_interrupted(name, transform):
    f = transform(ENDLESS[name])
    began = time.monotonic()
    try:
        with alarm_after(0.3), pytest.raises(Alarm):
            f(1.0)
    finally:
        assert time.monotonic() - began < 5
    assert fg.grad(lambda x: x * x)(3.0) == 6.0


def test_other_threads_run_while_a_compiled_loop_does():
    f = fg.jit(ENDLESS["while"])
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    try:
        with alarm_after(0.4), pytest.raises(Alarm):
            f(1.0)
    finally:
        done.set()
        thread.join()
    assert counted[0] > 1000


# Interrupts at random moments.

LARGE = np.ones(8000)


def work():
    def f(x):
        y = fg.cond(np.sum(x) > 0, lambda x: np.sin(x) * LARGE, lambda x: x, x)
        return np.sum(y * fg.grad(lambda z: np.sum(z**2 * LARGE))(x))

    fg.grad(f)(np.ones(8000))
    fg.jvp(f, (np.ones(8000),), (np.ones(8000),))
    fg.vmap(lambda x: np.sum(x * LARGE))(np.ones((2, 8000)))
    fg.trace(f)(np.ones(8000))
    fg.scan(lambda c, x: (c + x, c * x), 0.0, np.ones(4))
    fg.grad(lambda c: np.sum(scaled(c)(c)))(np.ones(8000))


def scaled(c):
    f = fg.custom_vjp(lambda x: x * c)
    f.defvjp(lambda x: (x * c, None), lambda _, y_bar: (y_bar * c,))
    return f


def check_that_nothing_is_left():
    if tracer.is_any_open():
        gc.collect()  # what was interrupted may be held by its own traceback
    assert LARGE.flags.writeable
    assert not any(reference() for reference in held_arrays._locks.values())
    assert not tracer.is_any_open()
    for role in ("operations", "effects", "body"):
        assert roles.in_role(role) is None
    assert fg.grad(lambda x: np.sum(x * np.sin(x)))(np.zeros(3)).tolist() == [0.0] * 3


@contextmanager
def unraisable_dropped():
    """What is raised in a callback of the garbage collector, such as hypothesis has, Python drops; pytest keeps it to
    report it, and with its frames whatever was interrupted there."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


@unraisable_dropped()
def interrupt_at_random(times, seed):
    rng = random.Random(seed)
    work()
    interrupted = 0
    for _ in range(times):
        try:
            with alarm_after(rng.uniform(1e-5, 4e-3)):
                work()
        except Alarm:
            interrupted += 1
        check_that_nothing_is_left()
    return interrupted


def test_interrupts_at_random_moments_leave_nothing():
    assert interrupt_at_random(300, 1) > 30


@pytest.mark.slow
def test_many_interrupts_at_random_moments_leave_nothing():
    assert interrupt_at_random(10_000, 2) > 1000


# Threads.


def on_pool(f):
    """Run a function of a traced value on another thread."""

    def g(x):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(f, x).result()

    return g


def inner(x):
    return np.sum(fg.grad(lambda y: np.sum(np.sin(x * y)))(np.ones(3)) * x)


@pytest.mark.parametrize("transform", ["grad", "jvp", "jit", "jit of grad", "vmap", "hessian", "scan"])
def test_a_traced_value_may_be_handed_to_another_thread(transform):
    x = np.array([0.5, 1.0, 2.0])
    apply = {
        "grad": lambda f: fg.grad(f)(x),
        "jvp": lambda f: fg.jvp(f, (x,), (x,))[1],
        "jit": lambda f: fg.jit(f)(x),
        "jit of grad": lambda f: fg.jit(fg.grad(f))(x),
        "vmap": lambda f: fg.vmap(f)(np.stack([x, 2 * x])),
        "hessian": lambda f: fg.hessian(f)(x),
        "scan": lambda f: fg.scan(lambda c, _: (c + f(x * c), None), 0.5, None, length=2)[0],
    }[transform]
    np.testing.assert_allclose(apply(on_pool(inner)), apply(inner), rtol=1e-12)


def test_one_function_on_several_threads_at_once():
    def f(x):
        with ThreadPoolExecutor(4) as pool:
            return sum(pool.map(lambda k: inner(x * k) + np.sum(x * LARGE[:3]), range(16)))

    def alone(x):
        return sum(inner(x * k) + np.sum(x * LARGE[:3]) for k in range(16))

    x = np.array([0.5, 1.0, 2.0])
    for _ in range(5):
        np.testing.assert_allclose(fg.grad(f)(x), fg.grad(alone)(x), rtol=1e-12)


# Forks.


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_forked_while_another_thread_compiles_compiles_too():
    done = threading.Event()

    def compile_on():
        k = 0
        while not done.is_set():
            k += 1
            fg.jit(lambda x, k=k: np.sum(np.sin(x * k)))(np.ones(k % 7 + 1))

    thread = threading.Thread(target=compile_on)
    thread.start()
    try:
        for k in range(8):
            time.sleep(0.01)
            child = os.fork()
            if child == 0:
                ok = fg.jit(fg.grad(lambda x, k=k: np.sum(np.cos(x) * (k + 0.5))))(np.zeros(k + 1)).shape == (
                    k + 1,
                )
                os._exit(0 if ok else 1)
            assert _status_within(child, 30) == 0
    finally:
        done.set()
        thread.join()


def _status_within(child, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"
