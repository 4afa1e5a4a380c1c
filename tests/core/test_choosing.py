"""Functions have other code while they are traced, and their own again after."""

import gc
import threading

import pytest

from funcgrad.core.choosing import choosing, is_choosing


def sign(x):
    if x > 0:
        y = 1
    else:
        y = -1
    return y


OWN = sign.__code__


def test_functions_have_other_code_within_and_their_own_after():
    made = [lambda x: 1 if x > 0 else 2 for _ in range(3)]
    own = made[0].__code__
    with choosing(sign, {OWN, own}) as any_branch:
        assert any_branch and is_choosing()
        assert sign.__code__ is not OWN and all(f.__code__ is not own for f in made)
        assert [sign(2), sign(-2), made[1](1), made[2](-1)] == [1, -1, 1, 2]
    assert sign.__code__ is OWN and all(f.__code__ is own for f in made) and not is_choosing()


def test_errors_and_nesting_leave_nothing_behind():
    with pytest.raises(KeyboardInterrupt), choosing(sign, {OWN}):
        with choosing(sign, {OWN}):
            pass
        assert sign.__code__ is not OWN and is_choosing()
        raise KeyboardInterrupt
    assert sign.__code__ is OWN and not is_choosing()


def test_only_the_thread_that_traces_chooses():
    seen = []
    with choosing(sign, {OWN}):
        thread = threading.Thread(target=lambda: seen.extend([is_choosing(), sign(3)]))
        thread.start()
        thread.join()
    assert seen == [False, 1]


def test_the_last_of_several_threads_gives_functions_their_own_code():
    first, second = threading.Event(), threading.Event()

    def work():
        with choosing(sign, {OWN}):
            first.set()
            assert second.wait(10)

    thread = threading.Thread(target=work)
    with choosing(sign, {OWN}):
        thread.start()
        assert first.wait(10)
    assert sign.__code__ is not OWN
    second.set()
    thread.join()
    assert sign.__code__ is OWN


def test_functions_that_the_garbage_collector_leaves_alone():
    gc.freeze()
    try:
        with choosing(lambda: sign, {OWN}) as any_branch:
            assert any_branch and sign.__code__ is not OWN
    finally:
        gc.unfreeze()
    assert sign.__code__ is OWN


def test_nothing_to_choose():
    with choosing(sign, {None, test_nothing_to_choose.__code__}) as any_branch:
        assert not any_branch
