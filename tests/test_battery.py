"""Every primitive, every sample, every law."""

import re

import pytest

import funcgrad  # noqa: F401  (registers the primitives)
from funcgrad.testing import zero_laws  # noqa: F401  (registers its laws)
from funcgrad.testing.battery import bad_calls, cases, refuses
from tests.guarded_memory import guarded

CASES = dict(cases())
BAD = {label: (primitive, bad) for label, primitive, bad in bad_calls()}


@pytest.mark.parametrize("label", CASES)
def test_law(label):
    with guarded(at_end=True):
        CASES[label].run()


@pytest.mark.parametrize("label", [label for label in CASES if label.endswith("compiled_equals_interpreted")])
def test_nothing_is_touched_before_an_array(label):
    with guarded(at_end=False):
        CASES[label].run()


@pytest.mark.parametrize("label", BAD)
def test_bad_call(label):
    primitive, bad = BAD[label]
    error = refuses(primitive, bad)
    assert re.search(bad.message, str(error)), str(error)
