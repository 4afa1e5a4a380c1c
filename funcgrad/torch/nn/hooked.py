"""What is called around a module's `forward`: hooks before, after, and when gradients pass."""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from funcgrad.torch.hooks import RemovableHandle
from funcgrad.torch.nn.backward_hooks import called_with_hooks

__all__ = ["Hooked"]


class _ForwardHook(NamedTuple):
    """A hook around `forward`, and how it wants to be called."""

    hook: Callable
    with_kwargs: bool
    always: bool = False  # also where `forward` raises

    def __call__(self, module: Any, args: tuple, kwargs: dict, *out: Any) -> Any:
        return self.hook(module, args, kwargs, *out) if self.with_kwargs else self.hook(module, args, *out)


class Hooked:
    """The calling of a module, and the registering of its hooks."""

    forward: Callable
    _forward_pre_hooks: OrderedDict[int, _ForwardHook]
    _forward_hooks: OrderedDict[int, _ForwardHook]
    _backward_hooks: OrderedDict[int, Callable]
    _backward_pre_hooks: OrderedDict[int, Callable]

    def _without_hooks(self) -> None:
        for name in ("_forward_pre_hooks", "_forward_hooks", "_backward_hooks", "_backward_pre_hooks"):
            object.__setattr__(self, name, OrderedDict())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`, and the hooks around it."""
        pre_hooks, hooks = self._backward_pre_hooks, self._backward_hooks
        if not (self._forward_hooks or self._forward_pre_hooks or hooks or pre_hooks):
            return self.forward(*args, **kwargs)
        due = [hook for hook in self._forward_hooks.values() if hook.always]

        def run(args):
            nonlocal out
            out = self.forward(*args, **kwargs)
            for hook in tuple(self._forward_hooks.values()):
                if hook.always:
                    due.remove(hook)
                changed = hook(self, args, kwargs, out)
                if changed is not None:
                    out = changed
            return out

        out = None
        try:
            args, kwargs = self._prepared(args, kwargs)
            return called_with_hooks(self, args, run, pre_hooks, hooks) if hooks or pre_hooks else run(args)
        except Exception:
            for hook in due:
                self._called_in_vain(hook, args, kwargs, out)
            raise

    def _prepared(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Return the arguments as the hooks before `forward` leave them."""
        for hook in tuple(self._forward_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not hook.with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                    f"{changed}."
                )
        return args, kwargs

    def _called_in_vain(self, hook: _ForwardHook, args: tuple, kwargs: dict, out: Any) -> None:
        """Call a hook that is called always, after an error, which one of its own must not hide."""
        try:
            hook(self, args, kwargs, out)
        except Exception as error:
            warnings.warn(
                "module forward hook with ``always_call=True`` raised an exception that was silenced as another error "
                f"was raised in forward: {error}",
                stacklevel=3,
            )

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; it may return other arguments.

        Args:
            prepend: call it before the hooks there are.
            with_kwargs: call `hook(module, args, kwargs)`, which may return both.
        """
        return RemovableHandle(self._forward_pre_hooks, _ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; it may return another output.

        Args:
            prepend: call it before the hooks there are.
            with_kwargs: call `hook(module, args, kwargs, output)`.
            always_call: call it also where `forward`, or a hook, raises.
        """
        return RemovableHandle(self._forward_hooks, _ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the arguments are known; it may change them."""
        return RemovableHandle(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the gradient flows into the module; it may return another."""
        return RemovableHandle(self._backward_pre_hooks, hook, prepend)
