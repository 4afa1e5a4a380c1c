"""Names of parameters, buffers and submodules, and what messages call a value."""

from funcgrad.torch.tensors import Tensor

__all__ = ["check_name", "type_name"]


def type_name(value):
    kind = type(value)
    if kind is Tensor:
        return f"torch.{value.dtype.scalar}Tensor"
    module = kind.__module__
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def check_name(module, name, what, registry):
    if not isinstance(name, str):
        raise TypeError(f"{what} name should be a string. Got {type_name(name)}")
    if "." in name:
        raise KeyError(f'{what} name can\'t contain "."')
    if name == "":
        raise KeyError(f'{what} name can\'t be empty string ""')
    if hasattr(module, name) and name not in registry:
        raise KeyError(f"attribute '{name}' already exists")
