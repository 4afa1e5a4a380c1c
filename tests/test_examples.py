"""Every example runs, in a process of its own, and its own assertions hold."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").rglob("*.py"))
PICTURES = {"two_layer_network", "two_layer_networks", "tanh_derivatives", "fit_ode", "pendulum"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path, tmp_path):
    picture = tmp_path / "out.png"
    args = [str(picture)] if path.stem in PICTURES else []
    done = subprocess.run([sys.executable, str(path), *args], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    if args:
        assert picture.read_bytes().startswith(b"\x89PNG")
