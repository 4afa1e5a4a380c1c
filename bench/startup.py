"""The suite `startup`: what importing costs, and a fresh process up to its first derivative, with its peak memory."""

import atexit
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache, partial
from pathlib import Path

import funcgrad as fg
from bench.model import Call, Case, Sample
from bench.programs import PROGRAMS, Program

__all__ = ["cases", "output_of"]

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_MODULES = {
    "NumPy": "numpy", "funcgrad": "funcgrad", "autograd": "autograd", "JAX": "jax", "PyTorch": "torch"
}  # fmt: skip
_FRESH = ("funcgrad", "funcgrad (cached)", "JAX")
_FRESH_OF_SCALARS = (*_FRESH, "PyTorch eager", "autograd")


def cases(quick: bool) -> list[Case]:
    """Fresh processes: importing, and the first derivative with nothing cached or from the disk cache; peak memory."""
    imports = {name: partial(_import, module) for name, module in _MODULES.items()}
    found = [Case("startup", "a library", "", "import", imports, tolerance=None, self_timed=True)]
    programs = PROGRAMS[::6] if quick else PROGRAMS
    for program in programs:
        names = _FRESH_OF_SCALARS if program.derivative == "gradient" else (*_FRESH, "torch.func")
        systems = {name: partial(_first, name, program) for name in names}
        kind = f"first {program.derivative}"
        case = Case("startup", program.name, program.size, kind, systems, tolerance=None, self_timed=True)
        found.append(case)
    return found


def _import(module: str) -> Call:
    return Call(lambda: Sample(float(output_of([sys.executable, "-c", _IMPORT.format(module)]))))


def _first(system: str, program: Program) -> Call:
    name, _, cached = system.partition(" (cached")
    folder = _cache_folder() if cached else "off"
    command = [sys.executable, "-m", "bench.first", name, program.name, program.size, program.derivative]

    def run():
        environment = {"FUNCGRAD_CACHE_DIR": folder, "BENCH_START": repr(time.time())}
        seconds, memory = output_of(command, environment).split()
        return Sample(float(seconds), int(memory))

    if cached:
        run()  # fills the cache
    return Call(run)


@cache
def _compile_bytecode() -> None:
    compileall.compile_dir(Path(fg.__file__).parent, quiet=2)  # peers come with theirs


@cache
def _cache_folder() -> str:
    folder = tempfile.mkdtemp(prefix="funcgrad-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def output_of(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Return what a process of its own prints; raise RuntimeError where it fails."""
    _compile_bytecode()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | (environment or {}))
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout
