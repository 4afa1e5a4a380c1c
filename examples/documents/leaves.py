"""D1, first part: leaves, retain_grad and grad_fn.

python examples/documents/leaves.py
"""

import funcgrad as fg
import funcgrad.torch as torch

# Only leaves keep gradients, unless a tensor is told to.
x = torch.tensor(2.0, requires_grad=True)
y = torch.pow(x, 2)
z = torch.add(y, 3)
y.retain_grad()
z.backward()
print(x.grad, y.grad)

# Functional: an intermediate gradient is the gradient by an argument. Split the function where you ask.
square, shifted = (lambda x: x**2), (lambda y: y + 3)
print(fg.grad(lambda x: shifted(square(x)))(2.0), fg.grad(shifted)(square(2.0)))

# A computed tensor cannot be taken out of the graph by its flag; detach() makes one that is outside.
try:
    y.requires_grad_(False)
except RuntimeError as error:
    print(error)

# The graph: each computed tensor knows the node that made it, and a node the nodes of its arguments.
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
z = y.mean()
print(x.grad_fn, y.grad_fn.name(), z.grad_fn.name())
print(z.grad_fn.next_functions[0][0] is y.grad_fn)

# Functional: what the graph is to PyTorch, a Program is to funcgrad; and it shows the derivative as well.
print(fg.trace(fg.grad(lambda x: (x * 2).mean()))(x.detach().numpy()))
