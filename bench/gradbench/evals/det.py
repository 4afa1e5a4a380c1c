"""det: a determinant by expansion along the first row; each minor of the last rows is computed once."""

from itertools import combinations

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def determinant(ell):
    """Return the determinant as a function of the matrix's elements.

    The minors of the last s rows are those of s columns: for each set of columns, the sum over its members j of
    (-1)^position A[row, j] times the minor of the other members.
    """
    levels = []
    before = {(): 0}
    for size in range(1, ell + 1):
        sets = list(combinations(range(ell), size))
        row = ell - size
        elements = np.array([[row * ell + j for j in s] for s in sets])
        minors = np.array([[before[s[:k] + s[k + 1 :]] for k in range(size)] for s in sets])
        signs = (-1.0) ** np.arange(size)
        levels.append((elements, minors, signs))
        before = {s: n for n, s in enumerate(sets)}

    def det(a):
        minors = np.ones(1)
        for elements, others, signs in levels:
            minors = fnp.sum(signs * fnp.take(a, elements) * fnp.take(minors, others), axis=1)
        return minors[0]

    return det


_primal, _gradient = pair(inputs.det, determinant, lambda ell: fg.grad(determinant(ell)), "ell")
FUNCTIONS = {"primal": _primal, "gradient": _gradient}
