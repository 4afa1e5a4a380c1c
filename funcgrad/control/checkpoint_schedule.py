"""How a long loop is cut into segments whose derivatives are computed anew, to keep within a memory budget."""

import math

from funcgrad.errors import ShapeError

__all__ = ["segments", "segments_within"]


def segments(length: int, checkpoint: int | str) -> list[int]:
    """Return the lengths of segments, the outermost first: each is cut into pieces of the next.

    Args:
        checkpoint: the number of segments, or "sqrt" for about the square root of the length.
    """
    if checkpoint == "sqrt":
        return [max(math.isqrt(max(length - 1, 0)) + 1, 1)]
    if isinstance(checkpoint, bool) or not isinstance(checkpoint, int) or checkpoint < 1:
        raise ShapeError(
            f'scan: expected checkpoint to be "sqrt" or the number of segments, from 1 up, got {checkpoint!r}.'
        )
    return [max(-(-length // checkpoint), 1)]


def segments_within(length: int, carry: int, step: int, budget: int) -> list[int]:
    """Return the lengths of segments, the outermost first, with which a reverse pass keeps within a budget.

    With L levels, each loop has r = length^(1/(L+1)) pieces: kept are r carries at each level, and what the
    derivative needs of r steps at the last. The fewest levels that fit are taken: each costs one more run.

    Args:
        carry, step: the bytes of a carry, and of what the derivative keeps of one step.

    Raises:
        ShapeError: when even a loop cut into halves, again and again, needs more.

    Reference: Griewank and Walther (2000), Algorithm 799: revolve; this is their multi-level schedule.
    """
    if length * step <= budget:
        return []
    for levels in range(1, max(length.bit_length(), 2)):
        r = max(math.ceil(length ** (1 / (levels + 1))), 2)
        if levels * r * carry + r * step <= budget:
            return [r**k for k in range(levels, 0, -1)]
    need = 2 * length.bit_length() * carry + 2 * step
    raise ShapeError(
        f"scan: expected a memory limit that {length} steps fit in, got {budget} bytes.",
        hint=f"give {need} bytes or more: a carry takes {carry}, and one step {step}.",
    )
