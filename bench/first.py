"""`python -m bench.first SYSTEM WORKLOAD SIZE KIND`: the seconds from the start of the process to the first
derivative, and the peak of its memory in bytes.

The benchmark's own data are not counted. The parent says when it started the process, in BENCH_START.
"""

import importlib
import os
import sys
import time

if __name__ == "__main__":
    system, name, size, kind = sys.argv[1:]
    modules = {"JAX": "jax", "PyTorch eager": "torch", "torch.func": "torch", "autograd": "autograd"}
    importlib.import_module(modules.get(system, "funcgrad"))
    before = time.time()
    from bench.machine import peak_memory
    from bench.programs import PROGRAMS
    from bench.systems import COMPILED, EAGER

    program = next(p for p in PROGRAMS if (p.name, p.size, p.derivative) == (name, size, kind))
    assert program.args  # made here, where they are not counted
    make = (EAGER | COMPILED)[system]
    ours = time.time() - before
    make(program, kind).run()
    print(time.time() - float(os.environ["BENCH_START"]) - ours, peak_memory())
