"""docs/primitives.md says what there is."""

import subprocess
import sys

from tests.primitives.table import PAGE


def test_the_page_of_primitives_is_true():
    # In a process of its own: other tests may have made primitives.
    code = "import sys; from tests.primitives.table import page; sys.stdout.write(page())"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PAGE.parents[1], capture_output=True, text=True, check=True
    )
    assert PAGE.read_text() == run.stdout, "write it anew: python -m tests.primitives.table"
