"""Where and when a report was made."""

import contextlib
import datetime
import importlib.metadata
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.peers import SYSTEMS

__all__ = ["ONE_THREAD", "about", "nothing_cached", "peak_memory"]

# Of BLAS and of funcgrad: two threads beside another process wait for each other a hundred times as long as they work.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "FUNCGRAD_NUM_THREADS"), "1"
)
_THREADS = (*ONE_THREAD, "NUMBA_NUM_THREADS", "XLA_FLAGS")


def about() -> dict[str, Any]:
    """Return the machine, versions, thread settings and date, as JSON has them."""
    return {
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": platform.platform(),
        },
        "versions": _versions(),
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def peak_memory() -> int:
    """Return the most bytes this process has had in memory."""
    # Not getrusage: what it counts begins, after a fork, with the parent's.
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@contextlib.contextmanager
def nothing_cached() -> Iterator[None]:
    """Keep what libraries would read, of what they compiled in other processes, from them; what they write is lost."""
    old = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="funcgrad-bench-", ignore_cleanup_errors=True) as folder:
        os.environ["FUNCGRAD_CACHE_DIR"] = "off"
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{folder}/torch"
        os.environ["PYTENSOR_FLAGS"] = f"base_compiledir={folder}/pytensor,numba__cache=False"
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(old)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "commit": _commit()}
    peers = sorted({s.module for s in SYSTEMS.values() if s.module is not None} | {"jaxlib"})
    for name in ("funcgrad", "numpy", "scipy", "llvmlite", *peers):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:  # no git here
        return "unknown"
    return done.stdout.strip() or "unknown"
