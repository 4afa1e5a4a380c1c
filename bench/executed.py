"""Instructions that calls execute, counted by valgrind: exact, whatever else the machine does.

`python -m bench.executed NAME...`, under valgrind, makes each call twice to compile and settle, and then some times to
be counted. Counting is switched on around these by callgrind's client requests: instructions that do nothing, but that
valgrind knows.
"""

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.machine import ONE_THREAD

__all__ = ["available", "executed"]

_START, _STOP, _DUMP = (0x43540000 + k for k in (4, 5, 0))  # callgrind.h
_TRIES = 3  # the least counts: now and then Python collects garbage, or memory is asked of the system
_CALLS = 20  # counted together, so that the few hundred instructions around them do not matter
# of a pointer to six words: mov rax, rdi; xor edx, edx; four rotations by 128 bits in all; xchg rbx, rbx; ret
_REQUEST = bytes.fromhex("4889f831d248c1c70348c1c70d48c1c73d48c1c7334887dbc3")


def available() -> bool:
    return sys.platform == "linux" and os.uname().machine == "x86_64" and shutil.which("valgrind") is not None


def executed(names: Sequence[str], timeout: float = 400.0) -> dict[str, int]:
    """Return the instructions of one call of each of the subjects so named.

    Raises:
        OSError: where valgrind fails, or takes longer.
    """
    with tempfile.TemporaryDirectory(prefix="funcgrad-executed-") as folder:
        options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out", "-q"]
        command = ["valgrind", *options, sys.executable, "-m", "bench.executed", *names]
        environment = os.environ | ONE_THREAD | {"FUNCGRAD_CACHE_DIR": "off"}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"valgrind took longer than {timeout:.0f} s") from error
        if done.returncode:
            raise OSError(f"valgrind: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        parts = iter(range(1, 1 + _TRIES * len(names)))
        return {
            name: min(_total(Path(folder) / f"out.{next(parts)}") for _ in range(_TRIES)) // _CALLS
            for name in names
        }


def _total(path: Path) -> int:
    lines = path.read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("totals:"))


def _counted(names: Sequence[str]) -> None:
    """Make the calls: each one's counts go to a file of their own."""
    from bench.subjects import subjects

    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_REQUEST)
    ask = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    requests = {code: (ctypes.c_uint64 * 6)(code) for code in (_START, _STOP, _DUMP)}
    start, stop, dump = (ctypes.addressof(requests[code]) for code in (_START, _STOP, _DUMP))
    ask(stop)  # what the first of these requests takes belongs to no call
    known = {subject.name: subject for subject in subjects()}
    for name in names:
        subject = known[name]
        call = subject.call(subject.derivative)
        call()
        call()
        for _ in range(_TRIES):
            ask(start)
            for _ in range(_CALLS):
                call()
            ask(stop)
            ask(dump)


if __name__ == "__main__":
    _counted(sys.argv[1:])
