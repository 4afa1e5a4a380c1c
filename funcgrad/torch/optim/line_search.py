"""A line search to the strong Wolfe conditions (Nocedal and Wright, 2006, algorithms 3.5 and 3.6)."""

import math
from collections.abc import Callable

import numpy as np

__all__ = ["strong_wolfe"]


def _cubic_minimum(first, second, bounds=None):
    """Return where the cubic through two points (with their values and slopes) is least, within bounds."""
    (x1, f1, _, g1), (x2, f2, _, g2) = first, second
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if square < 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, low), high)


def strong_wolfe(
    evaluate: Callable,
    t: float,
    direction: np.ndarray,
    loss: float,
    gradient: np.ndarray,
    slope: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    most: int = 25,
) -> tuple[float, np.ndarray, float, int]:
    """Return loss, gradient and length of a step that descends enough and is flat enough, and the evaluations used.

    Args:
        evaluate: gives loss and gradient at a length along `direction`.
        t: the length to try first.
        loss, gradient, slope: at length 0.
    """
    largest = float(np.abs(direction).max())
    new_loss, new_gradient = evaluate(t)
    evaluations = 1
    new_slope = float(new_gradient @ direction)
    before = (0.0, loss, gradient, slope)
    bracket = None
    iteration = 0
    done = False
    while iteration < most:
        here = (t, new_loss, new_gradient, new_slope)
        if new_loss > loss + c1 * t * slope or (iteration > 1 and new_loss >= before[1]):
            bracket = [before, here]
            break
        if abs(new_slope) <= -c2 * slope:
            bracket, done = [here], True
            break
        if new_slope >= 0:
            bracket = [before, here]
            break
        low, high = t + 0.01 * (t - before[0]), t * 10
        following = _cubic_minimum(before, here, (low, high))
        before = here
        t = following
        new_loss, new_gradient = evaluate(t)
        evaluations += 1
        new_slope = float(new_gradient @ direction)
        iteration += 1
    if bracket is None:
        bracket = [(0.0, loss, gradient, slope), (t, new_loss, new_gradient, new_slope)]
    stuck = False
    low, high = (0, 1) if len(bracket) == 2 and bracket[0][1] <= bracket[1][1] else (1, 0)
    if len(bracket) == 1:
        low = high = 0
    while not done and iteration < most:
        width = abs(bracket[1][0] - bracket[0][0])
        if width * largest < tolerance_change:
            break
        t = _cubic_minimum(bracket[0], bracket[1])
        ends = (min(bracket[0][0], bracket[1][0]), max(bracket[0][0], bracket[1][0]))
        margin = 0.1 * (ends[1] - ends[0])
        if min(ends[1] - t, t - ends[0]) < margin:  # too near to an end of the bracket
            if stuck or t >= ends[1] or t <= ends[0]:
                t = ends[1] - margin if abs(t - ends[1]) < abs(t - ends[0]) else ends[0] + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new_loss, new_gradient = evaluate(t)
        evaluations += 1
        new_slope = float(new_gradient @ direction)
        iteration += 1
        here = (t, new_loss, new_gradient, new_slope)
        if new_loss > loss + c1 * t * slope or new_loss >= bracket[low][1]:
            bracket[high] = here
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(new_slope) <= -c2 * slope:
                done = True
            elif new_slope * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = here
    t, loss, gradient, _ = bracket[low]
    return loss, gradient, t, evaluations
