"""Print a Markdown table of each kernel's largest error found and its speed.

`python -m tests.compile.kernels.ulp_table [points] [kernels]`: the first argument is the number of points
for each kernel (2000), the others the kernels (all).
"""

import sys
import timeit

import numpy as np
import scipy.special

from tests.compile.kernels.loops import loop
from tests.compile.kernels.references import REFERENCES, errors, sample

SIZE = 10_000
ELSEWHERE = {
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfinv": scipy.special.erfinv,
    "gammaln": scipy.special.gammaln,
    "digamma": scipy.special.digamma,
    "logistic": scipy.special.expit,
    "tanh_slope": lambda x: np.square(1 / np.cosh(x)),
}


def nanoseconds(call) -> float:
    """Return the shortest time of `call` found, for one of `SIZE` elements."""
    return min(timeit.repeat(call, number=50, repeat=7)) / 50 / SIZE * 1e9


def row(name: str, dtype: str, count: int) -> str:
    """Return a kernel's line of the table."""
    function, arguments = loop(name, dtype), sample(name, dtype, count)
    found = errors(name, function(*arguments), arguments)
    worst = int(np.argmax(found))
    where = ", ".join(repr(a[worst].item()) for a in arguments)
    rng = np.random.default_rng(0)
    low, high = (
        (1.05, 3) if name == "arccosh" else (0.05, 0.95) if max(REFERENCES[name].domain) <= 1 else (0.1, 3)
    )
    inputs = [rng.uniform(low, high, SIZE).astype(dtype) for _ in arguments]
    out = np.empty_like(inputs[0])
    pointers = [out.ctypes.data, *[a.ctypes.data for a in inputs]]
    ours = nanoseconds(lambda: function.native(SIZE, *pointers))
    other = ELSEWHERE.get(name) or getattr(np, name)
    theirs = nanoseconds(lambda: other(*inputs))
    wide = "zmm" in function.assembly
    return f"| {name} | {dtype} | {found[worst]:.2f} | {where} | {ours:.2f} | {theirs:.2f} | {wide} |"


def main(count: int, names: list[str]) -> None:
    """Print the table."""
    print("| kernel | dtype | max ulp | at | ns/element | NumPy or SciPy | 512-bit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in names or REFERENCES:
        for dtype in ("float64", "float32"):
            print(row(name, dtype, count), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 2000, sys.argv[2:])
