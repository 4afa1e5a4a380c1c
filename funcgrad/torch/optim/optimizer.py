"""Optimizer: parameter groups, state, and the loop over parameters that every method shares."""

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from funcgrad.torch.modes import enable_grad
from funcgrad.torch.nn.module import clear_gradient
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["Optimizer", "check_least"]


def check_least(name: str, value: float, least: float = 0.0) -> None:
    """Raise ValueError for a setting below `least`."""
    if not least <= value:
        raise ValueError(f"Invalid {name}: {value}")


class Optimizer:
    """The base of optimizers. A method writes `update(p, g, state, group)`, on NumPy arrays, in place.

    Args:
        params: parameters; or groups, dictionaries with `params` and settings of their own.
        defaults: the settings of groups that have none of their own.
    """

    # PyTorch's choices between implementations: listed among the settings, and without effect here.
    flags: ClassVar[dict[str, Any]] = {"foreach": None, "differentiable": False}

    def __init__(self, params: Any, defaults: dict[str, Any]):
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + params.type()
            )
        self.defaults = {**self.flags, **defaults}
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(dict(group))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own.

        Raises:
            TypeError, ValueError: when they are no leaves, or are in another group already.
        """
        given = param_group["params"]
        parameters = [given] if isinstance(given, Tensor) else list(given)
        parameters = [p[1] if isinstance(p, tuple) else p for p in parameters]
        for p in parameters:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
                )
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        taken = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in taken for p in parameters):
            raise ValueError("some parameters appear in more than one parameter group")
        group = {"params": parameters, **{k: v for k, v in param_group.items() if k != "params"}}
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_gradient(p, set_to_none)

    def step(self, closure: Callable | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients anew.

        Returns:
            what `closure` returns.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):
            for group in self.param_groups:
                for p in group["params"]:
                    if p._grad is None:
                        continue
                    g = p._grad._array
                    if group.get("maximize"):
                        g = -g
                    self.update(p._array, g, self.state[p], group)
                    p._counter[0] += 1
        return loss

    def update(self, p: np.ndarray, g: np.ndarray, state: dict, group: dict) -> None:
        """Move one parameter, given its gradient; each method writes its own."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return the settings and the state, with parameters as numbers."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            groups.append(
                {
                    **{k: v for k, v in group.items() if k != "params"},
                    "params": [numbers[id(p)] for p in group["params"]],
                }
            )
        state = {numbers[id(p)]: _as_tensors(held) for p, held in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over settings and state.

        Raises:
            ValueError: when the groups are not of the same sizes.
        """
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        held = {}
        for group, own in zip(groups, self.param_groups, strict=True):
            for number, p in zip(group["params"], own["params"], strict=True):
                held[number] = p
            own.update(copy.deepcopy({k: v for k, v in group.items() if k != "params"}))
        self.state = defaultdict(dict)
        for number, state in state_dict["state"].items():
            self.state[held[number]] = _as_arrays(state)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for n, group in enumerate(self.param_groups):
            text += f"\nParameter Group {n}\n"
            for name in sorted(group):
                if name != "params":
                    text += f"    {name}: {group[name]}\n"
        return text + ")"


def _as_tensors(held: dict) -> dict:
    return {k: wrap(v) if isinstance(v, np.ndarray) else v for k, v in held.items()}


def _as_arrays(state: dict) -> dict:
    return {k: v._array.copy() if isinstance(v, Tensor) else v for k, v in state.items()}
