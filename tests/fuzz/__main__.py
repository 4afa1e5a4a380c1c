"""`python -m tests.fuzz --seconds N --seed S`: see tests/fuzz/__init__.py."""

import argparse
import secrets
import sys
import time
import warnings
from collections import Counter

import numpy as np

import funcgrad as fg
from tests.fuzz.check import CHECKS, failure_of
from tests.fuzz.programs import make_program
from tests.fuzz.shrink import as_test, shrunk

# Compiling takes most of the time: each program is compiled, its derivatives one time in so many.
DERIVATIVES_COMPILED = 4
# Compiled code is forgotten after so many programs.
FORGET = 200


def main() -> int:
    """Run random programs until the time is over; return 1 if any failed."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Random programs against NumPy.")
    parser.add_argument(
        "--seconds", type=float, default=None, help="60 where --programs does not say how many"
    )
    parser.add_argument(
        "--seed", type=int, default=None, help="of the first program; by default a new one each time"
    )
    parser.add_argument("--programs", type=int, default=None, help="stop after so many programs")
    parser.add_argument("--lines", type=int, default=6, help="the most lines of a program")
    parser.add_argument("--failures", type=int, default=5, help="stop after so many failures")
    parser.add_argument("--checks", nargs="*", default=list(CHECKS), choices=list(CHECKS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    seconds = options.seconds if options.seconds is not None else np.inf if options.programs else 60.0
    end = time.monotonic() + seconds
    counted: Counter[str] = Counter()
    failures: set[str] = set()
    while (
        time.monotonic() < end
        and counted["programs"] != options.programs
        and len(failures) < options.failures
    ):
        number = seed + counted["programs"]
        counted["programs"] += 1
        found = _one(number, options)
        if found is not None and found[0] not in failures:
            failures.add(found[0])
            print(f"\n# seed {number}{found[1]}", flush=True)
        if counted["programs"] % FORGET == 0:
            fg.clear_caches()
    print(f"{counted['programs']} programs from seed {seed}, {len(failures)} failures")
    return bool(failures)


def _one(number: int, options: argparse.Namespace) -> tuple[str, str] | None:
    """Try one program; return a name for the kind of its failure, and the test that shows it."""
    rng = np.random.default_rng(number)
    program = make_program(rng, int(rng.integers(1, options.lines + 1)))
    checks = [c for c in options.checks if c != "compiled derivatives" or number % DERIVATIVES_COMPILED == 0]
    failure = failure_of(program, number, checks)
    if failure is None:
        return None
    kind = failure.split(":")[0]
    small = shrunk(program, lambda p: (failure_of(p, number, [kind]) or "").startswith(kind))
    failure = failure_of(small, number, [kind]) or failure
    last = small.lines[-1][1] if small.lines else ""
    return f"{kind} {last}", as_test(small, number, [kind], failure)


if __name__ == "__main__":
    sys.exit(main())
