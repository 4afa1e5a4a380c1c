"""Functions become methods of Tensor, and get a twin that works in place."""

from collections.abc import Callable
from typing import Any

from funcgrad.torch.inplace import in_place
from funcgrad.torch.operation import Operation
from funcgrad.torch.tensors import Tensor

__all__ = ["computed_by", "in_place_too", "methods", "operators"]


def methods(*functions: Callable) -> None:
    """Make each function a method of Tensor, by its own name."""
    for function in functions:
        setattr(Tensor, function.__name__, function)


def in_place_too(*functions: Callable) -> None:
    """Make each function a method, and one whose name ends in `_` that writes to the tensor itself."""
    methods(*functions)
    for function in functions:
        setattr(Tensor, f"{function.__name__}_", _written(function))


def computed_by(op: Operation) -> Callable[[Any], Any]:
    """Say that a function, given numbers and tensors of one floating dtype, does no more than apply `op`."""

    def marked(function):
        function.ufunc = op.ufunc
        return function

    return marked


def operators(**functions: Callable) -> None:
    """Make each function the operator that Python calls `__name__`."""
    for name, function in functions.items():
        setattr(Tensor, f"__{name}__", function)


def _written(function: Callable) -> Any:
    def written(self, *args, **kwargs):
        return in_place(self, function, *args, **kwargs)

    written.__name__ = f"{function.__name__}_"
    written.__qualname__ = f"Tensor.{written.__name__}"
    written.__doc__ = f"Do as `{function.__name__}`, in the memory of this tensor, and return it."
    return written
