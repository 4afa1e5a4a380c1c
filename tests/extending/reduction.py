"""A new reduction: y = the sum of x^4 over some axes."""

import numpy as np

from funcgrad.extend import Reduction, Sample


class SumOfFourthPowers(Reduction):
    """y = sum x^4 over `axes`."""

    name = "sum_of_fourth_powers"
    reduce = np.add  # whose dtypes the result has
    traceable = True

    def eval_rule(self, x, *, axes, keepdims):
        return np.sum(np.square(np.square(x)), axes, keepdims=keepdims)

    def weight(self, y, x, axes):
        return 4 * x**3

    def special_samples(self):
        return [Sample((np.array([0.0, -2.0]),), {"axes": (0,), "keepdims": False})]


sum_of_fourth_powers = SumOfFourthPowers()
