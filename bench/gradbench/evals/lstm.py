"""lstm: a stack of diagonal LSTM layers that predicts the next character's bits."""

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def sigmoid(x):
    return 1 / (1 + fnp.exp(-x))


def objective(main, extra, state, sequence):
    layers, bits = main.shape[0] // 2, sequence.shape[1]
    weights = [[main[2 * i, k * bits : (k + 1) * bits] for k in range(4)] for i in range(layers)]
    biases = [[main[2 * i + 1, k * bits : (k + 1) * bits] for k in range(4)] for i in range(layers)]

    def step(carry, now_and_next):
        now, following = now_and_next
        z = now * extra[0]
        after = []
        for (h, cell), w, b in zip(carry, weights, biases, strict=True):
            forget = sigmoid(z * w[0] + b[0])
            ingate = sigmoid(h * w[1] + b[1])
            outgate = sigmoid(z * w[2] + b[2])
            change = fnp.tanh(h * w[3] + b[3])
            cell = cell * forget + ingate * change
            h = outgate * fnp.tanh(cell)
            z = h
            after.append((h, cell))
        y = z * extra[1] + extra[2]
        return after, fnp.sum(following * (y - fnp.log(2 + fnp.sum(fnp.exp(y)))))

    start = [(state[2 * i], state[2 * i + 1]) for i in range(layers)]
    _, totals = fg.scan(step, start, (sequence[:-1], sequence[1:]))
    return -fnp.sum(totals) / ((sequence.shape[0] - 1) * bits)


def jacobian(main, extra, state, sequence):
    by_main, by_extra = fg.grad(objective, argnums=(0, 1))(main, extra, state, sequence)
    return fnp.concatenate([by_main.ravel(), by_extra.ravel()])


_objective, _jacobian = pair(inputs.lstm, objective, jacobian)
FUNCTIONS = {"objective": _objective, "jacobian": _jacobian}
