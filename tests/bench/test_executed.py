"""Instructions counted by valgrind, where there is one."""

import pytest

from bench.executed import available, executed


@pytest.mark.slow
@pytest.mark.skipif(not available(), reason="needs valgrind, on Linux and x86-64")
def test_counts_repeat_and_grow_with_the_work():
    names = ["gradient of Rosenbrock, 10", "gradient of Rosenbrock, 1000"]
    first, second = executed(names), executed(names[::-1])
    assert 500 < first[names[0]] < first[names[1]] - 2000  # of a thousand numbers, eight at a time at most
    assert all(abs(second[name] / first[name] - 1) < 0.1 for name in names)


@pytest.mark.slow
@pytest.mark.skipif(not available(), reason="needs valgrind, on Linux and x86-64")
def test_what_fails_under_valgrind_says_why():
    with pytest.raises(OSError, match="KeyError: 'no such subject'"):
        executed(["no such subject"])
