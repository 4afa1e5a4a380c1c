"""Loops with their gradients written by hand for Numba: what `control` compares with."""

import numpy as np

__all__ = ["hmm", "lstm"]


def lstm():
    """Return the gradient, by weights and biases, of ADBench's LSTM cell run over inputs, of the sum of squares of h."""
    from numba import njit

    @njit
    def sigmoid(x):
        return 1.0 / (1.0 + np.exp(-x))

    @njit
    def gradient(w, b, xs):
        steps, size = xs.shape
        gates = np.empty((steps, 4, size))
        cells, hiddens = np.zeros((steps + 1, size)), np.zeros((steps + 1, size))
        for t in range(steps):
            for i in range(size):
                f = sigmoid(xs[t, i] * w[0, i] + b[0, i])
                g = sigmoid(hiddens[t, i] * w[1, i] + b[1, i])
                o = sigmoid(xs[t, i] * w[2, i] + b[2, i])
                c = np.tanh(hiddens[t, i] * w[3, i] + b[3, i])
                gates[t, 0, i], gates[t, 1, i], gates[t, 2, i], gates[t, 3, i] = f, g, o, c
                cells[t + 1, i] = cells[t, i] * f + g * c
                hiddens[t + 1, i] = o * np.tanh(cells[t + 1, i])
        w_bar, b_bar = np.zeros_like(w), np.zeros_like(b)
        h_bar, c_bar = np.zeros(size), np.zeros(size)
        for t in range(steps - 1, -1, -1):
            for i in range(size):
                f, g, o, c = gates[t, 0, i], gates[t, 1, i], gates[t, 2, i], gates[t, 3, i]
                h = h_bar[i] + 2 * hiddens[t + 1, i]
                tanh_c = np.tanh(cells[t + 1, i])
                cell = c_bar[i] + h * o * (1 - tanh_c * tanh_c)
                f_bar = cell * cells[t, i] * f * (1 - f)
                g_bar = cell * c * g * (1 - g)
                o_bar = h * tanh_c * o * (1 - o)
                change = cell * g * (1 - c * c)
                w_bar[0, i] += f_bar * xs[t, i]
                w_bar[1, i] += g_bar * hiddens[t, i]
                w_bar[2, i] += o_bar * xs[t, i]
                w_bar[3, i] += change * hiddens[t, i]
                b_bar[0, i] += f_bar
                b_bar[1, i] += g_bar
                b_bar[2, i] += o_bar
                b_bar[3, i] += change
                h_bar[i] = g_bar * w[1, i] + change * w[3, i]
                c_bar[i] = cell * f
        return w_bar, b_bar

    return lambda w, xs: np.stack(gradient(w[0], w[1], xs))


def hmm():
    """Return the gradient, by the transition matrix, of a hidden Markov model's log-likelihood, normalized each step."""
    from numba import njit

    @njit
    def gradient(a, seen):
        steps, size = seen.shape
        alpha = np.empty((steps + 1, size))
        scale = np.empty(steps)
        alpha[0] = 1.0 / size
        for t in range(steps):
            total = 0.0
            for j in range(size):
                s = 0.0
                for i in range(size):
                    s += alpha[t, i] * a[i, j]
                alpha[t + 1, j] = s * seen[t, j]
                total += alpha[t + 1, j]
            scale[t] = total
            for j in range(size):
                alpha[t + 1, j] /= total
        a_bar = np.zeros_like(a)
        bar = np.zeros(size)
        new = np.empty(size)
        for t in range(steps - 1, -1, -1):
            inner = 0.0
            for j in range(size):
                inner += bar[j] * alpha[t + 1, j]
            for i in range(size):
                new[i] = 0.0
            for j in range(size):
                s_bar = (bar[j] - inner + 1.0) / scale[t] * seen[t, j]
                for i in range(size):
                    a_bar[i, j] += s_bar * alpha[t, i]
                    new[i] += s_bar * a[i, j]
            for i in range(size):
                bar[i] = new[i]
        return a_bar

    return gradient
