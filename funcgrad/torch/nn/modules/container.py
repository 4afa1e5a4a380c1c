"""Modules that hold modules or parameters: Sequential, lists and dictionaries."""

from collections.abc import Iterable, Iterator
from typing import Any

from funcgrad.torch.nn.module import Module
from funcgrad.torch.nn.parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _place(index: Any, length: int) -> int:
    index = index.__index__()
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of range")
    return index % length


class _Numbered(Module):
    """Modules by number."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        modules = list(self._modules.items())
        if isinstance(index, slice):
            return self._part(modules[index])
        return modules[_place(index, len(self))][1]

    def _part(self, items):
        return type(self)([module for _, module in items])

    def __setitem__(self, index: int, module: Module) -> None:
        self._modules[list(self._modules)[_place(index, len(self))]] = module

    def __delitem__(self, index: Any) -> None:
        modules = list(self._modules.values())
        del modules[index]
        self._renumber(modules)

    def _renumber(self, modules):
        self._modules.clear()
        for n, module in enumerate(modules):
            self.add_module(str(n), module)

    def append(self, module: Module) -> "_Numbered":
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> "_Numbered":
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before the one at `index`."""
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._renumber(modules)
        return self


class Sequential(_Numbered):
    """Modules called one after the other: `Sequential(a, b)`, or a dictionary of named ones.

    >>> from funcgrad import torch
    >>> torch.nn.Sequential(torch.nn.Flatten(), torch.nn.ReLU())
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any):
        super().__init__()
        named = (
            args[0].items()
            if len(args) == 1 and isinstance(args[0], dict)
            else ((str(n), m) for n, m in enumerate(args))
        )
        for name, module in named:
            self.add_module(name, module)

    def _part(self, items):
        return Sequential(dict(items))

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleList(_Numbered):
    """Modules in a list."""

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        self.extend(modules or ())

    def __iadd__(self, modules: Iterable[Module]) -> Any:
        return self.extend(modules)

    def __repr__(self) -> str:
        """Write runs of equal modules once: `(0-2): 3 x Linear(...)`."""
        if not len(self):
            return "ModuleList()"
        texts = [repr(module) for module in self]
        lines = []
        start = 0
        for n in range(1, len(texts) + 1):
            if n == len(texts) or texts[n] != texts[start]:
                text = texts[start].replace("\n", "\n  ")
                lines.append(
                    f"({start}): {text}" if n == start + 1 else f"({start}-{n - 1}): {n - start} x {text}"
                )
                start = n
        return "ModuleList(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """Modules in a dictionary."""

    def __init__(self, modules: Any = None):
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def keys(self) -> Any:
        """Return the names."""
        return self._modules.keys()

    def values(self) -> Any:
        """Return the modules."""
        return self._modules.values()

    def items(self) -> Any:
        """Return names and modules."""
        return self._modules.items()

    def pop(self, key: str) -> Module:
        """Take a module out."""
        return self._modules.pop(key)

    def update(self, modules: Any) -> None:
        """Add the modules of a dictionary, or of pairs."""
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module


def _sizes(p: Parameter) -> str:
    return "x".join(map(str, p.shape))


class ParameterList(Module):
    """Parameters in a list."""

    def __init__(self, values: Iterable | None = None):
        super().__init__()
        for value in values or ():
            self.append(value)

    def append(self, value: Any) -> "ParameterList":
        """Add a parameter at the end."""
        made = value if isinstance(value, Parameter) else Parameter(value)
        self.register_parameter(str(len(self)), made)
        return self

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator:
        return iter(self._parameters.values())

    def __getitem__(self, index: int) -> Any:
        return list(self._parameters.values())[index]

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({name}): Parameter containing: [{p.dtype} of size {_sizes(p)}]"
            for name, p in self._parameters.items()
        )


class ParameterDict(Module):
    """Parameters in a dictionary."""

    def __init__(self, parameters: Any = None):
        super().__init__()
        for key, value in (parameters or {}).items():
            self[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._parameters[key]

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value if isinstance(value, Parameter) else Parameter(value))

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: str) -> bool:
        return key in self._parameters

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({name}): Parameter containing: [torch.{p.dtype.scalar}Tensor of size {_sizes(p)}]"
            for name, p in self.items()
        )

    def keys(self) -> Any:
        """Return the names."""
        return self._parameters.keys()

    def items(self) -> Any:
        """Return names and parameters."""
        return self._parameters.items()

    def values(self) -> Any:
        """Return the parameters."""
        return self._parameters.values()
