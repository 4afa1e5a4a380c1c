"""Module: the base of layers and models, a tree of parameters, buffers and submodules."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from typing import Any

from funcgrad.torch.modes import no_grad
from funcgrad.torch.nn.hooked import Hooked
from funcgrad.torch.nn.naming import check_name, type_name
from funcgrad.torch.nn.parameter import Buffer, Parameter
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["IncompatibleKeys", "Module"]


class IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict(strict=False)` did not find, and what it did not expect."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module(Hooked):
    """The base of all layers and models. Set layers and Parameters as attributes, and write `forward`.

    >>> from funcgrad import torch
    >>> class Scale(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = torch.nn.Parameter(torch.tensor(2.0))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [name for name, _ in Scale().named_parameters()]
    ['factor']
    """

    training: bool

    def __init__(self):
        put = object.__setattr__
        put(self, "training", True)
        put(self, "_parameters", {})
        put(self, "_buffers", {})
        put(self, "_modules", {})
        put(self, "_not_saved", set())
        self._without_hooks()

    def forward(self, *input: Any) -> Any:
        """Compute the result; each module writes its own."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, (Parameter, Module)):
                what = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(f"cannot assign {what} before Module.__init__() call")
            object.__setattr__(self, name, value)
            return
        for kind, registry in (
            (Parameter, self._parameters),
            (Module, self._modules),
            (Buffer, self._buffers),
        ):
            if isinstance(value, kind):
                self._forget(name)
                registry[name] = value
                if kind is Buffer and not value.persistent:
                    self._not_saved.add(name)
                return
        if name in self._parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self._parameters[name] = None
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif name in self._buffers:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type_name(value)}' object to buffer '{name}' (torch.nn.Buffer, torch.Tensor or None required)"
                )
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name):
        self.__dict__.pop(name, None)
        for registry in (self._parameters, self._modules, self._buffers):
            registry.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        for registry in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(registry)
            if found is not None and name in found:
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                return
        object.__delattr__(self, name)

    def __dir__(self):
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter (or None, for one that is not there)."""
        check_name(self, name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state and is not trained."""
        check_name(self, name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if not persistent:
            self._not_saved.add(name)

    def add_module(self, name: str, module: "Module | None") -> None:
        """Add a submodule."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        check_name(self, name, "module", self._modules)
        self._modules[name] = module

    register_module = add_module

    # The tree

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator:
        """Yield this module and all below it, with their names; each once."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(
                    memo, f"{prefix}.{name}" if prefix else name, remove_duplicate
                )

    def modules(self) -> Iterator["Module"]:
        """Yield this module and all below it; each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator:
        """Yield the modules right below this one, with their names; each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator["Module"]:
        """Yield the modules right below this one."""
        for _, module in self.named_children():
            yield module

    def _named(self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator:
        seen = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, registry).items():
                if tensor is None or id(tensor) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator:
        """Yield the parameters with their names; each once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters; each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator:
        """Yield the buffers with their names; each once."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers; each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> "Module":
        """Return the module at a dotted name."""
        module: Any = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a dotted name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return module._parameters[name]

    def apply(self, fn: Callable) -> "Module":
        """Call `fn` with each module below and then with this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # State

    def train(self, mode: bool = True) -> "Module":
        """Set training mode, in which dropout drops and batch normalization uses the batch."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> "Module":
        """Leave training mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> "Module":
        """Set `requires_grad` of all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters."""
        for parameter in self.parameters():
            clear_gradient(parameter, set_to_none)

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict:
        """Return the parameters and buffers by name; they share memory with the module."""
        out: OrderedDict[str, Tensor] = OrderedDict()
        for path, module in self.named_modules(prefix=prefix.rstrip("."), remove_duplicate=False):
            for name, tensor in {**module._parameters, **module._buffers}.items():
                if tensor is not None and name not in module._not_saved:
                    out[f"{path}.{name}" if path else name] = tensor if keep_vars else tensor.detach()
        return out

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> IncompatibleKeys:
        """Copy values into the parameters and buffers of these names.

        Args:
            assign: take the given tensors instead, with their memory and dtype.

        Raises:
            RuntimeError: listing every name that is missing or unexpected (unless `strict=False`), and every
                shape that differs.
        """
        if not hasattr(state_dict, "items"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = self.state_dict(keep_vars=True)
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        errors = []
        with no_grad():
            for name, tensor in own.items():
                if name not in state_dict:
                    continue
                value = state_dict[name]
                if value.shape != tensor.shape:
                    errors.append(
                        f"size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, the shape in "
                        f"current model is {tensor.shape}."
                    )
                elif assign:
                    self._assign(name, tensor, value)
                else:
                    tensor.copy_(value)
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors)
            )
        return IncompatibleKeys(missing, unexpected)

    def _assign(self, name: str, own: Tensor, value: Tensor) -> None:
        path, _, last = name.rpartition(".")
        if isinstance(own, Parameter):
            if isinstance(value, Parameter):
                value.requires_grad_(own.requires_grad)
            else:
                value = Parameter(value, requires_grad=own.requires_grad)
        setattr(self.get_submodule(path), last, value)

    def to(self, *args: Any, **kwargs: Any) -> "Module":
        """Convert floating-point parameters and buffers to another dtype, in place."""
        return self._converted(lambda x: x.to(*args, **kwargs) if x.is_floating_point() else x)

    def double(self) -> "Module":
        """Convert floating-point parameters and buffers to float64."""
        return self._converted(lambda x: x.double() if x.is_floating_point() else x)

    def float(self) -> "Module":
        """Convert floating-point parameters and buffers to float32."""
        return self._converted(lambda x: x.float() if x.is_floating_point() else x)

    def half(self) -> "Module":
        """Convert floating-point parameters and buffers to float16."""
        return self._converted(lambda x: x.half() if x.is_floating_point() else x)

    def cpu(self) -> "Module":
        """Return the module: it is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> "Module":
        """Raise: there is no CUDA here."""
        return self._converted(lambda x: x.cuda(device))

    def _converted(self, function):
        for module in self.modules():
            for tensor in (*module._parameters.values(), *module._buffers.values()):
                if tensor is None:
                    continue
                tensor._array = function(tensor.detach())._array
                if tensor._grad is not None:
                    tensor._grad = function(tensor._grad.detach())
        return self

    # Text

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of this module's text."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + _indented(repr(module)) for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({''.join(lines)})"
        return f"{self._get_name()}(\n  " + "\n  ".join([*lines, *children]) + "\n)"


def clear_gradient(parameter: Tensor, set_to_none: bool) -> None:
    """Forget a gradient, or fill it with zeros."""
    if parameter._grad is None:
        return
    if set_to_none:
        parameter._grad = None
        return
    if parameter._grad._edge() is not None:
        parameter._grad = wrap(parameter._grad._array)
    parameter._grad.zero_()


def _indented(text):
    return text.replace("\n", "\n  ")


def _quoted(names):
    return ", ".join(f'"{name}"' for name in names)
