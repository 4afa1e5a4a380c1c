"""D3: backward twice, and accumulation.

python examples/documents/twice.py
"""

import numpy as np

import funcgrad as fg
import funcgrad.torch as torch

# What a node keeps for its backward pass is freed by the first one, so a second one fails ...
x = torch.tensor([1, 2], dtype=(float), requires_grad=True)
A = torch.tensor([2, 3], dtype=(float))
y = A @ (x * x)
print(y)
y.backward()
try:
    y.backward()
except RuntimeError as error:
    print(str(error).split(" (")[0])

# ... unless it is told to keep it. Then gradients add up,
x.grad = None
y = A @ (x * x)
for _ in range(3):
    y.backward(retain_graph=True)
    print(x.grad)

# and are cleared where that is not wanted.
for _ in range(3):
    x.grad.zero_()
    y.backward(retain_graph=True)
    print(x.grad)

# Functional: a gradient is the value of a function, the same each time. A pullback can be called as
# often as one likes, and is freed when it is no longer referred to.
a = np.array([2.0, 3.0])
gradient = fg.grad(lambda x: a @ (x * x))
print(gradient(np.array([1.0, 2.0])), gradient(np.array([1.0, 2.0])))
