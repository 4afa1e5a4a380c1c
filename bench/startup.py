"""What importing costs: fresh processes, interleaved."""

import importlib.util
import subprocess
import sys

from bench.timing import formatted, markdown

_CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def main() -> None:
    """Print the import times, each the best of 15 fresh processes, and the ratio to NumPy's."""
    modules = [m for m in ("numpy", "funcgrad", "autograd", "jax", "torch") if importlib.util.find_spec(m)]
    best = dict.fromkeys(modules, float("inf"))
    for _ in range(15):
        for module in modules:
            out = subprocess.run(
                [sys.executable, "-c", _CODE.format(module)], capture_output=True, text=True, check=True
            )
            best[module] = min(best[module], float(out.stdout))
    rows = [[m, formatted(t), f"{t / best['numpy']:.2f}x"] for m, t in best.items()]
    print(markdown(["import", "time", "against NumPy's"], rows))
