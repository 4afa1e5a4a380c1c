"""A word of advice where a Python loop was traced step by step, and is none of those that are rolled."""

from collections import Counter

from funcgrad.core.program import Program
from funcgrad.programs.optimize import with_loops
from funcgrad.source import warn_user

__all__ = ["advise"]

# Programs of fewer equations compile in a second or so, whatever they are.
LEAST_EQUATIONS = 2000
# So many equations from one line, and half of all, are a loop's, not a formula's.
LEAST_REPEATS = 1000


def advise(program: Program, owner: str) -> None:
    """Warn of a program most of whose equations come, again and again, from one line."""
    if len(program.equations) < LEAST_EQUATIONS:
        return
    left = with_loops(program).equations
    lines = Counter(e.source for e in left if e.source is not None)
    if not lines:
        return
    place, times = lines.most_common(1)[0]
    if times >= max(LEAST_REPEATS, len(left) / 2):
        warn_user(
            f"{owner}: traced {len(program.equations):,} equations, {times:,} of them from one line: a Python loop whose "
            "turns are not alike is written out step by step, and compiled so.\n"
            "Hint: carry, ys = fg.scan(step, carry, xs) compiles one step, and runs as fast.\n"
            f"At {place}"
        )
