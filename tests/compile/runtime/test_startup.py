"""What compiled code needs: no Numba, no SciPy package, and from the disk cache not even the compiler's work."""

import os
import subprocess
import sys

CODE = """
import sys, numpy as np, funcgrad as fg
assert "llvmlite" not in sys.modules and "funcgrad.compile.codegen.module" not in sys.modules
f = fg.jit(fg.grad(lambda x: np.sum(np.exp(np.sin(x)) * np.tanh(x) + np.log1p(x * x) ** 1.5)))
x = np.linspace(0.1, 2, 50)
np.testing.assert_allclose(f(x), fg.grad(lambda x: np.sum(np.exp(np.sin(x)) * np.tanh(x) + np.log1p(x * x) ** 1.5))(x))
g = fg.jit(lambda a, b: np.tanh(a @ b))
np.testing.assert_allclose(g(np.eye(40), np.ones((40, 40))), np.tanh(np.ones((40, 40))))
loaded = [m for m in ("numba", "scipy.linalg", "scipy.special", "matplotlib") if m in sys.modules]
assert not loaded, loaded
"""


def _run(code, **environment):
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **environment})


def test_numba_is_not_imported(tmp_path):
    _run(CODE, FUNCGRAD_CACHE_DIR="off")
    _run(CODE, FUNCGRAD_CACHE_DIR=str(tmp_path))
    kept = list(tmp_path.rglob("*"))
    assert kept
    never = "from funcgrad.compile.runtime import machine as native\ndef refuse(text): raise AssertionError('compiled again')\n"
    _run(never + "import funcgrad.compile.runtime.executable as e\ne.compile_object = refuse\n" + CODE.replace('assert "llvmlite" not', 'assert "numba" not').replace('"funcgrad.compile.codegen.module" not', '"numba" not'), FUNCGRAD_CACHE_DIR=str(tmp_path))  # fmt: skip


def test_nothing_is_written_when_the_cache_is_off(tmp_path):
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    _run(CODE, FUNCGRAD_CACHE_DIR="off", **home)
    assert not list(tmp_path.rglob("*"))
    _run(CODE, FUNCGRAD_CACHE_DIR=str(tmp_path / "own"), **home)
    assert not (tmp_path / "cache").exists() and list((tmp_path / "own").rglob("*"))
