"""Gradients of tensors without axes are arrays without axes: NumPy's sums of those are scalars."""

import numpy as np

from funcgrad import torch


def test_grad_gives_arrays():
    x = torch.tensor(3.0, requires_grad=True)
    (g,) = torch.autograd.grad(x**3, x)
    assert type(g._array) is np.ndarray
    assert repr(g) == "tensor(27.)"


def test_backward_after_create_graph_gives_arrays():
    x = torch.tensor(3.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    (x**3).backward()
    assert type(x.grad._array) is np.ndarray
    assert x.grad.item() == 54.0
