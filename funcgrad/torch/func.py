"""torch.func: funcgrad's own transformations, on functions of tensors."""

from collections.abc import Callable
from typing import Any

import funcgrad as fg
from funcgrad.torch.bridge import as_arrays, as_tensors, functional_call, on_arrays
from funcgrad.torch.tensors import Tensor

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "vjp",
    "vmap",
]


def _on_tensors(function: Callable) -> Callable:
    """Return a function of arrays as one of tensors."""
    return lambda *args, **kwargs: as_tensors(function(*as_arrays(args), **as_arrays(kwargs)))


def _scalar(function: Callable, has_aux: bool) -> Callable:
    """Return the function; it raises, in PyTorch's words, when what is to be differentiated is no scalar."""

    def checked(*args: Any, **kwargs: Any) -> Any:
        out = function(*args, **kwargs)
        value = out[0] if has_aux else out
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{value.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        return out

    return checked


def grad(func: Callable, argnums: Any = 0, has_aux: bool = False) -> Callable:
    """Return the function that gives the gradient of a scalar function of tensors.

    >>> import funcgrad.torch as torch
    >>> torch.func.grad(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([ 3., 12.])
    """
    return _on_tensors(fg.grad(on_arrays(_scalar(func, has_aux)), argnums=argnums, has_aux=has_aux))


def grad_and_value(func: Callable, argnums: Any = 0, has_aux: bool = False) -> Callable:
    """Return the function that gives the gradient and the value."""
    both = fg.value_and_grad(on_arrays(_scalar(func, has_aux)), argnums=argnums, has_aux=has_aux)

    def swapped(*args, **kwargs):
        value, gradient = both(*args, **kwargs)
        return gradient, value

    return _on_tensors(swapped)


def jacrev(func: Callable, argnums: Any = 0) -> Callable:
    """Return the function that gives the Jacobian, row by row."""
    return _on_tensors(fg.jacrev(on_arrays(func), argnums=argnums))


def jacfwd(func: Callable, argnums: Any = 0) -> Callable:
    """Return the function that gives the Jacobian, column by column."""
    return _on_tensors(fg.jacfwd(on_arrays(func), argnums=argnums))


def hessian(func: Callable, argnums: Any = 0) -> Callable:
    """Return the function that gives the Hessian of a scalar function."""
    return _on_tensors(fg.hessian(on_arrays(func), argnums=argnums))


_DRAWN = {
    "error": "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
    "'different' randomness flags on vmap or perform the randomness operation out of vmap",
    "same": "",
}


def vmap(func: Callable, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error") -> Callable:
    """Return the function mapped over an axis of its arguments.

    Args:
        randomness: what drawing random numbers does: "error", or give each example the "same".

    Raises:
        NotImplementedError: for "different".
    """
    if randomness == "different":
        raise NotImplementedError(
            "vmap: randomness='different' is not there; draw outside of vmap and pass the numbers as an argument."
        )
    if randomness not in _DRAWN:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    mapped = fg.vmap(on_arrays(func, _DRAWN[randomness]), in_axes=in_dims, out_axes=out_dims)
    return _on_tensors(mapped)


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> tuple:
    """Return the value, and the function from a cotangent of it to those of the arguments."""
    out = fg.vjp(on_arrays(func), *as_arrays(primals), has_aux=has_aux)
    return (as_tensors(out[0]), _on_tensors(out[1]), *as_tensors(out[2:]))


def jvp(func: Callable, primals: tuple, tangents: tuple) -> tuple:
    """Return the value and its tangent."""
    return as_tensors(fg.jvp(on_arrays(func), as_arrays(primals), as_arrays(tangents)))


def linearize(func: Callable, *primals: Any) -> tuple:
    """Return the value, and the function from tangents of the arguments to that of the value."""
    value, pushforward = fg.linearize(on_arrays(func), *as_arrays(primals))
    return as_tensors(value), _on_tensors(pushforward)
