"""`python -m tests.programs.rolling FIRST LAST`: random Python loops of these seeds, and what differs.

Each is rolled and compared with itself as written out, to the bit, and so is its gradient; every tenth is compiled and
compared with what it is interpreted. As many functions with branches are compiled, as choices, and compared on twelve
inputs each: values and gradients.
"""

import os
import sys
import warnings

import numpy as np
from tqdm import tqdm

import funcgrad as fg
from funcgrad.compile import guards
from funcgrad.programs.rolling.roll import report_of, rolled
from tests.control.random_branches import Writer, function_of, inputs
from tests.programs.rolling.programs import random_program

X = np.linspace(0.2, 1.1, 12)
ROWS = [np.cos(np.arange(12) * k) for k in range(5)]


def loops_differ(seed, counts):
    """Return what differs between a random program and itself with its loops rolled."""
    _, function = random_program(seed)
    loss = lambda x, rows: sum(np.sum(part) for part in function(x, rows))
    for each in (function, fg.grad(loss, (0, 1))):
        program = fg.trace(each)(X, ROWS)
        after = rolled(program)
        counts["loops"] += sum(not r.refused for r in report_of(after))
        os.environ["FUNCGRAD_JIT"] = "0"
        pairs = zip(fg.tree.leaves(after(X, ROWS)), fg.tree.leaves(program(X, ROWS)), strict=True)
        del os.environ["FUNCGRAD_JIT"]
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs):
            return "rolled"
        if seed % 10 == 0:
            counts["compiled"] += 1
            got, want = fg.tree.leaves(fg.jit(each)(X, ROWS)), fg.tree.leaves(each(X, ROWS))
            if not all(
                np.allclose(a, b, rtol=1e-7, atol=1e-9, equal_nan=True)
                for a, b in zip(got, want, strict=True)
            ):
                return "compiled"
    return ""


def branches_differ(seed, counts):
    """Return what differs between a random function with branches and itself compiled."""
    f = fg.value_and_grad(function_of(Writer(seed).source()), (0, 1))
    compiled = fg.jit(f)
    for x, v in inputs(np.random.default_rng(seed), 12):
        try:
            want = fg.tree.leaves(f(x, v))
        except fg.errors.DTypeError:  # on this way it returns a whole number
            continue
        got = fg.tree.leaves(compiled(x, v))
        if not all(
            np.allclose(a, b, rtol=1e-8, atol=1e-10, equal_nan=True) for a, b in zip(got, want, strict=True)
        ):
            return "branches"
    counts["of one program"] += "ways" not in compiled.explain()
    return ""


def main(first, last):
    guards.SEEN_WAYS = 1  # so that choices are met soon
    counts = {"loops": 0, "compiled": 0, "of one program": 0}
    differ = []
    for seed in tqdm(range(first, last), disable=not sys.stderr.isatty()):
        for check in (loops_differ, branches_differ):
            found = check(seed, counts)
            if found:
                differ.append((seed, found))
                print(f"seed {seed}: {found}", flush=True)
        fg.clear_caches()
    print(
        f"seeds {first} to {last - 1}: {len(differ)} differ. Of random loops {counts['loops']:,} were rolled, and "
        f"{counts['compiled']:,} programs compiled; of {last - first:,} functions with branches {counts['of one program']:,} "
        "are one program."
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    main(*map(int, sys.argv[1:]))
