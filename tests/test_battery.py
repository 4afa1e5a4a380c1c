"""Every primitive, every sample, every law."""

import re

import pytest

import funcgrad  # noqa: F401  (registers the primitives)
from funcgrad.testing.battery import bad_calls, cases, refuses

CASES = dict(cases())
BAD = {label: (primitive, bad) for label, primitive, bad in bad_calls()}


@pytest.mark.parametrize("label", CASES)
def test_law(label):
    CASES[label].run()


@pytest.mark.parametrize("label", BAD)
def test_bad_call(label):
    primitive, bad = BAD[label]
    error = refuses(primitive, bad)
    assert re.search(bad.message, str(error)), str(error)
