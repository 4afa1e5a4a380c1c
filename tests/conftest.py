"""Every test run has a cache of compiled programs of its own."""

import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="funcgrad-cache-")
os.environ["FUNCGRAD_CACHE_DIR"] = _folder.name

collect_ignore = ["data"]  # with the scripts that recorded it, which import other libraries
