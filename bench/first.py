"""`python -m bench.first SYSTEM ROW`: the seconds from the start of the process to the first derivative, and MB.

The benchmark's own data are not counted. The parent says when it started the process, in BENCH_START.
"""

import importlib
import os
import sys
import time

if __name__ == "__main__":
    name, row = sys.argv[1], int(sys.argv[2])
    importlib.import_module({"funcgrad": "funcgrad", "JAX": "jax"}[name])
    before = time.time()
    from bench.programs import PROGRAMS
    from bench.systems import SYSTEMS

    ours = time.time() - before
    SYSTEMS[name][1](PROGRAMS[row])()
    seconds = time.time() - float(os.environ["BENCH_START"]) - ours
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(seconds, int(peak.split()[1]) / 1024)
