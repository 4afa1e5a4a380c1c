"""D2: backward of a tensor that is no scalar, and a 2x2 Jacobian row by row.

python examples/documents/jacobian.py
"""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
import funcgrad.torch as torch

# Stateful: `backward(v)` gives v times the Jacobian, so each row costs a backward pass, and the
# gradient is cleared in between.
x = torch.tensor([[2, 3]], dtype=torch.float, requires_grad=True)
J = torch.zeros(2, 2)
y = torch.zeros(1, 2)
y[0, 0] = x[0, 0] ** 2 + 3 * x[0, 1]
y[0, 1] = x[0, 1] ** 2 + 2 * x[0, 0]
print(y)
y.backward(torch.Tensor([[1, 0]]), retain_graph=True)
J[0] = x.grad
x.grad = torch.zeros_like(x.grad)
y.backward(torch.Tensor([[0, 1]]))
J[1] = x.grad
print(J)


# Functional: the whole Jacobian in one call, of the map written as an expression ...
def f(x):
    return fnp.array([x[0] ** 2 + 3 * x[1], x[1] ** 2 + 2 * x[0]])


print(fg.jacobian(f)(np.array([2.0, 3.0])))


# ... or with assignments, as above.
def g(x):
    y = np.zeros_like(x)
    y[0] = x[0] ** 2 + 3 * x[1]
    y[1] = x[1] ** 2 + 2 * x[0]
    return y


print(fg.jacobian(g)(np.array([2.0, 3.0])))

# The page prints x = [[2.3]], a slip of the pen for [[2, 3]]: with one element, x[0, 1] is an error.
try:
    torch.tensor([[2.3]])[0, 1]
except IndexError as error:
    print(error)
