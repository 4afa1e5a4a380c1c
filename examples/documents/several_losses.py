"""D0: several losses, and backward with weights, in PyTorch's manner and in funcgrad's own.

    python examples/documents/several_losses.py

The page leaves two questions open; both are answered below.
"""

import warnings

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
import funcgrad.torch as torch

# Two losses of one leaf: `backward` adds to `.grad`, so the second gradient, 1, comes on top of the first, 4.
# `z = x` makes no new tensor. z *is* the leaf, and its gradient by itself is 1.
x = torch.tensor(2.0, requires_grad=True)
y = x**2
z = x
y.backward()
print(x.grad)
z.backward()
print(x.grad)

# Functional: nothing accumulates. The gradient of a sum of losses is asked for as such.
print(fg.grad(lambda x: x**2 + x)(2.0))

# A loss through an intermediate tensor t = x + y.
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)
z = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
t = x + y
loss = t.dot(z)
print(loss)
print(t)
print(z)
loss.backward(retain_graph=True)
print(x.grad, y.grad, z.grad)

# First open question: why is t.grad None? t is no leaf; gradients pass through it and are not kept
# (PyTorch says so in a warning). `t.retain_grad()` before backward would keep them.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(t.grad)

# The same loss in two steps. `t.backward(z)` weights the elements of t by z: it is the gradient of
# sum(t * z) with z held fixed.
for leaf in (x, y, z):
    leaf.grad = None
t.backward(z, retain_graph=True)
print(x.grad, y.grad, z.grad)

# Second open question: z is a leaf, so why has it no gradient? Because z was no input of t: it only
# weighted the sum. `z.backward(t)` gives it one: the gradient of sum(z * t) by z, and nothing to x and y.
x.grad.data.zero_()
z.backward(t)
print(x.grad)
print(z.grad)

# Functional: the weights of a vector-Jacobian product are an argument of the pullback, and nothing else.
a, b, c = (v.detach().numpy() for v in (x, y, z))
total, pullback = fg.vjp(lambda x, y: x + y, a, b)
print(pullback(c))
print(fg.grad(lambda x, y, z: fnp.dot(x + y, z), argnums=(0, 1, 2))(a, b, c))

# They agree: the two manners call the same derivative rules.
assert np.array_equal(pullback(c)[0], c)
assert np.array_equal(z.grad.numpy(), total)
