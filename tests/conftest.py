"""Every test run has a cache of compiled programs of its own."""

import os
import tempfile

import pytest

from funcgrad.core import primitive as registry

_folder = tempfile.TemporaryDirectory(prefix="funcgrad-cache-")
os.environ["FUNCGRAD_CACHE_DIR"] = _folder.name

collect_ignore = ["data"]  # with the scripts that recorded it, which import other libraries


@pytest.fixture
def own_primitives():
    """Lets a test make primitives, which are gone after it."""
    before = dict(registry._registry)
    yield
    registry._registry.clear()
    registry._registry.update(before)
