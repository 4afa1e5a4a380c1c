"""Derivatives of your own: where the automatic one is unstable, unwanted, or not there.

Run it with `python examples/custom_derivatives.py`.
"""

import numpy as np

import funcgrad as fg

# 1. Stability. log(1 + exp(x)) overflows for large x, and with it its automatic derivative. State
#    the derivative, and every transformation uses it: reverse mode is derived from the forward rule.


@fg.custom_jvp
def softplus(x):
    return np.where(x > 30, x, np.log1p(np.exp(np.minimum(x, 30))))


@softplus.defjvp
def softplus_rule(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return softplus(x), x_dot / (1 + np.exp(-x))


print("softplus'(1000)   =", fg.grad(softplus)(1000.0))
print("softplus''(0)     =", fg.grad(fg.grad(softplus))(0.0))
print("in a batch        =", fg.vmap(fg.grad(softplus))(np.array([-1.0, 0.0, 1.0])))
assert fg.grad(softplus)(1000.0) == 1.0 and fg.grad(fg.grad(softplus))(0.0) == 0.25

# 2. A derivative one wants: gradients clipped on their way back, as recurrent networks need.


@fg.custom_vjp
def clip_gradient(x):
    return x


clip_gradient.defvjp(lambda x: (x, None), lambda _, y_bar: (np.clip(y_bar, -1.0, 1.0),))
print("clipped gradient  =", fg.grad(lambda x: 100 * clip_gradient(x))(3.0))
assert fg.grad(lambda x: 100 * clip_gradient(x))(3.0) == 1.0

# 3. A function funcgrad cannot see into: a root found by bisection on plain numbers. The implicit
#    function theorem gives the derivative: r(a) solves r^3 + r = a, so r' = 1 / (3 r^2 + 1).


def bisect(a):
    low, high = -abs(a) - 1.0, abs(a) + 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if middle**3 + middle < a else (low, middle)
    return middle


@fg.custom_jvp
def root(a):
    return np.vectorize(bisect)(np.asarray(a))


@root.defjvp
def root_rule(primals, tangents):
    r = root(*primals)
    return r, tangents[0] / (3 * r**2 + 1)


numeric = (bisect(2 + 1e-5) - bisect(2 - 1e-5)) / 2e-5
print("root'(2)          =", fg.grad(root)(2.0), "by differences", numeric)
assert np.isclose(fg.grad(root)(2.0), numeric, rtol=1e-8)
fg.testing.check_grads(root, (np.array([0.5, 2.0]),), order=1)
