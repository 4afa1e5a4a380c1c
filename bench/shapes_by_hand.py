"""Whole Jacobians, chains and tall products written by hand for Numba: what `shapes` compares with."""

import numpy as np

__all__ = ["coupled", "least_squares", "logistic", "matrix_chain", "pairs", "variance"]


def coupled(matrix):
    """Return the Jacobian of tanh(A x) x + 0.01 sum(x^2)."""
    from numba import njit

    @njit
    def jacobian(matrix, x):
        n = len(x)
        y, out = np.tanh(matrix @ x), np.empty((n, n))
        for i in range(n):
            slope = (1 - y[i] * y[i]) * x[i]
            for j in range(n):
                out[i, j] = slope * matrix[i, j] + 0.02 * x[j]
            out[i, i] += y[i]
        return out

    return lambda x: jacobian(matrix, x)


def pairs():
    """Return the Jacobian of sums over j of 1 / (1 + (x_i - x_j)^2)."""
    from numba import njit

    @njit(fastmath=True)
    def jacobian(x):
        n = len(x)
        out = np.empty((n, n))
        for i in range(n):
            total = 0.0
            for j in range(n):
                d = x[i] - x[j]
                q = 1 / (1 + d * d)
                g = 2 * d * q * q
                out[i, j] = g
                total -= g
            out[i, i] += total
        return out

    return jacobian


def matrix_chain():
    """Return the gradient, by n matrices, of the sum of squares of their product."""
    from numba import njit

    @njit
    def gradient(factors):
        n, size, _ = factors.shape
        products = np.empty((n + 1, size, size))
        products[0] = np.eye(size)
        for k in range(n):
            for i in range(size):
                for j in range(size):
                    total = 0.0
                    for m in range(size):
                        total += products[k, i, m] * factors[k, m, j]
                    products[k + 1, i, j] = total
        bar, further = 2 * products[n], np.empty((size, size))
        out = np.empty_like(factors)
        for k in range(n - 1, -1, -1):
            for i in range(size):
                for j in range(size):
                    by_factor, by_product = 0.0, 0.0
                    for m in range(size):
                        by_factor += products[k, m, i] * bar[m, j]
                        by_product += bar[i, m] * factors[k, j, m]
                    out[k, i, j], further[i, j] = by_factor, by_product
            bar, further = further, bar
        return out

    return gradient


def least_squares(x, y):
    from numba import njit

    @njit
    def gradient(x, y, w):
        return 2 * ((x @ w - y) @ x)

    return lambda w: gradient(x, y, w)


def logistic(x, y):
    from numba import njit

    @njit(fastmath={"reassoc"})
    def gradient(x, y, w):
        z = x @ w
        for i in range(len(z)):
            z[i] = -y[i] / (1 + np.exp(z[i] * y[i]))
        return z @ x

    return lambda w: gradient(x, y, w)


def variance():
    """Return the gradient of the sum of the variances along the first axis."""
    from numba import njit

    @njit(fastmath={"reassoc"})
    def gradient(x):
        n, columns = x.shape
        mean = np.zeros(columns)
        for i in range(n):
            for j in range(columns):
                mean[j] += x[i, j]
        mean /= n
        out = np.empty_like(x)
        for i in range(n):
            for j in range(columns):
                out[i, j] = 2 / n * (x[i, j] - mean[j])
        return out

    return gradient
