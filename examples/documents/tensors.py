"""D4: ways to make leaves, what becomes a leaf, and backward with gradient=.

python examples/documents/tensors.py
"""

import numpy as np

import funcgrad as fg
import funcgrad.torch as torch
from funcgrad.torch.autograd import Variable

# Four ways to a leaf that requires gradients.
array = np.array([2.0, 3.0])
x = torch.from_numpy(array)  # shares the array's memory
x.requires_grad_(True)
leaves = [
    torch.randn(2, 2, requires_grad=True),
    Variable(torch.Tensor([2, 3]), requires_grad=True),
    torch.tensor([2, 3], requires_grad=True, dtype=torch.float64),
    x,
]
print([leaf.is_leaf for leaf in leaves])
array[0] = 5
print(x)
print(torch.Tensor([2, 3]).dtype, torch.tensor([2, 3]).dtype)
try:
    torch.tensor([2, 3], requires_grad=True)
except RuntimeError as error:
    print(error)

# A result requires gradients when one of its arguments does; otherwise it is a leaf itself.
x, y = Variable(torch.randn(2, 2)), Variable(torch.randn(2, 2))
z = Variable(torch.randn(2, 2), requires_grad=True)
a = x + y
b = a + z
print(a.requires_grad, b.requires_grad, a.is_leaf, b.is_leaf, z.is_leaf)

a = Variable(torch.FloatTensor([2, 3]), requires_grad=True)
b = a + 3
c = b * b * 3
out = c.mean()
out.backward(retain_graph=True)
print(a.grad, out)

# A result with several elements needs weights: gradient= is the v of v^T J.
m = Variable(torch.FloatTensor([2, 3]), requires_grad=True)
n = Variable(torch.zeros(2))
n[0] = m[0] ** 2
n[1] = m[1] ** 3
print(n)
n.backward(gradient=torch.Tensor([1, 1]), retain_graph=True)
print(m.grad)
for call in (
    lambda: n.backward(),
    lambda: n.backward(gradient=torch.ones(3)),
    lambda: torch.ones(2).sum().backward(),
):
    try:
        call()
    except RuntimeError as error:
        print(error)


# Functional: vjp takes the weights, and jacobian gives all of J at once.
def f(m):
    n = np.zeros_like(m)
    n[0] = m[0] ** 2
    n[1] = m[1] ** 3
    return n


m = np.array([2.0, 3.0])
print(fg.vjp(f, m)[1](np.ones(2)), fg.jacobian(f)(m))

# Writing to a leaf, or over values that are still needed, is an error.
q = torch.ones(2, requires_grad=True)
try:
    q += 1
except RuntimeError as error:
    print(error)
r = q * 1
s = r * r
r += 1
try:
    s.sum().backward()
except RuntimeError as error:
    print(str(error).split(":")[0])
